"""The home folder is the one that opencode uses, or there is a refusal that says what to set."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from foundation import host as hosts
from foundation.errors import Refusal
from foundation.host import home_folder
from gonkagate_setup import cli
from gonkagate_setup.errors import code_of

posix = pytest.mark.skipif(sys.platform == "win32", reason="these are homes of Linux and macOS")


def account(monkeypatch: pytest.MonkeyPatch, home: str | None) -> None:
    """The system's list of accounts gives this home; None: no such account."""
    import pwd

    def getpwuid(user: int) -> Any:
        assert user == os.geteuid()
        if home is None:
            raise KeyError(user)
        return SimpleNamespace(pw_dir=home)

    monkeypatch.setattr(pwd, "getpwuid", getpwuid)


@posix
@pytest.mark.parametrize("environ", [{}, {"HOME": ""}], ids=["not set", "empty"])
def test_w4_without_home_it_is_the_accounts(monkeypatch: pytest.MonkeyPatch, environ: dict[str, str]) -> None:
    account(monkeypatch, "/var/lib/someone/")
    assert home_folder(environ) == Path("/var/lib/someone")


@posix
@pytest.mark.parametrize(
    ("named", "home"),
    [
        ("/home/me", "/home/me"),
        ("/home/me/", "/home/me"),
        ("//home//me/.", "/home/me"),
        ("/home/link/../me", "/home/me"),
        ("/..", "/"),
        ("/home/me ", "/home/me "),
    ],
)
def test_w4_a_home_is_joined_as_opencode_joins_it(
    monkeypatch: pytest.MonkeyPatch, named: str, home: str
) -> None:
    account(monkeypatch, "/not/asked")
    assert str(home_folder({"HOME": named})) == home


@posix
@pytest.mark.parametrize("named", ["home", "./home", ".", "~", " ", "~/x", "$HOME"])
def test_w4_a_relative_home_is_refused(monkeypatch: pytest.MonkeyPatch, named: str) -> None:
    account(monkeypatch, "/home/me")
    with pytest.raises(Refusal) as refusal:
        home_folder({"HOME": named})
    assert code_of(refusal.value) == "managed_state_unusable"
    assert refusal.value.message.startswith("HOME is not an absolute path")
    assert refusal.value.next_step == "set HOME to your home folder, for example: export HOME=/home/you"


@posix
@pytest.mark.parametrize(
    ("home", "message"),
    [(None, "there is no home folder"), ("", "there is no home folder"), ("x", "your account's entry")],
)
def test_w4_an_account_without_a_home_is_refused(
    monkeypatch: pytest.MonkeyPatch, home: str | None, message: str
) -> None:
    account(monkeypatch, home)
    with pytest.raises(Refusal) as refusal:
        home_folder({"HOME": ""})
    assert refusal.value.message.startswith(message)


@posix
def test_w4_what_needs_no_home_works_without_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", "relative")
    for argv in (["--version"], ["--help"], ["completion", "bash"], ["man"]):
        assert cli.main(argv) == 0, argv
    assert cli.main(["verify"]) == 5
    assert "HOME is not an absolute path" in capsys.readouterr().err
    with pytest.raises(Refusal):
        hosts.current({})
