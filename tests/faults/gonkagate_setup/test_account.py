"""A home that belongs to another account is refused before anything is written, with a way that works."""

from __future__ import annotations

import json
import os
import shlex
import stat
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

if sys.platform == "win32":
    pytest.skip("Windows has no owners in numbers", allow_module_level=True)

import pwd

from foundation.errors import Refusal
from foundation.files import reading, replace
from foundation.host import Host
from gonkagate_setup import cli
from gonkagate_setup.catalog import GONKAGATE
from gonkagate_setup.errors import code_of
from gonkagate_setup.store import Store
from opencode_config.program import account

root_only = pytest.mark.skipif(
    not hasattr(os, "getuid") or os.getuid() != 0, reason="only root can give a file away"
)
ME = os.getuid() if hasattr(os, "getuid") else 0


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    return home


def names(monkeypatch: pytest.MonkeyPatch, **accounts: int) -> None:
    """The system knows these accounts, and no other."""

    def getpwuid(user: int) -> Any:
        for name, number in accounts.items():
            if number == user:
                return SimpleNamespace(pw_name=name, pw_dir=f"/home/{name}" if number else "/root")
        raise KeyError(user)

    monkeypatch.setattr(pwd, "getpwuid", getpwuid)


def owners(monkeypatch: pytest.MonkeyPatch, home: Path, owned: dict[str, int]) -> None:
    """Who owns what below the home, the longest name that fits deciding; the home itself is `""`."""

    def owner(path: Path) -> int | None:
        if not os.path.lexists(path):
            return None
        relative = "" if path == home else path.relative_to(home).as_posix()
        fits = [name for name in owned if not name or relative == name or relative.startswith(f"{name}/")]
        return owned[max(fits, key=len)]

    monkeypatch.setattr(account, "_owner", owner)


def locked(monkeypatch: pytest.MonkeyPatch, *paths: Path) -> None:
    """Nothing in these can be used."""
    monkeypatch.setattr(os, "access", lambda path, mode: not any(path == one for one in paths))


def refusal(home: Path, user: int, words: str = "gonkagate-setup", **environ: str) -> Refusal | None:
    host = Host({"PATH": "", **environ}, home, home, "linux", user_id=user)
    try:
        account.require_own(Store.at(home, GONKAGATE), host, words)
    except Refusal as error:
        return error
    return None


def asked(home: Path, user: int, words: str = "gonkagate-setup", **environ: str) -> Refusal:
    error = refusal(home, user, words, **environ)
    assert error is not None
    assert code_of(error) == "managed_state_unusable"
    return error


# -- root


