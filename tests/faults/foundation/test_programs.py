"""Every child of ours: found on the PATH and nowhere else, and started without the key."""

from __future__ import annotations

import ast
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Callable

import pytest

from foundation import git, programs
from gonkagate_setup import credential
from gonkagate_setup.catalog import GONKAGATE
from gonkagate_setup.errors import code_of
from opencode_config.program import run, surveying
from opencode_config.survey import Reading
from tests.faults.homes import NEW_KEY, Home, put
from tests.support.sources import MODULES

posix = pytest.mark.skipif(sys.platform == "win32", reason="makes POSIX executables")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "machine")
    (made.folder / ".git").mkdir(parents=True)
    (made.project / ".git").mkdir(parents=True)
    return made


def ask_for_the_worktree(home: Home, environ: dict[str, str]) -> None:
    git.worktree(replace(home.host, environ=environ), home.project)


def ask_whether_the_key_is_ignored(home: Home, environ: dict[str, str]) -> None:
    credential.in_git_work_tree(home.store, replace(home.host, environ=environ))


def read_preferences(home: Home, environ: dict[str, str]) -> None:
    put(home.root / "x.plist", b"<plist/>", 0o644)
    surveying._read(home.root / "x.plist", replace(home.host, environ=environ))


@posix
@pytest.mark.parametrize("ask", [ask_for_the_worktree, ask_whether_the_key_is_ignored, read_preferences])
def test_no_child_gets_the_key(
    home: Home, ask: Callable[[Home, dict[str, str]], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    spy = home.root / "bin" / "git"
    put(spy, f"#!/bin/sh\nenv > {home.root}/seen\n".encode(), 0o755)
    monkeypatch.setattr(surveying, "_PLUTIL", str(spy))
    ask(home, {"PATH": f"{spy.parent}:{os.environ['PATH']}", "GONKAGATE_API_KEY": NEW_KEY.decode(), "A": "b"})
    seen = (home.root / "seen").read_text()
    assert "A=b\n" in seen
    assert NEW_KEY.decode() not in seen
    assert f"GONKAGATE_API_KEY={GONKAGATE.hidden['GONKAGATE_API_KEY']}\n" in seen


def test_every_child_is_given_an_environment() -> None:
    """One that is given none inherits ours, the key in it."""
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in MODULES}
    starting = [
        path.stem
        for path, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Import) and "subprocess" in {alias.name for alias in node.names}
    ]
    assert starting == ["processes"]
    bare = [
        f"{path}:{node.lineno}"
        for path, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in ("subprocess.run", "subprocess.Popen", "subprocess.check_output")
        and "env" not in {keyword.arg for keyword in node.keywords}
    ]
    assert bare == []


def test_what_lies_in_the_current_folder_is_not_on_the_path(home: Home) -> None:
    """On Windows `shutil.which` looks there first, so it is not asked."""
    planted, real = home.project / "git", home.root / "bin" / "git"
    for program in (planted, real):
        put(program, b"#!/bin/sh\nexit 0\n", 0o755)
    host = replace(home.host, environ={"PATH": str(real.parent)}, cwd=home.project)
    assert list(programs.on_path("git", host)) == [real]


@posix
def test_what_killed_runs_left_in_the_temporary_folder_goes_after_a_day(tmp_path: Path) -> None:
    now = 1_900_000_000.0
    outside = tmp_path / "outside"
    put(outside / "precious", b"x", 0o644)
    temp = tmp_path / "temp"
    goes, others = "opencode-asked-abcd_123", ("opencode-asked-abcd-123", "opencode-asked-abcd123")
    old = (goes, *others, "my-opencode-asked-abcd_123", "opencode-asked-ABCD_123")
    for name in (*old, "opencode-asked-new00000"):
        put(temp / name / "state" / "opencode", b"x", 0o600)
        (temp / name / "link").symlink_to(outside)
        os.utime(temp / name, (now - 90_000, now - (90_000 if name in old else 3_000)))
    (temp / "opencode-asked-link0000").symlink_to(outside)
    os.utime(temp / "opencode-asked-link0000", (1, 1), follow_symlinks=False)
    put(temp / "opencode-asked-file0000", b"x", 0o600)
    os.utime(temp / "opencode-asked-file0000", (1, 1))
    run.sweep(now, temp)
    assert [name for name in old if not (temp / name).exists()] == [goes]
    assert (temp / "opencode-asked-new00000").exists()
    assert (temp / "opencode-asked-link0000").is_symlink()
    assert (temp / "opencode-asked-file0000").exists()
    assert (outside / "precious").exists()


@posix
@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="only root gives files away")
def test_another_users_folder_stays(tmp_path: Path) -> None:
    theirs = tmp_path / "opencode-asked-abcd_123"
    theirs.mkdir()
    os.utime(theirs, (1, 1))
    os.chown(theirs, 12345, 12345)
    run.sweep(1_900_000_000.0, tmp_path)
    assert theirs.exists()


@posix
def test_preferences_that_are_not_told_are_a_reading_that_failed(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(home.root / "x.plist", b"<plist/>", 0o644)
    slow = home.root / "slow"
    put(slow, b"#!/bin/sh\nexec sleep 60\n", 0o755)
    monkeypatch.setattr(surveying, "_PLUTIL_SECONDS", 0.2)
    for program in (slow, home.root / "none"):
        monkeypatch.setattr(surveying, "_PLUTIL", str(program))
        reading: Reading = surveying._read(home.root / "x.plist", home.host)
        assert reading.refusal is not None
        assert code_of(reading.refusal) == "managed_config_read_failed"
