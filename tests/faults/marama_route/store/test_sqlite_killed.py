"""Killed at every call of the database, at every write to the disk, and at any moment; and several at once.

What was confirmed is there, nothing is there by half, the chain holds, and the next process goes on.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Callable, Iterator
from unittest import mock

import pytest

from marama_route.store.sqlite import SqliteStore
from tests.faults.marama_route.store.shelves import DONE, TENANT, SqliteShelf, call, decision, now, tried
from tests.faults.sovereigncode.scenarios import fork
from tests.unit.sovereigncode.records import entry

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL and fork are POSIX"),
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded"),
]
ROOT = Path(__file__).resolve().parents[4]
Figure = Callable[[str, float, str], None]
strace = shutil.which("strace")

# One process that does some of everything; it says what was confirmed, each with one write.
WORK = """
import asyncio, os, sys
from pathlib import Path
from tests.faults.marama_route.store.shelves import SqliteShelf, call, decision, tried, DONE, TENANT
from tests.unit.sovereigncode.records import entry

def said(*words):
    os.write(1, (" ".join(map(str, words)) + "\\n").encode())

async def one(store, number):
    await store.put(decision(number))
    said("put", number)
    seq = (await asyncio.to_thread(store.audit(TENANT).append, [entry(number), entry(number)]))[-1].seq
    said("record", seq)
    await store.remember([call(number)])
    said("call", number)
    await store.put(tried(decision(number)).ended(DONE))
    said("ended", number)
    if await store.take(TENANT, "ses_1", [f"call_{number}"]):
        said("taken", number)

async def work(store, first, tasks, rounds):
    async def some(who):
        for turn in range(rounds):
            await one(store, first + who * rounds + turn)
    await asyncio.gather(*(some(who) for who in range(tasks)))

first, tasks, rounds = map(int, sys.argv[2:5])
store = SqliteShelf(Path(sys.argv[1])).opened()
said("running")
asyncio.run(work(store, first, tasks, rounds))
asyncio.run(store.close())
"""


def start(shelf: SqliteShelf, first: int, tasks: int, rounds: int, *before: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*before, sys.executable, "-c", WORK, str(shelf.root), str(first), str(tasks), str(rounds)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


class Promises:
    """What was confirmed, as the killed processes said it."""

    def __init__(self) -> None:
        self.said: dict[str, set[int]] = {name: set() for name in ("put", "record", "call", "ended", "taken")}

    def hear(self, text: str) -> None:
        for line in text.splitlines(keepends=True):
            name, _, number = line.partition(" ")
            if line.endswith("\n") and name in self.said:
                self.said[name].add(int(number))

    def hold(self, shelf: SqliteShelf) -> None:
        """Judged by a process that starts afterwards, with what is in its store and nothing else."""
        store = shelf.opened()
        now(store.interrupted())
        kept = {one["id"]: one for one in now(store.listed(TENANT, limit=100_000))}
        whole(shelf)
        for number in self.said["put"]:
            one = kept[decision(number).id]
            allowed = (
                {**decision(number).to_json(), "outcome": FAILED},
                tried(decision(number)).ended(DONE).to_json(),
            )
            assert one in allowed
            if number in self.said["ended"]:
                assert one["outcome"]["state"] == "completed"
        verdict = store.audit(TENANT).verify()
        assert verdict.holds, verdict
        assert verdict.end.seq % 2 == 0
        assert verdict.end.seq >= max(self.said["record"], default=0)
        ids = [record.entry.decision_id for record in store.audit(TENANT).read()]
        assert ids[::2] == ids[1::2]
        assert len(set(ids[::2])) == verdict.end.seq // 2
        for number in self.said["call"] - self.said["taken"]:
            assert len(now(store.take(TENANT, "ses_1", [f"call_{number}"]))) <= 1
        for number in self.said["taken"]:
            assert now(store.take(TENANT, "ses_1", [f"call_{number}"])) == []
        now(store.put(decision(10**6)))
        more = entry(10**6 + verdict.end.seq)
        assert store.audit(TENANT).append([more, more])[-1].seq == verdict.end.seq + 2
        now(store.close())
        assert not list(shelf.path.parent.glob("*.running"))


FAILED = {"state": "failed", "finish_reason": None, "usage": None}


def whole(shelf: SqliteShelf) -> None:
    """SQLite's own check, and no decision without an outcome."""
    assert shelf.sql("PRAGMA integrity_check") == [("ok",)]
    states = {(state, json.loads(document)["outcome"]["state"]) for state, document in
              shelf.sql("SELECT state, document FROM decisions")}  # fmt: skip
    assert states <= {("failed", "failed"), ("completed", "completed")}


