"""The key's one file: what is read from it, who may read it, and whether git would commit it."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from foundation import git
from foundation.protection import for_host
from foundation.transaction import Protect, Transaction, lock
from gonkagate_setup import credential
from tests.faults.homes import NEW_KEY, SCENARIOS, Home, put
from tests.support.windows import needs_git, real_lists

posix = pytest.mark.skipif(sys.platform == "win32", reason="modes and owners are those of POSIX")
root_only = pytest.mark.skipif(
    not hasattr(os, "getuid") or os.getuid() != 0, reason="only root can give a file away"
)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = SCENARIOS[0].make(tmp_path / "machine")
    put(home.store.key, NEW_KEY, 0o600)
    for folder in home.store.folders:
        folder.chmod(0o700)
    if home.host.windows:
        for path in (home.store.folder, home.store.key):
            for_host(home.host).apply(path)
    return home


def test_none_where_there_is_none(tmp_path: Path) -> None:
    home = SCENARIOS[0].make(tmp_path / "machine")
    assert credential.read_stored(home.store, home.host) is None


@real_lists
@pytest.mark.parametrize("data", [NEW_KEY, NEW_KEY + b"\n", b" \r\n" + NEW_KEY + b"\t\r\n"])
def test_read_as_opencode_reads_it(home: Home, data: bytes) -> None:
    home.store.key.write_bytes(data)
    stored = credential.read_stored(home.store, home.host)
    assert stored is not None
    assert stored.secret is not None
    assert stored.secret.reveal() == NEW_KEY.decode()
    assert stored.secret is not None
    assert stored.protected.ok, stored.protected.detail


@pytest.mark.parametrize(
    "data", [b"", b"\n", b"sk-other", b"gp-a b", b"gp-\xff\xfe", b"\xff\xfeg\0p\0", b"gp-a\ngp-b"]
)
def test_what_is_no_key_is_not_valid(home: Home, data: bytes) -> None:
    home.store.key.write_bytes(data)
    stored = credential.read_stored(home.store, home.host)
    assert stored is not None
    assert stored.secret is None


@posix
@pytest.mark.parametrize(
    ("what", "mode"), [("key", 0o644), ("key", 0o400), ("key", 0o660), ("folder", 0o755)]
)
def test_drifted_modes_are_seen_and_repaired(home: Home, what: str, mode: int) -> None:
    path = home.store.key if what == "key" else home.store.folder
    path.chmod(mode)
    stored = credential.read_stored(home.store, home.host)
    assert stored is not None
    assert not stored.protected.ok
    assert stored.protected.repairable
    assert f"{path} has mode {mode:04o}" in stored.protected.detail
    assert for_host(home.host).apply(path).ok
    again = credential.read_stored(home.store, home.host)
    assert again is not None
    assert again.protected.ok


@posix
@pytest.mark.parametrize("which", ["home", ".gonkagate"])
def test_folders_above_that_others_can_write_are_told(home: Home, which: str) -> None:
    folder = home.folder if which == "home" else home.store.folders[0]
    folder.chmod(0o777)
    stored = credential.read_stored(home.store, home.host)
    assert stored is not None
    assert not stored.protected.ok
    assert not stored.protected.repairable
    assert f"other users can write to {folder}" in stored.protected.detail
    assert oct(folder.stat().st_mode)[-3:] == "777"


@posix
@pytest.mark.parametrize("what", ["key", "folder"])
def test_a_drifted_mode_below_a_folder_of_all_is_told_with_it_and_repaired(home: Home, what: str) -> None:
    path = home.store.key if what == "key" else home.store.folder
    path.chmod(0o755)
    home.store.folders[0].chmod(0o777)
    stored = credential.read_stored(home.store, home.host)
    assert stored is not None
    assert stored.protected.repairable
    told = stored.protected.detail.split("; ")
    assert sorted(part.partition(" ")[0] for part in told) == sorted([str(path), "other"]), told
    with lock(home.store, home.host), Transaction(home.store, home.host) as transaction:
        transaction.apply([Protect(home.store.key)])
        transaction.commit()
    assert oct(path.stat().st_mode)[-3:] == ("600" if what == "key" else "700")
    after = credential.read_stored(home.store, home.host)
    assert after is not None
    assert not after.protected.ok
    assert not after.protected.repairable


@posix
def test_a_file_system_without_modes_is_told(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on FAT or a Windows drive: chmod says that it worked, and nothing has changed."""
    home.store.key.chmod(0o644)
    monkeypatch.setattr(Path, "chmod", lambda *_: None)
    status = for_host(home.host).apply(home.store.key)
    assert not status.ok
    assert not status.repairable
    assert "its file system does not support permissions" in status.detail


