"""One setup per home: who waits, who is named, what a dead holder leaves."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Callable, Iterator

import pytest

from foundation.errors import Refusal
from foundation.files.reading import read_snapshot
from foundation.transaction import Role, Transaction, Write, lock, recover
from gonkagate_setup.errors import code_of
from gonkagate_setup.store import Store
from tests.faults.homes import SCENARIOS, Home, put
from tests.support.windows import real_locks

ROOT = Path(__file__).resolve().parents[3]
HOLD = """
import sys, time
from pathlib import Path
from tests.faults.homes import Home
from foundation.transaction import lock
home = Home(Path(sys.argv[1]))
with lock(home.store, home.host):
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return SCENARIOS[0].make(tmp_path / "machine")


def start(home: Home, program: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program, str(home.root), *arguments],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def holder(home: Home) -> Iterator[subprocess.Popen[str]]:
    process = start(home, HOLD, "60")
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


@real_locks
def test_names_the_holder(home: Home, holder: subprocess.Popen[str]) -> None:
    with pytest.raises(Refusal) as caught:
        lock(home.store, home.host, wait_seconds=0.2).__enter__()
    assert code_of(caught.value) == "setup_in_progress"
    assert f"held by process {holder.pid}, since 2026-07-01T12:00:00Z" in caught.value.message
    assert home.store.lock.exists(), "a loser must not remove the holder's file"


@real_locks
def test_waits_for_its_turn(home: Home) -> None:
    process = start(home, HOLD, "0.7")
    assert process.stdout is not None
    process.stdout.readline()
    with lock(home.store, home.host, wait_seconds=30):
        assert json.loads(home.store.lock.read_bytes())["pid"] == os.getpid()
    process.communicate()
    assert not (home.folder / ".gonkagate").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is POSIX")
def test_a_dead_holder_holds_nothing_and_its_folders_go(home: Home, holder: subprocess.Popen[str]) -> None:
    before = {"home", "project"}
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert home.store.lock.exists()
    with lock(home.store, home.host, wait_seconds=0):
        pass
    assert set(home.tree()) == before


def test_a_lock_file_with_rubbish_is_taken_over(home: Home) -> None:
    for rubbish in (
        b"",
        b"\x00" * 10,
        b"[]",
        b'{"pid": "x", "made": 5}',
        b'{"made": ["/etc", 3]}',
        b"{" * 9999,
        b"[" * 4096,
    ):
        put(home.store.lock, rubbish, 0o600)
        with lock(home.store, home.host, wait_seconds=0):
            assert json.loads(home.store.lock.read_bytes())["pid"] == os.getpid()
        assert not home.store.lock.exists()


def test_a_hostile_holder_text_is_not_shown(home: Home) -> None:
    """The file could hold anything; only a number and a time are quoted."""
    put(home.store.lock, b'{"pid": "\\u001b[2J", "since": "2026-07-01\\u001b[31m.."}', 0o600)
    descriptor = os.open(home.store.lock, os.O_RDWR)
    fcntl = pytest.importorskip("fcntl", reason="Windows locks otherwise")
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        with pytest.raises(Refusal) as caught:
            lock(home.store, home.host, wait_seconds=0).__enter__()
    finally:
        os.close(descriptor)
    assert caught.value.message == "another setup is running here (held by another process)"


