"""What cannot be written is found before anything is written, and named; nobody is left in a dead end."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable

import pytest

if sys.platform == "win32":
    pytest.skip("mounts, owners and modes are those of POSIX", allow_module_level=True)

import pwd  # loaded before a child gives its rights up

from foundation.errors import Refusal
from foundation.files import writable
from foundation.files.reading import read_snapshot
from foundation.transaction import Role, Transaction, Write, lock
from gonkagate_setup.catalog import GONKAGATE
from gonkagate_setup.commands import targets
from gonkagate_setup.errors import code_of
from gonkagate_setup.store import Store
from tests.faults import mounted
from tests.faults.homes import SCENARIOS, Home, put

ROOT_ONLY = pytest.mark.skipif(
    not hasattr(os, "getuid") or os.getuid() != 0, reason="only root can be another user, or mark a file"
)
STRANGER = 12345
assert pwd


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = SCENARIOS[0].make(tmp_path / "machine")
    put(home.user_config, b"{}\n", 0o644)
    return home


# -- read-only mounts, inside a name space of their own

READ_ONLY = """
import json, subprocess, sys
from pathlib import Path
from gonkagate_setup.errors import code_of
from foundation.errors import Refusal
from gonkagate_setup.commands import targets
from foundation.files.reading import read_snapshot
from foundation.transaction import Role, Transaction, Write, lock, recover, journal
from tests.faults.homes import SCENARIOS
from tests.faults.homes import Home
from tests.faults.homes import put
by_name = {scenario.name: scenario for scenario in SCENARIOS}
root = Path(sys.argv[1])

def read_only(folder):
    subprocess.run(["mount", "--bind", folder, folder], check=True)
    subprocess.run(["mount", "-o", "remount,ro,bind", folder], check=True)

def writable_again(folder):
    subprocess.run(["umount", folder], check=True)

def said(work):
    try:
        return work()
    except Refusal as error:
        return [code_of(error), error.message, str(error.where), error.next_step]
"""


def in_mounts(program: str, root: Path) -> Any:
    return json.loads(mounted.run(READ_ONLY + program, root))


ASKED = """
home = Home.empty(root)
below = getattr(home, sys.argv[2]) if len(sys.argv) > 2 else None
user = home.user_config
for folder in (user.parent, home.project, home.store.folder):
    folder.mkdir(parents=True, exist_ok=True)
put(user, b"{}", 0o644)
put(home.project_config, b"{}", 0o644)
before = home.tree()
answers = {}
for name, folder, path, role in (
    ("config", user.parent, user, Role.USER_CONFIG),
    ("project", home.project, home.project_config, Role.PROJECT_CONFIG),
    ("below", home.folder / ".config", user.parent / "deep" / "opencode.json", Role.USER_CONFIG),
    ("store", home.store.folder, user, Role.USER_CONFIG),
    ("above the store", home.store.folders[0], user, Role.USER_CONFIG),
):
    read_only(folder)
    answers[name] = said(lambda: targets.require_writable(home.store, [(read_snapshot(path), role)]))
    writable_again(folder)
answers["fine"] = said(
    lambda: targets.require_writable(home.store, [(read_snapshot(user), Role.USER_CONFIG)])
)
assert home.tree() == before
print(json.dumps(answers))
"""


@mounted.needs_mounts
def test_w2_a_read_only_mount_is_found_before_anything_is_written(tmp_path: Path) -> None:
    root = tmp_path / "machine"
    answers = in_mounts(ASKED, root)
    assert isinstance(answers, dict)
    assert answers.pop("fine") is None
    folders = {
        "config": root / "home/.config/opencode",
        "project": root / "project",
        "below": root / "home/.config",
        "store": root / "home/.gonkagate/opencode",
        "above the store": root / "home/.gonkagate",
    }
    for name, (code, message, where, next_step) in answers.items():
        stored = "store" in name
        assert code == ("managed_state_write_failed" if stored else "managed_config_read_only"), name
        assert "mounted read-only" in message, name
        assert str(folders[name]) in f"{message} {where}", name
        assert "nothing was changed" in message
        assert next_step.endswith("then run this command again")


STUCK = """
home = by_name["rerun with changes"].make(root)
before = home.tree()
changes = by_name["rerun with changes"].changes(home)
with lock(home.store, home.host):
    # As an older version left it: journal and key are written, then the config's folder refused.
    entries = []
    transaction = Transaction(home.store, home.host)
    steps = transaction._steps(changes)
    journal.append(home.store, [step.entry for step in steps])
    transaction._do(steps[0])
    assert home.store.key.read_bytes() != before["home/.gonkagate/opencode/api-key"][3]
folder = home.user_config.parent
read_only(folder)
with lock(home.store, home.host):
    done = recover(home.store, home.host)