# At every call of the database. ----------------------------------------------------------------------------


class Counting(sqlite3.Connection):
    """Counts the statements of this process; `act` is called before number `at`."""

    count = 0
    at: int | None = None

    def execute(self, *arguments: Any) -> sqlite3.Cursor:
        Counting.count += 1
        if Counting.count == Counting.at:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().execute(*arguments)


@contextmanager
def counted(at: int | None = None) -> Iterator[None]:
    real = sqlite3.connect
    Counting.count, Counting.at = 0, at
    with mock.patch.object(sqlite3, "connect", lambda *a, **named: real(*a, factory=Counting, **named)):
        yield


def everything(shelf: SqliteShelf, say: Callable[[str], None]) -> None:
    """Each kind of write once, one after the other, from opening to closing."""
    store = SqliteStore.opened(shelf.path, shelf.clock)
    say("running\n")
    now(store.interrupted())
    for number in (1, 2):
        now(store.put(decision(number)))
        say(f"put {number}\n")
        seq = store.audit(TENANT).append([entry(number), entry(number)])[-1].seq
        say(f"record {seq}\n")
        now(store.remember([call(number)]))
        say(f"call {number}\n")
        now(store.put(tried(decision(number)).ended(DONE)))
        say(f"ended {number}\n")
    now(store.take(TENANT, "ses_1", ["call_2"]))
    say("taken 2\n")
    now(store.probe())
    now(store.expire())
    now(store.close())


def test_killed_at_every_statement(roots: Iterator[Path], deep: bool, figure: Figure) -> None:
    with counted():
        everything(SqliteShelf(next(roots)), lambda _: None)
    statements = Counting.count
    assert statements > 60
    for at in range(1, statements + 1, 1 if deep else 5):
        shelf = SqliteShelf(next(roots))
        out, into = os.pipe()

        def say(text: str, into: int = into) -> None:
            os.write(into, text.encode())

        def work(shelf: SqliteShelf = shelf, at: int = at, say: Callable[[str], None] = say) -> None:
            with counted(at):
                everything(shelf, say)

        assert fork(work) == signal.SIGKILL, f"statement {at} was not reached"
        os.close(into)
        with os.fdopen(out) as said:
            promises = Promises()
            promises.hear(said.read())
        promises.hold(shelf)
    figure("statements killed", statements, "statements")


@pytest.mark.skipif(strace is None or sys.platform != "linux", reason="strace is not on this machine")
def test_killed_at_every_write_to_the_disk(roots: Iterator[Path], deep: bool, figure: Figure) -> None:
    """strace ends the process before the n-th call of one of its threads: also within a commit."""
    for name in ("pwrite64", "fdatasync", "ftruncate", "unlink"):
        at = killed = 0
        while True:
            at = at + 1 if deep or not at else 2 * at + 1
            shelf = SqliteShelf(next(roots))
            how = ["-f", "-qq", "-o", os.devnull, "-e", f"inject={name}:signal=SIGKILL:when={at}"]
            process = start(shelf, 0, 2, 2, str(strace), *how, "-e", f"trace={name}")
            promises = Promises()
            promises.hear(process.communicate(timeout=120)[0])
            promises.hold(shelf)
            if process.returncode == 0:
                break
            killed += 1
        assert killed
        figure(f"{name} killed", killed, f"of fewer than {at} calls")