def test_a_file_removed_between_opening_and_locking_is_not_held(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last holder removes its file when it ends; a third setup makes and locks a new one at once."""
    fcntl = pytest.importorskip("fcntl", reason="Windows cannot remove an open file")
    module = sys.modules["foundation.transaction.lock"]
    original = module.try_lock
    others: list[int] = []

    def swapped(descriptor: int) -> bool:
        if not others:
            home.store.lock.unlink()
            others.append(os.open(home.store.lock, os.O_RDWR | os.O_CREAT))
            fcntl.flock(others[0], fcntl.LOCK_EX)
        return bool(original(descriptor))

    monkeypatch.setattr(module, "try_lock", swapped)
    with pytest.raises(Refusal) as caught:
        lock(home.store, home.host, wait_seconds=0.2).__enter__()
    os.close(others[0])
    assert code_of(caught.value) == "setup_in_progress"


def test_folders_that_were_there_stay(home: Home) -> None:
    home.store.folder.mkdir(parents=True, mode=0o700)
    before = home.tree()
    with lock(home.store, home.host):
        pass
    assert home.tree() == before


@pytest.mark.skipif(sys.platform == "win32", reason="FIFOs are POSIX")
@pytest.mark.parametrize(
    "make", [getattr(os, "mkfifo", None), Path.mkdir, lambda path: path.symlink_to("/dev/null")]
)
def test_something_else_in_the_locks_place(home: Home, make: Callable[[Path], None]) -> None:
    home.store.folder.mkdir(parents=True)
    make(home.store.lock)
    before = home.tree()
    with pytest.raises(Refusal) as caught:
        lock(home.store, home.host, wait_seconds=0).__enter__()
    assert code_of(caught.value) == "managed_state_write_failed"
    assert home.tree() == before


WRITE = """
import sys
from pathlib import Path
from tests.faults.homes import Home
from tests.faults.foundation.test_lock import take_turns
take_turns(Home(Path(sys.argv[1])), sys.argv[2], int(sys.argv[3]))
"""


def take_turns(home: Home, name: str, times: int) -> None:
    for turn in range(times):
        with lock(home.store, home.host, wait_seconds=120):
            assert recover(home.store, home.host) is None
            with Transaction(home.store, home.host) as transaction:
                shot = read_snapshot(home.user_config)
                numbers = json.loads(shot.data or b"{}")
                numbers[f"{name}-{turn}"] = len(numbers)
                write = Write(shot, json.dumps(numbers).encode(), role=Role.USER_CONFIG)
                transaction.apply([write])
                if turn % 3 != 2:
                    transaction.commit()


@real_locks
def test_eight_at_once_lose_nothing(
    home: Home, deep: bool, figure: Callable[[str, float, str], None]
) -> None:
    """Each adds to one file in turn and puts every third turn back; the committed ones are there."""
    times = 50 if deep else 6
    began = time.monotonic()
    processes = [start(home, WRITE, str(number), str(times)) for number in range(8)]
    assert [process.wait(timeout=300) for process in processes] == [0] * 8
    for process in processes:
        process.communicate()
    expected = {f"{number}-{turn}" for number in range(8) for turn in range(times) if turn % 3 != 2}
    numbers = json.loads(home.user_config.read_bytes())
    assert set(numbers) == expected
    assert sorted(numbers.values()) == list(range(len(expected)))
    assert not (home.folder / ".gonkagate" / "opencode" / "journal").exists()
    assert len(list(home.user_config.parent.glob("*.bak-*"))) <= 10
    figure("parallel transactions", 8 * times, f"in {time.monotonic() - began:.1f} s")


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is POSIX")
def test_eight_at_once_while_holders_are_killed(home: Home, deep: bool) -> None:
    """Killed ones leave journals; the next one puts back, and what is committed stays whole."""
    for turn in range(20 if deep else 3):
        processes = [start(home, WRITE, f"{turn}.{number}", "40") for number in range(4)]
        time.sleep(0.4 + turn % 3 / 10)
        for process in processes:
            process.kill()
            process.communicate()
        with lock(home.store, home.host, wait_seconds=0):
            recover(home.store, home.host)
        if home.user_config.exists():
            numbers = json.loads(home.user_config.read_bytes())
            assert sorted(numbers.values()) == list(range(len(numbers)))
        litter = [path for path in home.tree() if path.endswith((".tmp", "/lock")) or "/journal" in path]
        assert litter == []


def test_a_store_is_found_from_its_home(home: Home) -> None:
    assert Store.at(home.folder, home.store.profile) == home.store


@pytest.mark.parametrize("there", ["nothing", "a file"])
def test_a_home_that_is_no_folder_is_refused_at_once(home: Home, there: str) -> None:
    home.folder.rmdir()
    if there == "a file":
        home.folder.write_bytes(b"")
    began = time.monotonic()
    with pytest.raises(Refusal) as caught:
        lock(home.store, home.host, wait_seconds=60).__enter__()
    assert code_of(caught.value) == "managed_state_unusable"
    assert str(caught.value.where) == str(home.folder)
    assert time.monotonic() - began < 5


def test_a_home_that_goes_away_while_waiting_ends_the_waiting(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Store, "require_own_folders", lambda store: home.folder.rmdir())
    waiting = lock(home.store, home.host, wait_seconds=0.2)
    with pytest.raises(Refusal) as caught:
        waiting.__enter__()
    assert code_of(caught.value) == "managed_state_write_failed"
    assert waiting._made == []