print(json.dumps([list(done.failures), home.tree() == before, journal.exists(home.store)]))
"""


@mounted.needs_mounts
def test_w2_a_target_that_was_never_changed_is_no_failure(tmp_path: Path) -> None:
    """On a read-only mount unlink of a missing name says EROFS, not ENOENT."""
    assert in_mounts(STUCK, tmp_path / "machine") == [[], True, False]


READ_ONLY_SINCE = """
home = by_name["first setup"].make(root)
home.user_config.parent.mkdir(parents=True)
changes = by_name["first setup"].changes(home)
with lock(home.store, home.host):
    Transaction(home.store, home.host).apply(changes)
folder = home.user_config.parent
after = home.user_config.read_bytes()
read_only(folder)
with lock(home.store, home.host):
    first = recover(home.store, home.host)
    kept = journal.exists(home.store)
    second = recover(home.store, home.host, go_on=True)
assert home.user_config.read_bytes() == after
assert home.would_start() is None
print(json.dumps([
    list(first.failures), kept, list(second.failures), [str(left.path) for left in second.left],
    journal.exists(home.store), home.store.key.exists(),
]))
"""


@mounted.needs_mounts
def test_w2_a_config_whose_folder_became_read_only_since_is_continued_from(tmp_path: Path) -> None:
    """undo and uninstall wait for the folder; setup continues, for the file holds what it would write."""
    root = tmp_path / "machine"
    failures, kept, second, left, journal_left, key = in_mounts(READ_ONLY_SINCE, root)
    assert any("opencode.json could not be put back (read-only file system)" in text for text in failures)
    assert kept
    assert (second, journal_left, key) == ([], False, True)
    assert left == [str(root / "home/.config/opencode/opencode.json")]


FULL = """
home = Home.empty(root)
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "none", str(home.folder)], check=True)
try:
    (home.folder / "fill").write_bytes(bytes(100000))
except OSError:
    pass
print(json.dumps(said(lambda: targets.require_writable(home.store, []))))
"""


@mounted.needs_mounts
def test_w2_a_full_disk_is_found_before_anything_is_written(tmp_path: Path) -> None:
    code, message, _, next_step = in_mounts(FULL, tmp_path / "machine")
    assert code == "managed_state_write_failed"
    assert "is full" in message
    assert next_step.startswith("free up space")


@mounted.needs_mounts
def test_w2_a_full_setup_and_its_dry_run_say_the_same(tmp_path: Path) -> None:
    """The whole program; an opencode that only knows its version is enough, for nobody gets as far."""
    home = Home.empty(tmp_path / "machine")
    put(home.user_config, b"{}\n", 0o644)
    put(home.root / "bin" / "opencode", b"#!/bin/sh\necho 1.18.33\n", 0o755)
    before = home.tree()
    folder = home.user_config.parent
    program = """
import os, subprocess, sys
folder = sys.argv[1]
subprocess.run(["mount", "--bind", folder, folder], check=True)
subprocess.run(["mount", "-o", "remount,ro,bind", folder], check=True)
options = ["--scope", "user", "--model", "kimi-k2.6", "--yes", "--no-input", "--json"]
for more in (["--dry-run"], []):
    done = subprocess.run([sys.executable, "-m", "gonkagate_setup", *options, *more], capture_output=True)
    print(done.returncode, done.stdout.decode().replace(chr(10), " "))
"""
    path = f"{home.root / 'bin'}:{os.environ['PATH']}"
    environ = f"HOME={home.folder} PATH={path} GONKAGATE_API_KEY=gp-of-no-account"
    script = f'exec env {environ} "$@"'
    lines = mounted.run(program, folder, script=script).splitlines()
    assert len(lines) == 2
    for line in lines:
        status, _, text = line.partition(" ")
        report = json.loads(text)
        assert (status, report["errorCode"]) == ("5", "managed_config_read_only")
        assert str(folder) in report["message"]
    assert home.tree() == before


# -- marks and owners


def marked(path: Path, home: Home, found: Callable[[], writable.Obstacle | None]) -> writable.Obstacle | None:
    chattr = shutil.which("chattr")
    if chattr is None or subprocess.run([chattr, "+i", path], capture_output=True, check=False).returncode:
        pytest.skip(f"no file under {home.root} can be marked immutable here")
    try:
        return found()
    finally:
        subprocess.run([chattr, "-i", str(path)], check=True)


@ROOT_ONLY
@pytest.mark.parametrize("folder", [False, True], ids=["file", "folder"])
def test_p13_what_is_marked_immutable_is_named_with_the_step_that_helps(home: Home, folder: bool) -> None:
    place = home.user_config.parent if folder else home.user_config
    found = marked(place, home, lambda: writable.obstacle(read_snapshot(home.user_config)))
    assert found is not None
    assert found.place == place
    assert "immutable" in found.why
    assert f"chattr -ia {place}" in found.next_step
    assert writable.obstacle(read_snapshot(home.user_config)) is None


@ROOT_ONLY
def test_p13_a_write_that_fails_later_names_the_mark_too(home: Home) -> None:
    """It was marked after it was asked."""
    refusal: list[Refusal] = []

    def write() -> None:
        change = Write(read_snapshot(home.user_config), b"{}", role=Role.USER_CONFIG)
        with lock(home.store, home.host), pytest.raises(Refusal) as caught:
            Transaction(home.store, home.host).apply([change])
        refusal.append(caught.value)

    marked(home.user_config, home, write)
    assert code_of(refusal[0]) == "managed_config_write_failed"
    assert "immutable" in refusal[0].message
    assert "chattr -ia" in refusal[0].next_step


def as_stranger(work: Callable[[], object]) -> str:
    """What `work` returns as text in a child that is another user."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setresgid(STRANGER, STRANGER, STRANGER)
            os.setresuid(STRANGER, STRANGER, STRANGER)
            os.write(writing, str(work()).encode())
        except BaseException as problem:  # noqa: BLE001  # this is the end of the child
            os.write(writing, repr(problem).encode())
        finally:
            os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    with os.fdopen(reading, "rb") as stream:
        return stream.read().decode()


