"""What is said once the changes stay: nobody is told that nothing was changed."""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any, Callable

import pytest

from foundation import host as hosts
from gonkagate_setup import cli
from gonkagate_setup import report as reports
from gonkagate_setup.choice import Scope
from gonkagate_setup.commands import teardown, undo
from tests.faults.gonkagate_setup.test_teardown import set_up
from tests.faults.homes import Home

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the signals are those of POSIX")
Patch = pytest.MonkeyPatch


@pytest.fixture
def home(tmp_path: Path, monkeypatch: Patch) -> Home:
    made = Home.empty(tmp_path / "machine")
    set_up(made, Scope.USER, 0)
    monkeypatch.setattr(hosts, "current", lambda *_: made.host)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return made


def first(patch: Patch, module: Any, name: str, act: Callable[[], None]) -> None:
    """Let `act` happen before the function's first call."""
    original, calls = getattr(module, name), [act]

    def acting(*positional: Any, **named: Any) -> Any:
        if calls:
            calls.pop()()
        return original(*positional, **named)

    patch.setattr(module, name, acting)


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def fault() -> None:
    raise RuntimeError


def key_pressed() -> None:
    raise KeyboardInterrupt


def undone(home: Home, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any]]:
    status = cli.main(["undo", "--yes", "--json"])
    value = json.loads(capsys.readouterr().out)
    assert value["exitStatus"] == status, "exactly one object, and it is right"
    return status, value


CASES: list[tuple[Any, str, Callable[[], None], int, str, bool]] = [
    (teardown, "_second_reading", interrupt, 130, "Stopped; nothing is left half done", False),
    (teardown, "_second_reading", fault, 1, "all changes were rolled back", False),
    (undo, "_report", interrupt, 130, "Stopped after all changes were made; they are kept", True),
    (undo, "_report", fault, 1, "it happened after all changes were made, and they are kept", True),
    (reports, "to_json", interrupt, 0, "is undone", True),
    (reports, "to_json", fault, 1, "it happened after all changes were made, and they are kept", True),
    (cli, "_show", key_pressed, 130, "Interrupted after all changes were made; they are kept", True),
]


@pytest.mark.parametrize(("module", "name", "act", "status", "says", "stays"), CASES)
def test_what_is_said_is_true(
    module: Any,
    name: str,
    act: Callable[[], None],
    status: int,
    says: str,
    stays: bool,
    home: Home,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: Patch,
) -> None:
    first(monkeypatch, module, name, act)
    ended, value = undone(home, capsys)
    assert ended == status
    assert says in value["message"]
    assert home.user_config.exists() is not stays


def test_a_result_that_was_given_is_the_only_one(
    home: Home, capsys: pytest.CaptureFixture[str], monkeypatch: Patch
) -> None:
    original = cli._show

    def interrupted_after(*positional: Any) -> Any:
        original(*positional)
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_show", interrupted_after)
    assert cli.main(["undo", "--yes", "--json"]) == 130
    assert json.loads(capsys.readouterr().out)["exitStatus"] == 0
