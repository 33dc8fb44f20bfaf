"""A home that is none, and links in place of our own files and folders: every verb says which it is."""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

if sys.platform == "win32":
    pytest.skip("links and devices are those of POSIX", allow_module_level=True)

from foundation.errors import Refusal
from gonkagate_setup import cli
from tests.faults.gonkagate_setup.test_unwritable import ROOT_ONLY, as_stranger, strangers  # noqa: F401  # a fixture
from tests.faults.homes import SCENARIOS, Home, put
from tests.support import watching

SETUP = ("--scope", "user", "--model", "kimi-k2.6", "--yes", "--no-input")
VERBS = (SETUP, (*SETUP, "--dry-run"), ("verify",), ("undo", "--yes"), ("uninstall", "--yes"))
each_verb = pytest.mark.parametrize("arguments", VERBS, ids=lambda words: " ".join(words[-1:]))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    home = SCENARIOS[0].make(tmp_path / "machine")
    put(home.root / "bin" / "opencode", b"#!/bin/sh\necho 1.18.33\n", 0o755)
    monkeypatch.chdir(home.project)
    return home


def report(home: Home, arguments: tuple[str, ...], named: object = None) -> dict[str, Any]:
    """What the program says where HOME is `named`."""
    environ = {
        "HOME": str(named or home.folder),
        "PATH": f"{home.root / 'bin'}:{os.environ['PATH']}",
        "GONKAGATE_API_KEY": "gp-of-no-account",
        "TERM": "dumb",
    }
    out, err = io.StringIO(), io.StringIO()
    with (
        mock.patch.dict(os.environ, environ, clear=True),
        mock.patch.object(sys, "stdin", io.StringIO()),
        mock.patch.object(sys, "stdout", out),
        mock.patch.object(sys, "stderr", err),
    ):
        status = cli.main([*arguments, "--json"])
    watching.say(out.getvalue() + err.getvalue())
    found: dict[str, Any] = json.loads(out.getvalue())
    assert found["exitStatus"] == status
    return found


def assert_refused(
    said: dict[str, Any], place: Path, *parts: str, code: tuple[int, str] = (5, "managed_state_unusable")
) -> None:
    assert (said["exitStatus"], said["errorCode"]) == code
    assert said["where"]["file"] == str(place)
    assert "interrupted" not in said["message"]
    for part in parts:
        assert part in f"{said['message']}; {said['nextStep']}"


# -- a home that is none


@each_verb
@pytest.mark.parametrize("kind", ["device", "file", "below a file", "missing", "dangling link", "circle"])
def test_p6_a_home_that_is_none_is_called_so(home: Home, kind: str, arguments: tuple[str, ...]) -> None:
    put(home.root / "file", b"", 0o644)
    (home.root / "link").symlink_to("nowhere")
    (home.root / "circle").symlink_to("circle")
    named, part = {
        "device": (Path("/dev/null"), "not a folder"),
        "file": (home.root / "file", "not a folder"),
        "below a file": (home.root / "file" / "home", "does not exist"),
        "missing": (home.root / "missing", "does not exist"),
        "dangling link": (home.root / "link", f"it leads to {home.root / 'nowhere'}"),
        "circle": (home.root / "circle", "home folder"),
    }[kind]
    before = home.tree()
    assert_refused(report(home, arguments, named), named, part, "set HOME")
    assert home.tree() == before


@ROOT_ONLY
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded")
def test_p6_a_home_that_may_not_be_entered(strangers: Home) -> None:  # noqa: F811
    """Every verb asks this first, see the others."""
    strangers.folder.chmod(0o600)

    def ask() -> str:
        with pytest.raises(Refusal) as caught:
            strangers.store.require_own_folders()
        return f"{caught.value.message} {caught.value.where} {caught.value.next_step}"

    said = as_stranger(ask)
    strangers.folder.chmod(0o755)
    assert f"cannot be entered (permission denied) {strangers.folder} " in said
    assert f"chmod u+x {strangers.folder}" in said


def test_p6_the_list_of_models_needs_no_home(home: Home) -> None:
    for named in ("/dev/null", home.root / "missing"):
        assert report(home, ("models",), named)["exitStatus"] == 0


# -- links in place of our own files and folders


@each_verb
@pytest.mark.parametrize("target", ["away", "nowhere", "shared", "file"])
@pytest.mark.parametrize("name", [".gonkagate", ".gonkagate/opencode", ".gonkagate/opencode/journal",
                                  ".gonkagate/opencode/backups"])  # fmt: skip
def test_p10_a_folder_that_is_a_link_is_named_itself(
    home: Home, name: str, target: str, arguments: tuple[str, ...]
) -> None:
    (home.root / "away").mkdir()
    (home.root / "shared").mkdir()
    (home.root / "shared").chmod(0o777)
    put(home.root / "file", b"", 0o644)
    link = home.folder / name
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(home.root / target)
    before = home.tree()
    said = report(home, arguments)
    assert_refused(
        said, link, f"this is a link to {home.root / target}", "replace the link with a real folder"
    )
    assert home.tree() == before


@pytest.mark.parametrize(
    ("name", "code", "arguments"),
    [
        ("api-key", "managed_config_unsafe_link", SETUP),
        ("api-key", "secret_file_unusable", ("verify",)),
        ("api-key", "managed_config_unsafe_link", ("uninstall", "--yes")),
        ("install-state.json", "managed_config_unsafe_link", SETUP),
        ("install-state.json", "managed_config_unsafe_link", ("verify",)),
        ("install-state.json", "managed_config_unsafe_link", ("uninstall", "--yes")),
        ("last-change.json", "managed_config_unsafe_link", ("undo", "--yes")),
        ("last-change.json", "managed_config_unsafe_link", ("uninstall", "--yes")),
    ],
)
def test_p10_a_file_that_is_a_link_is_named_itself(
    home: Home, name: str, code: str, arguments: tuple[str, ...]
) -> None:
    home.store.folder.mkdir(parents=True, mode=0o700)
    if name == "api-key" and arguments == ("verify",):
        put(home.user_config, b'{"model": "gonkagate/kimi-k2.6"}', 0o644)
        put(home.store.state, b'{"selectedModelKey": "kimi-k2.6"}', 0o600)
        put(home.root / "elsewhere", b"gp-of-no-account", 0o600)
    else:
        put(home.root / "elsewhere", b"{}", 0o600)
    (home.store.folder / name).symlink_to(home.root / "elsewhere")
    said = report(home, arguments)
    assert said["errorCode"] == code
    assert said["where"]["file"] == str(home.store.folder / name)
    assert "link" in said["message"]
    assert "correct it" not in said["nextStep"]


def test_p10_a_lock_that_is_a_link_is_named_itself(home: Home) -> None:
    home.store.folder.mkdir(parents=True, mode=0o700)
    put(home.user_config, b'{"model": "gonkagate/kimi-k2.6"}', 0o644)
    home.store.lock.symlink_to(home.root / "nowhere")
    said = report(home, ("uninstall", "--yes"))
    code = (8, "managed_state_write_failed")
    assert_refused(said, home.store.lock, "this is a link", "remove the link", code=code)