@pytest.fixture
def strangers(home: Home) -> Home:
    """A home that belongs to another user, below folders that they may pass."""
    for folder in [*home.root.parents][:4]:
        if folder.stat().st_uid == os.getuid() and folder != Path("/"):
            folder.chmod(0o755)
    for path in (home.root, *home.root.rglob("*")):
        os.chown(path, STRANGER, STRANGER)
    return home


@ROOT_ONLY
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded")
def test_p13_a_file_of_another_owner_names_both(strangers: Home) -> None:
    os.chown(strangers.user_config, 0, 0)
    said = as_stranger(lambda: writable.obstacle(read_snapshot(strangers.user_config)))
    assert "belongs to root, and this runs as user 12345" in said
    assert f"sudo chown 12345 {strangers.user_config}" in said


@ROOT_ONLY
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded")
def test_p13_a_file_of_another_owner_that_may_be_written_keeps_its_owner(strangers: Home) -> None:
    """A project that a group shares: only a replaced file would change hands."""
    os.chown(strangers.user_config, 0, STRANGER)
    strangers.user_config.chmod(0o664)
    identity = strangers.user_config.stat().st_ino

    def write() -> str | None:
        snapshot = read_snapshot(strangers.user_config)
        assert writable.obstacle(snapshot) is None
        host = type(strangers.host)(**{**vars(strangers.host), "user_id": STRANGER})
        with lock(strangers.store, host), Transaction(strangers.store, host) as transaction:
            transaction.apply([Write(snapshot, b'{"new": 1}', role=Role.USER_CONFIG)])
            transaction.commit()
        return writable.in_place(snapshot)

    assert "belongs to root" in as_stranger(write)
    status = strangers.user_config.stat()
    assert (status.st_uid, status.st_ino) == (0, identity)
    assert strangers.user_config.read_bytes() == b'{"new": 1}'


@ROOT_ONLY
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded")
@pytest.mark.parametrize(("owner", "mode"), [(0, 0o755), (STRANGER, 0o555)], ids=["of root", "read-only"])
def test_p13_a_folder_that_may_not_be_written(strangers: Home, owner: int, mode: int) -> None:
    folder = strangers.user_config.parent
    folder.chmod(mode)
    os.chown(folder, owner, owner)
    said = as_stranger(lambda: writable.obstacle(read_snapshot(strangers.user_config)))
    assert str(folder) in said
    assert ("belongs to root" in said) if owner == 0 else (f"chmod u+w {folder}" in said)


def test_p13_the_next_step_of_a_failed_write_fits_its_reason(home: Home) -> None:
    path = home.user_config
    for number, part in ((errno.ENOSPC, "free up space"), (errno.EIO, "make it writable")):
        why, next_step = writable.advice(path, OSError(number, os.strerror(number)))
        assert os.strerror(number).lower() in why
        assert part in next_step


# -- hard links


def test_p8_other_names_of_a_config_are_reported(home: Home) -> None:
    target = [(read_snapshot(home.user_config), Role.USER_CONFIG)]
    assert list(targets.notices(target)) == []
    os.link(home.user_config, home.root / "dotfiles.json")
    os.link(home.user_config, home.root / "second.json")
    (notice,) = targets.notices([(read_snapshot(home.user_config), Role.USER_CONFIG)])
    assert (notice.code, notice.severity, notice.path) == (
        "config_has_other_names",
        "notice",
        str(home.user_config),
    )
    assert "2 other names" in notice.message
    assert f"-inum {home.user_config.stat().st_ino}" in notice.next_step
    # The key and the state are replaced whatever names they have: they are ours.
    assert list(targets.notices([(read_snapshot(home.user_config), Role.STATE)])) == []


def test_p8_the_other_names_keep_the_former_content(home: Home) -> None:
    other = home.root / "dotfiles.json"
    os.link(home.user_config, other)
    change = Write(read_snapshot(home.user_config), b'{"new": 1}', role=Role.USER_CONFIG)
    with lock(home.store, home.host), Transaction(home.store, home.host) as transaction:
        transaction.apply([change])
        transaction.commit()
    assert (other.read_bytes(), home.user_config.read_bytes()) == (b"{}\n", b'{"new": 1}')


def test_a_store_that_is_not_there_yet_is_asked_by_the_folder_above(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    targets.require_writable(Store.at(tmp_path / "home", GONKAGATE), [])