def test_a_log_that_is_cut_anywhere(roots: Iterator[Path], deep: bool, figure: Figure) -> None:
    """A power cut may leave any beginning of what was not synced: each commit is whole or not there."""
    shelf = SqliteShelf(next(roots))
    store = shelf.opened()
    for number in range(8):
        now(store.put(decision(number)))
        store.audit(TENANT).append([entry(number), entry(number)])
    log = shelf.path.with_name("gateway.sqlite3-wal")
    file, text = shelf.path.read_bytes(), log.read_bytes()
    now(store.close())
    base = shelf.root.parent
    seen: list[tuple[int, int]] = []
    step = 512 if deep else 4096 + 600
    for length in [*range(0, len(text), step), len(text)]:
        cut = SqliteShelf(base / "cut")
        cut.path.parent.mkdir(parents=True, mode=0o700)
        cut.path.write_bytes(file)
        cut.path.with_name(log.name).write_bytes(text[:length])
        for path in cut.path.parent.iterdir():
            path.chmod(0o600)
        after = cut.opened()
        verdict = after.audit(TENANT).verify()
        assert verdict.holds
        assert verdict.end.seq % 2 == 0
        seen.append((len(now(after.listed(TENANT))), verdict.end.seq))
        assert after.audit(TENANT).append([entry()])[0].seq == verdict.end.seq + 1
        now(after.close())
        shutil.rmtree(cut.root)
    assert seen == sorted(seen)
    assert seen[-1] == (8, 16)
    assert len(set(seen)) > 8
    assert all(records in (2 * decisions, 2 * decisions - 2) for decisions, records in seen)
    figure("cuts", len(seen), f"of a log of {len(text)} bytes")


# Together. -------------------------------------------------------------------------------------------------


def test_killed_at_any_moment_while_others_write(roots: Iterator[Path], deep: bool) -> None:
    shelf, promises = SqliteShelf(next(roots)), Promises()
    for number in range(30 if deep else 3):
        processes = [start(shelf, 10_000 * (2 * number + who), 16, 100) for who in range(2)]
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "running\n"
        time.sleep(0.02 * (1 + number % 7))
        for process in processes:
            process.send_signal(signal.SIGKILL)
            promises.hear(process.communicate()[0])
        promises.hold(shelf)
    assert len(promises.said["put"]) > 16


def test_four_processes_write_at_once(roots: Iterator[Path], deep: bool, figure: Figure) -> None:
    shelf, promises = SqliteShelf(next(roots)), Promises()
    rounds = 20 if deep else 3
    begun = time.monotonic()
    processes = [start(shelf, 10_000 * who, 8, rounds) for who in range(4)]
    for process in processes:
        promises.hear(process.communicate(timeout=300)[0])
        assert process.returncode == 0
    figure("four processes", time.monotonic() - begun, "s")
    number = 4 * 8 * rounds
    assert [len(kept) for kept in promises.said.values()] == [number] * 5
    assert max(promises.said["record"]) == 2 * number
    promises.hold(shelf)


def test_what_a_killed_process_left_pending_is_failed_unlike_that_of_a_running_one(
    roots: Iterator[Path],
) -> None:
    shelf = SqliteShelf(next(roots))
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from tests.faults.marama_route.store.shelves import SqliteShelf, decision, now\n"
        "store = SqliteShelf(Path(sys.argv[1])).opened()\n"
        "now(store.put(decision(int(sys.argv[2]))))\n"
        "print('put', flush=True)\n"
        "sys.stdin.readline()\n"
        "now(store.close())\n"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(shelf.root), str(number)],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for number in (1, 2)
    ]  # fmt: skip
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "put\n"
    store = shelf.opened()
    assert now(store.interrupted()) == 0
    processes[0].kill()
    processes[0].wait()
    assert now(store.interrupted()) == 1
    states = [one["outcome"]["state"] for one in now(store.listed(TENANT))]
    assert states == ["pending", "failed"]
    processes[1].communicate("go\n", timeout=60)
    assert processes[1].returncode == 0
    assert now(store.interrupted()) == 1
    for process in processes:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stdin is not None
        process.stdin.close()
    shelf.close()


def test_two_that_start_settle_each_decision_once(roots: Iterator[Path]) -> None:
    shelf = SqliteShelf(next(roots))
    ended = [shelf.opened() for _ in range(4)]
    for who, store in enumerate(ended):
        for number in range(5):
            now(store.put(decision(10 * who + number)))
        now(store.close())
    starting = [shelf.opened() for _ in range(3)]

    async def together() -> list[int]:
        return list(await asyncio.gather(*(store.interrupted() for store in starting)))

    assert sum(now(together())) == 20
    shelf.close()
