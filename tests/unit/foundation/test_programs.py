"""Programs are taken from the PATH alone: on Windows by PATHEXT, and never from the working folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from foundation import git, programs
from foundation.host import Host
from gonkagate_setup.catalog import GONKAGATE
from gonkagate_setup.credential import in_git_work_tree
from gonkagate_setup.store import Store


def program(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)
    return path


def windows(root: Path, *folders: str, **environ: str) -> Host:
    return Host({"PATH": os.pathsep.join(folders), **environ}, root, root, "win32")


def test_pathext_decides_and_its_order_counts(tmp_path: Path) -> None:
    for name in ("opencode", "opencode.ps1", "opencode.cmd", "opencode.exe"):
        program(tmp_path / "npm" / name)
    for order, expected in ((".COM;.EXE;.BAT;.CMD", "opencode.exe"), (".CMD;.EXE", "opencode.cmd")):
        host = windows(tmp_path, str(tmp_path / "npm"), PATHEXT=order)
        assert list(programs.on_path("opencode", host)) == [tmp_path / "npm" / expected]
    assert programs.find("opencode", windows(tmp_path, str(tmp_path / "npm"))) is not None


def test_what_only_a_shell_starts_is_passed_over(tmp_path: Path) -> None:
    for name in ("opencode", "opencode.ps1", "opencode.js"):
        program(tmp_path / "npm" / name)
    host = windows(tmp_path, str(tmp_path / "npm"), PATHEXT=".EXE;.PS1;.JS")
    assert programs.find("opencode", host) is None


def test_a_program_in_the_working_folder_is_not_on_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("git", "git.exe"):
        program(tmp_path / name)
    right = program(tmp_path / "bin" / "git.exe")
    monkeypatch.chdir(tmp_path)
    assert programs.find("git", windows(tmp_path)) is None
    # cmd.exe takes quoted folders.
    assert programs.find("git", windows(tmp_path, f'"{right.parent}"')) == right
    assert programs.find("git", Host({}, tmp_path, tmp_path, "linux")) is None


def test_a_repository_brings_no_git_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = tmp_path / "ran"
    (tmp_path / ".git").mkdir()
    for name in ("git", "git.exe"):
        program(tmp_path / name, f"#!/bin/sh\ntouch '{ran}'\n")
    monkeypatch.chdir(tmp_path)
    host = windows(tmp_path)
    assert git.worktree(host, tmp_path) == (None, None)
    assert in_git_work_tree(Store.at(tmp_path, GONKAGATE), host) is not None
    assert not ran.exists()
