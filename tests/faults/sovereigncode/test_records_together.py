"""Several processes and threads at one chain and one approval, some of them killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from foundation import locking
from foundation.errors import Refusal
from sovereigncode.audit import lock
from sovereigncode.audit.lock import NAME
from sovereigncode.audit.record import Record
from sovereigncode.audit.verdict import Verdict
from tests.support.windows import real_locks
from tests.unit.sovereigncode.asked import ASKED, HOUR
from tests.unit.sovereigncode.records import Place, entry

ROOT = Path(__file__).resolve().parents[3]
pytestmark = real_locks

APPEND = """
import sys
from pathlib import Path
from tests.unit.sovereigncode.records import Place, entry
place = Place(Path(sys.argv[1]), wait_seconds=120)
who, number = int(sys.argv[2]), int(sys.argv[3])
log = place.log
for one in range(number):
    records = log.append([entry(one, actor=f"writer {who}")] * (1 + one % 2))
    print(records[-1].seq, flush=True)
"""
CONSUME = """
import sys
from pathlib import Path
from tests.unit.sovereigncode.records import Place
from tests.unit.sovereigncode.asked import ASKED
place = Place(Path(sys.argv[1]), wait_seconds=120)
print("ready", flush=True)
sys.stdin.readline()
print("used" if place.approvals.consume([ASKED]) else "none", flush=True)
"""
READ = """
import sys
from pathlib import Path
from tests.unit.sovereigncode.records import Place
place = Place(Path(sys.argv[1]), wait_seconds=120)
log = place.log
looks = 0
# On a busy machine the writers may have ended before this one has begun: it looks once all the same.
while not looks or not (place.root / "stop").exists():
    verdict = place.log.verify()
    assert verdict.holds, verdict
    seqs = [record.seq for record in log.read()]
    assert seqs == list(range(1, len(seqs) + 1))
    log.approvals()
    place.approvals.listed()
    assert log.head().seq >= verdict.end.seq
    looks += 1
print(looks, flush=True)
"""


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path, wait_seconds=120)


def start(place: Place, program: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program, str(place.root), *map(str, arguments)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def ended(*processes: subprocess.Popen[str]) -> list[str]:
    said = []
    for process in processes:
        said.append(process.communicate(timeout=300)[0])
        assert process.returncode == 0
    return said


def test_several_processes_append(place: Place, deep: bool) -> None:
    """While another reads: every record is there once, in its writer's order, and the chain always holds."""
    writers, number = (8, 200) if deep else (3, 12)
    processes = [start(place, APPEND, who, number) for who in range(writers)]
    reader = start(place, READ)
    promised = [int(line) for text in ended(*processes) for line in text.split()]
    (place.root / "stop").touch()
    assert int(ended(reader)[0]) > 0
    records = list(place.log.read())
    assert place.log.verify() == Verdict(place.log.head(), None, remembered=True)
    assert [record.seq for record in records] == list(range(1, len(records) + 1))
    assert len(records) == writers * sum(1 + one % 2 for one in range(number))
    assert len(set(promised)) == len(promised) == writers * number
    for who in range(writers):
        mine = [record.entry.decision_id for record in records if record.entry.actor == f"writer {who}"]
        assert mine == [entry(one).decision_id for one in range(number) for _ in range(1 + one % 2)]


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is POSIX")
def test_writers_that_are_killed(place: Place, deep: bool) -> None:
    """What a writer was promised is in the chain, whatever happened to it and to the others."""
    promised: list[int] = []
    for number in range(40 if deep else 6):
        processes = [start(place, APPEND, who, 1000) for who in range(2)]
        first = processes[0].stdout
        assert first is not None
        first.readline()
        time.sleep(0.003 * (number % 7))
        for process in processes:
            process.send_signal(signal.SIGKILL)
            said = process.communicate()[0]
            promised += [int(line) for line in said.splitlines(keepends=True) if line.endswith("\n")]
        verdict = place.log.verify()
        assert verdict.holds, verdict
        assert verdict.end.seq >= max(promised, default=0)
        assert place.log.append([entry()])[0].seq == verdict.end.seq + 1
    assert place.log.verify().end.seq >= len(set(promised))