def test_w1_root_in_a_users_home_is_refused(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    names(monkeypatch, root=0, anna=1000)
    owners(monkeypatch, home, {"": 1000})
    error = asked(home, 0)
    assert str(error.where) == str(home)
    assert "runs as root, but the home folder belongs to anna" in error.message
    assert error.next_step == "run it as that user: su -s /bin/sh anna -c gonkagate-setup"


def test_w1_sudo_that_kept_home_is_to_be_left_out(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    names(monkeypatch, root=0, anna=1000)
    owners(monkeypatch, home, {"": 1000})
    error = asked(home, 0, "gonkagate-setup verify", SUDO_USER="anna")
    assert error.next_step == "run it without sudo: gonkagate-setup verify"
    error = asked(home, 0, "gonkagate-setup verify", SUDO_USER="otto")
    assert error.next_step == "run it as that user: su -s /bin/sh anna -c 'gonkagate-setup verify'"


def test_w1_with_sudo_on_the_path_that_is_named(
    monkeypatch: pytest.MonkeyPatch, home: Path, tmp_path: Path
) -> None:
    names(monkeypatch, root=0, anna=1000)
    owners(monkeypatch, home, {"": 1000})
    (tmp_path / "sudo").write_text("#!/bin/sh\n")
    (tmp_path / "sudo").chmod(0o755)
    assert (
        asked(home, 0, PATH=str(tmp_path)).next_step == "run it as that user: sudo -u anna -H gonkagate-setup"
    )


def test_w1_a_container_without_that_account_gets_roots_home(
    monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    names(monkeypatch, root=0)
    owners(monkeypatch, home, {"": 1001})
    error = asked(home, 0)
    assert "belongs to user 1001" in error.message
    assert error.next_step == "to set up root's own opencode, run: HOME=/root gonkagate-setup"


def test_w1_what_root_has_made_is_given_back_first(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    names(monkeypatch, root=0, anna=1000)
    (home / ".gonkagate" / "opencode").mkdir(parents=True)
    (home / ".cache" / "opencode").mkdir(parents=True)
    owners(monkeypatch, home, {"": 1000, ".gonkagate": 0, ".cache/opencode": 0})
    assert asked(home, 0).next_step.startswith(
        "first give back what root created there: "
        f"chown -Rh anna: {home}/.gonkagate {home}/.cache/opencode; then "
    )


@pytest.mark.parametrize("owner", [0, "overflow"])
def test_w1_root_at_home_or_in_one_of_unknown_owner_is_not(
    monkeypatch: pytest.MonkeyPatch, home: Path, owner: int | str
) -> None:
    if owner == "overflow":
        overflow = Path("/proc/sys/kernel/overflowuid")
        if not overflow.exists():
            pytest.skip("only Linux shows a number for accounts that it does not know")
        owner = int(overflow.read_text())
    names(monkeypatch, root=0)
    owners(monkeypatch, home, {"": int(owner)})
    assert refusal(home, 0) is None


# -- the user


def test_w1_what_root_left_is_got_back(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    names(monkeypatch, root=0, anna=1000)
    for made in (".gonkagate/opencode", ".config/opencode", ".local/share/opencode"):
        (home / made).mkdir(parents=True)
    (home / ".config/opencode/opencode.json").write_text("{}")
    owners(monkeypatch, home, {"": 1000, ".gonkagate": 0, ".config/opencode/opencode.json": 0, ".local": 0})
    locked(monkeypatch, home / ".gonkagate")
    error = asked(home, 1000)
    assert str(error.where) == str(home / ".gonkagate")
    assert "belongs to root" in error.message
    assert error.next_step.startswith(
        f"run as root: chown -Rh anna: {home}/.gonkagate {home}/.local "
        f"{home}/.config/opencode/opencode.json ("
    )


def test_w1_a_key_file_of_root_in_a_folder_of_the_user(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    names(monkeypatch, root=0, anna=1000)
    key = home / ".gonkagate" / "opencode" / "api-key"
    key.parent.mkdir(parents=True)
    key.write_text("gp-x")
    owners(monkeypatch, home, {"": 1000, ".gonkagate/opencode/api-key": 0})
    locked(monkeypatch, key)
    assert f"chown -Rh anna: {key} (" in asked(home, 1000).next_step


def test_w1_another_users_home_is_not_taken_over(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    names(monkeypatch, root=0, anna=1000, otto=1001)
    (home / ".gonkagate" / "opencode").mkdir(parents=True)
    owners(monkeypatch, home, {"": 1001})
    locked(monkeypatch, home / ".gonkagate")
    error = asked(home, 1000)
    assert "runs as anna, but the home folder belongs to otto" in error.message
    assert "chown" not in error.next_step
    assert error.next_step.endswith("export HOME=/home/anna")


def test_w1_a_home_that_cannot_be_written_is_refused_at_once(
    monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    names(monkeypatch, root=0)
    owners(monkeypatch, home, {"": 0})
    locked(monkeypatch, home)
    error = asked(home, 1000)
    assert "runs as user 1000, but the home folder belongs to root, and" in error.message


def test_w1_any_account_in_a_home_that_it_can_write_goes_on(
    monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    names(monkeypatch, root=0)
    owners(monkeypatch, home, {"": 1001})
    locked(monkeypatch)
    assert refusal(home, 1000650000) is None


# -- as a whole


@root_only
@pytest.mark.parametrize(
    "words", ["setup --yes", "setup --dry-run --yes", "verify", "undo --yes", "uninstall --yes"]
)
def test_w1_no_command_starts_anything_in_a_users_home(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], home: Path, words: str
) -> None:
    os.chown(home, 12345, 12345)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GONKAGATE_API_KEY", "gp-" + "not-a-real-key-7")
    assert cli.main([*words.split(), "--json", "--cwd", str(home)]) == 5
    told = json.loads(capsys.readouterr().out)
    assert told["errorCode"] == "managed_state_unusable"
    assert list(home.iterdir()) == []


@root_only
def test_w1_the_command_that_gives_back_works(home: Path) -> None:
    store = Store.at(home, GONKAGATE)
    store.folder.mkdir(parents=True)
    store.key.write_text("x")
    (home / ".config" / "opencode").mkdir(parents=True)
    (home / ".config" / "opencode" / "opencode.json").write_text("{}")
    (home / ".config" / "opencode" / "link").symlink_to("/etc/hosts")
    os.chown(home, 12345, 12345)
    command = account.give_back(store, 12345)
    assert command is not None
    subprocess.run(shlex.split(command), check=True, stdin=subprocess.DEVNULL, timeout=60)
    assert {path.lstat().st_uid for path in home.rglob("*")} == {12345}
    assert Path("/etc/hosts").stat().st_uid == 0
    assert account.give_back(store, 12345) is None


@root_only
def test_w1_a_new_project_file_of_root_belongs_to_whom_the_folder_does(tmp_path: Path) -> None:
    os.chown(tmp_path, 12345, 12346)
    with replace.Folder(tmp_path.resolve()) as opened:
        replace.write_beside(opened, "new", b"{}", None)
    status = (tmp_path / "new").stat()
    assert (status.st_uid, status.st_gid) == (12345, 12346)
    assert reading.read_snapshot(tmp_path / "new").data == b"{}"


@pytest.mark.parametrize(("umask", "mode"), [(0o000, 0o644), (0o002, 0o644), (0o022, 0o644), (0o077, 0o600)])
def test_p11_a_new_file_is_nobody_elses_to_write(tmp_path: Path, umask: int, mode: int) -> None:
    before = os.umask(umask)
    try:
        with replace.Folder(tmp_path.resolve()) as opened:
            replace.write_beside(opened, "new", b"{}", None)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == mode