@posix
def test_a_windows_drive_under_wsl_is_told(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    from foundation.protection import posix as module

    home.store.key.chmod(0o644)
    monkeypatch.setattr(Path, "chmod", lambda *_: None)
    monkeypatch.setattr(module, "_WINDOWS_DRIVE", __import__("re").compile(str(home.root)))
    status = for_host(replace(home.host, wsl=True)).apply(home.store.key)
    assert "it is on a Windows drive, where Windows decides who may read it" in status.detail


@pytest.mark.parametrize(
    ("path", "is_one"), [("/mnt/c/Users/me", True), ("/mnt/c", True), ("/mnt/data/x", False)]
)
def test_which_paths_are_windows_drives(path: str, is_one: bool) -> None:
    from foundation.protection import posix as module

    assert (module._WINDOWS_DRIVE.match(path) is not None) is is_one


@root_only
def test_root_with_somebody_elses_home_is_told(home: Home) -> None:
    os.chown(home.folder, 1234, 1234)
    stored = credential.read_stored(home.store, home.host)
    assert stored is not None
    assert not stored.protected.ok
    assert not stored.protected.repairable
    assert "runs as root" in stored.protected.detail
    assert "1234" in stored.protected.detail


@root_only
def test_somebody_elses_key_file_is_told(home: Home) -> None:
    os.chown(home.store.key, 1234, 1234)
    stored = credential.read_stored(home.store, home.host)
    assert stored is not None
    assert f"{home.store.key} belongs to user 1234" in stored.protected.detail


# -- git


@pytest.fixture
def git_home(home: Home) -> Home:
    subprocess.run(["git", "init", "--quiet", str(home.folder)], check=True, stdin=subprocess.DEVNULL)
    return home


def ignore(home: Home, line: str) -> None:
    (home.folder / ".gitignore").write_text(line + "\n")


def test_outside_of_git_there_is_nothing_to_say(home: Home) -> None:
    assert credential.in_git_work_tree(home.store, home.host) is None


@needs_git
def test_a_home_that_is_a_repository_is_told_and_the_line_helps(git_home: Home) -> None:
    notice = credential.in_git_work_tree(git_home.store, git_home.host)
    assert notice is not None
    assert (notice.worktree, notice.ignore_file) == (git_home.folder, git_home.folder / ".gitignore")
    assert notice.ignore_line == "/.gonkagate/"
    ignore(git_home, notice.ignore_line)
    assert credential.in_git_work_tree(git_home.store, git_home.host) is None
    listed = subprocess.run(
        ["git", "ls-files", "--others", "--exclude-standard"],
        cwd=git_home.folder, capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert "api-key" not in listed.stdout


@needs_git
def test_a_key_that_git_has_already_is_told_though_ignored(git_home: Home) -> None:
    def git(*arguments: str) -> None:
        subprocess.run(["git", *arguments], cwd=git_home.folder, check=True, stdin=subprocess.DEVNULL)

    git("add", ".gonkagate")
    ignore(git_home, "/.gonkagate/")
    assert credential.in_git_work_tree(git_home.store, git_home.host) is not None


@needs_git
def test_without_git_the_notice_stands(git_home: Home) -> None:
    ignore(git_home, "/.gonkagate/")
    host = replace(git_home.host, environ={"PATH": ""})
    assert credential.in_git_work_tree(git_home.store, host) is not None


@posix
def test_a_repository_further_up_with_a_strange_name(tmp_path: Path) -> None:
    root = tmp_path / "all homes"
    home = SCENARIOS[0].make(root / "a [b]*?#!")
    put(home.store.key, NEW_KEY, 0o600)
    subprocess.run(["git", "init", "--quiet", str(root)], check=True, stdin=subprocess.DEVNULL)
    notice = credential.in_git_work_tree(home.store, home.host)
    assert notice is not None
    notice.ignore_file.write_text(notice.ignore_line + "\n")
    assert credential.in_git_work_tree(home.store, home.host) is None
    notice.ignore_file.write_text(notice.ignore_line.replace("\\", "") + "\n")
    assert credential.in_git_work_tree(home.store, home.host) is not None, "the line's escapes are needed"


@posix
def test_git_that_hangs_is_given_up(git_home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = tmp_path / "bin" / "git"
    put(slow, b"#!/bin/sh\nexec sleep 60\n", 0o755)
    monkeypatch.setattr(git, "_SECONDS", 0.3)
    host = replace(git_home.host, environ={"PATH": f"{slow.parent}:{os.environ['PATH']}"})
    assert credential.in_git_work_tree(git_home.store, host) is not None


@posix
def test_git_gets_no_key_and_runs_no_hook(git_home: Home, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    hook = tmp_path / "hook"
    put(hook, f"#!/bin/sh\nenv > {ran}\n".encode(), 0o755)
    subprocess.run(
        ["git", "config", "core.fsmonitor", str(hook)],
        cwd=git_home.folder,
        check=True,
        stdin=subprocess.DEVNULL,
    )
    environ = {"PATH": os.environ["PATH"], "GONKAGATE_API_KEY": NEW_KEY.decode()}
    credential.in_git_work_tree(git_home.store, replace(git_home.host, environ=environ))
    assert not ran.exists()
    spy = tmp_path / "bin" / "git"
    put(spy, f"#!/bin/sh\nenv > {ran}\n".encode(), 0o755)
    environ["PATH"] = f"{spy.parent}:{environ['PATH']}"
    credential.in_git_work_tree(git_home.store, replace(git_home.host, environ=environ))
    assert "PATH=" in ran.read_text()
    assert NEW_KEY.decode() not in ran.read_text()