def test_threads_append_to_one_log(place: Place) -> None:
    log = place.log
    made: list[Record] = []

    def work(who: int) -> None:
        for one in range(10):
            made.extend(log.append([entry(one, actor=str(who))]))

    threads = [threading.Thread(target=work, args=(who,)) for who in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(record.seq for record in made) == list(range(1, 41))
    assert place.log.verify().end.seq == 40
    assert Counter(record.entry.actor for record in log.read()) == {str(who): 10 for who in range(4)}


def test_one_approval_lets_one_process_pass(place: Place, deep: bool) -> None:
    """They wait at the same line; of all of them exactly one gets it, and of two approvals two."""
    for number in (1, 2) if not deep else (1, 2, 1, 2, 3, 1, 2, 1, 1, 1):
        for _ in range(number):
            place.approvals.approve(place.approvals.request(ASKED, HOUR).id, "ada")
        processes = [start(place, CONSUME) for _ in range(4)]
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        assert sorted(ended(*processes)) == ["none\n"] * (4 - number) + ["used\n"] * number
    assert {one.state.value for one in place.approvals.listed()} == {"used"}
    assert place.log.verify().holds


def test_one_approval_lets_one_thread_pass(place: Place) -> None:
    approvals = place.approvals
    approvals.approve(approvals.request(ASKED, HOUR).id, "ada")
    barrier, got = threading.Barrier(4), []

    def work() -> None:
        barrier.wait()
        got.append(approvals.consume([ASKED]))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(one is not None for one in got) == 1


def test_yes_and_no_at_the_same_time(place: Place) -> None:
    """One of them is heard; the other one learns that it came too late."""
    made = place.approvals.request(ASKED, HOUR)
    barrier, results = threading.Barrier(2), []

    def work(decide: str) -> None:
        approvals = place.approvals
        barrier.wait()
        try:
            results.append(getattr(approvals, decide)(made.id, "ada").state.value)
        except Refusal as refusal:
            results.append(refusal.kind)

    threads = [threading.Thread(target=work, args=(name,)) for name in ("approve", "reject")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert "approval_decided" in results
    assert place.approvals.get(made.id).state.value in results


def test_a_chain_that_another_process_keeps_is_waited_for_and_then_refused(place: Place) -> None:
    place.log.append([entry()])
    hold = start(
        place,
        "import sys, time\n"
        "from pathlib import Path\n"
        "from foundation.files.replace import Folder\n"
        "from sovereigncode.audit.lock import held\n"
        "with Folder(Path(sys.argv[2])) as folder, held(folder, 'audit_unusable', 5):\n"
        "    print('held', flush=True)\n"
        "    sys.stdin.readline()\n",
        place.log.folder,
    )
    assert hold.stdout is not None
    assert hold.stdout.readline() == "held\n"
    before = place.tree()
    place.wait_seconds = 0.1
    for act in (lambda: place.log.append([entry()]), place.log.verify, place.log.head, place.log.approvals):
        with pytest.raises(Refusal) as caught:
            act()
        assert (caught.value.kind, str(caught.value.where)) == ("in_progress", str(place.log.folder / NAME))
    assert place.tree() == before
    place.wait_seconds = 60
    release = threading.Timer(0.2, hold.communicate, args=("go\n",))
    release.start()
    assert place.log.append([entry()])[0].seq == 2
    release.join()


@pytest.mark.skipif(sys.platform == "win32", reason="an open file cannot be removed there")
def test_a_lock_on_a_file_that_is_gone_is_none(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody removes the file right before it is locked; then another holder would lock a new one."""
    place.log.append([entry()])
    attempts = []

    def removed_first(descriptor: int) -> bool:
        attempts.append(descriptor)
        if len(attempts) == 1:
            (place.log.folder / NAME).unlink()
        return original(descriptor)

    original = locking.try_lock
    monkeypatch.setattr(lock, "try_lock", removed_first)
    place.log.append([entry()])
    assert len(attempts) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="an open file cannot be removed there")
def test_a_lock_file_that_is_removed_does_not_let_two_in(place: Place) -> None:
    """Whoever waits at the old file looks again and finds the new one."""
    place.log.append([entry()])
    descriptor = os.open(place.log.folder / NAME, os.O_RDWR)
    fcntl = pytest.importorskip("fcntl", reason="Windows locks otherwise")
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    results: list[Record] = []
    waiting = threading.Thread(target=lambda: results.extend(place.log.append([entry()])))
    waiting.start()
    time.sleep(0.05)
    (place.log.folder / NAME).unlink()
    waiting.join(60)
    os.close(descriptor)
    assert [record.seq for record in results] == [2]
