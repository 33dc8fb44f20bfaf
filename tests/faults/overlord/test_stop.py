"""`stop` ends a process only if everything says that it is a command of this run; all others are left alone.

The records are made here, from /proc and SHA-256, with none of the program's own code; the first test holds
this against what a real command records.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Final, Iterator

import pytest

from tests.faults.overlord.place import Place
from tests.faults.overlord.scenarios import Stage

if not sys.platform.startswith("linux"):
    pytest.skip("what is recorded is read from /proc", allow_module_level=True)

Json = dict[str, Any]
REFUSED, GONE, ENDED = "refused", "gone", "ended"
STOP_REFUSED: Final = 6
SLEEP: Final = "import time; time.sleep(120)"
DEAF: Final = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(120)"
)
SLOW: Final = (
    "import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: (time.sleep(1), sys.exit()));"
    " print(flush=True); time.sleep(120)"
)


def start_time(pid: int) -> str:
    """Field 22 of /proc/PID/stat, within this boot."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return f"{boot}:{fields[19]}"


def fingerprint(entry: Json) -> str:
    facts = (entry.get(name) for name in ("runId", "runToken", "pid", "startTime", "executable"))
    return hashlib.sha256("\n".join(map(str, facts)).encode()).hexdigest()


def record(registry: Json, pid: int) -> Json:
    """What a command of the run with this id would have recorded."""
    entry = {
        "kind": "process",
        "pid": pid,
        "startTime": start_time(pid),
        "executable": os.readlink(f"/proc/{pid}/exe"),  # noqa: PTH115
        "runId": registry["runId"],
        "runToken": registry["runToken"],
        "createdAt": "2026-11-27T11:38:00.123Z",
    }
    return {**entry, "fingerprint": fingerprint(entry)}


@dataclass(frozen=True)
class Case:
    """A record that is wrong in one way."""

    name: str
    change: Callable[[Json], Json]
    outcomes: tuple[str, ...] = (REFUSED,)


def _with(**fields: Any) -> Callable[[Json], Json]:
    return lambda entry: {**entry, **fields}


def _without(*names: str) -> Callable[[Json], Json]:
    return lambda entry: {name: value for name, value in entry.items() if name not in names}


def _altered(name: str, change: Callable[[Any], Any]) -> Callable[[Json], Json]:
    return lambda entry: {**entry, name: change(entry[name])}


def _signed(change: Callable[[Json], Json]) -> Callable[[Json], Json]:
    """Changed by somebody who can make fingerprints."""

    def changed(entry: Json) -> Json:
        made = change(entry)
        return {**made, "fingerprint": fingerprint(made)}

    return changed


def _later(stamp: str) -> str:
    boot, _, ticks = stamp.partition(":")
    return f"{boot}:{int(ticks) + 1}"


def _other_boot(stamp: str) -> str:
    return f"00000000-0000-0000-0000-000000000000:{stamp.partition(':')[2]}"


FORGED: Final[dict[str, Callable[[Json], Json]]] = {
    "reused pid": _altered("startTime", _later),
    "before a reboot": _altered("startTime", _other_boot),
    "no ticks": _with(startTime=""),
    "ticks alone": _altered("startTime", lambda stamp: stamp.partition(":")[2]),
    "ticks as number": _altered("startTime", lambda stamp: int(stamp.partition(":")[2])),
    "start time null": _with(startTime=None),
    "start time missing": _without("startTime"),
    "start time with a blank": _altered("startTime", lambda stamp: f"{stamp} "),
    "other executable": _with(executable="/usr/bin/mmi-cli"),
    "name alone": _altered("executable", os.path.basename),
    "executable in capitals": _altered("executable", str.upper),
    "executable deleted": _altered("executable", lambda path: f"{path} (deleted)"),
    "folder of the executable": _altered("executable", os.path.dirname),
    "executable null": _with(executable=None),
    "executable missing": _without("executable"),
    "executable empty": _with(executable=""),
    "other run": _with(runId="run-20260101T000000Z-abcdef"),
    "run in capitals": _altered("runId", str.upper),
    "run null": _with(runId=None),
    "run missing": _without("runId"),
    "run empty": _with(runId=""),
    "other token": _with(runToken="0" * 64),
    "token in capitals": _altered("runToken", lambda token: f"{token[:-1]}A"),
    "token cut": _altered("runToken", lambda token: token[:32]),
    "token null": _with(runToken=None),
    "token missing": _without("runToken"),
    "token empty": _with(runToken=""),
    "of another run whole": _with(runId="run-20260101T000000Z-abcdef", runToken="1" * 64),
}
FINGERPRINTS: Final[dict[str, Callable[[Json], Json]]] = {
    "fingerprint flipped": _altered("fingerprint", lambda text: ("1" if text[0] == "0" else "0") + text[1:]),
    "fingerprint in capitals": _altered("fingerprint", lambda text: f"{text.upper()}A"[-64:]),
    "fingerprint cut": _altered("fingerprint", lambda text: text[:16]),
    "fingerprint longer": _altered("fingerprint", lambda text: f"{text}0"),
    "fingerprint null": _with(fingerprint=None),
    "fingerprint true": _with(fingerprint=True),
    "fingerprint a list": _altered("fingerprint", lambda text: [text]),
    "fingerprint missing": _without("fingerprint"),
    "fingerprint empty": _with(fingerprint=""),
    "fingerprint of nothing": _with(fingerprint=hashlib.sha256().hexdigest()),
}
KINDS: Final = {f"kind {kind!r}": _with(kind=kind) for kind in ("terminal", "window", "Process", "", None, 1)}
NAMES: Final[dict[str, Callable[[Json], Json]]] = {
    "a name alone": lambda entry: {"kind": "process", "pid": entry["pid"], "name": "mmi-cli"},
    "a title alone": lambda entry: {"kind": "process", "pid": entry["pid"], "title": entry["runId"]},
    "a shell alone": lambda entry: {"kind": "process", "pid": entry["pid"], "shell": "bash"},
    "a terminal alone": lambda entry: {"kind": "process", "pid": entry["pid"], "terminal": "/dev/pts/0"},
    "a provider alone": lambda entry: {"kind": "process", "pid": entry["pid"], "provider": "sakana"},
    "a pid alone": lambda entry: {"pid": entry["pid"]},
}
NOT_A_PID: Final[dict[str, Callable[[Json], Json]]] = {
    "as text": _altered("pid", str),
    "as text with a blank": _altered("pid", lambda pid: f" {pid}"),
    "as a fraction": _altered("pid", float),
    "in a list": _altered("pid", lambda pid: [pid]),
    "in an object": _altered("pid", lambda pid: {"pid": pid}),
    "true": _with(pid=True),
    "false": _with(pid=False),
    "null": _with(pid=None),
    "missing": _without("pid"),
    "one as text": _with(pid="1"),
}
NO_SUCH: Final = {"zero": 0, "minus one": -1, "huge": 2**31, "larger": 2**63, "enormous": 10**30}

CASES: Final = (
    *(Case(name, change) for name, change in FORGED.items()),
    *(Case(f"{name}, signed", _signed(change)) for name, change in FORGED.items()),
    *(Case(name, change) for name, change in (*FINGERPRINTS.items(), *KINDS.items(), *NAMES.items())),
    *(Case(f"pid {name}", change) for name, change in NOT_A_PID.items()),
    *(Case(f"pid {name}, signed", _signed(change)) for name, change in NOT_A_PID.items()),
    *(Case(f"pid {name}", _signed(_with(pid=pid)), (GONE, REFUSED)) for name, pid in NO_SUCH.items()),
    Case("its group", _signed(_altered("pid", lambda pid: -pid)), (GONE, REFUSED)),
    Case("pid 1", _with(pid=1)),
    Case("pid 1, signed", _signed(_with(pid=1))),
    Case("this test", _with(pid=os.getpid())),
    Case("this test, signed", _signed(_with(pid=os.getpid()))),
    Case("its parent, signed", _signed(_with(pid=os.getppid()))),
)


@contextmanager
def process(code: str = SLEEP, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A process that has nothing to do with a run."""
    running = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, **options)
    if code != SLEEP:
        assert running.stdout is not None
        running.stdout.readline()
    try:
        yield running
    finally:
        running.kill()
        running.communicate()


class Runs:
    """A run that is put back for each case, with other records."""

    def __init__(self, stage: Stage, template: Path) -> None:
        self.stage = stage
        self.template = template
        stage.do("start", "--normal", "1")
        self.registry: Json = stage.place.only_run().registry
        stage.place.keep(template)

    def stop(self, *entries: Json) -> tuple[list[Json], int]:
        """The outcomes of a stop of the run with these records, and its status."""
        place = self.stage.place
        place.again(self.template)
        path = place.only_run().folder / "registry.json"
        path.write_text(json.dumps({**self.registry, "ownedResources": list(entries)}))
        fate = self.stage.run("stop", "--json")
        report = fate.report
        assert report["exitStatus"] == fate.status
        run = place.only_run()
        assert (run.state, run.problems()) == ("stopped", [])
        assert place.crash_reports() == []
        return report["resources"], fate.status


@pytest.fixture
def runs(stage: Stage, base: Path) -> Runs:
    return Runs(stage, base / "template")


def test_a_real_record_is_what_is_made_here(place: Place) -> None:
    place.json("start", "--normal", "1")
    gate = place.service.hold()
    sending = place.begin("send", "all", "Wait.", "--json")
    place.service.wait_for(2 + 2)
    run = place.only_run()
    (entry,) = run.registry["ownedResources"]
    assert {**entry, "createdAt": None} == {**record(run.registry, sending.pid), "createdAt": None}
    gate.set()
    assert place.end(sending).status == 0
    assert place.only_run().registry["ownedResources"] == []


def test_nothing_else_is_touched(runs: Runs, figure: Callable[[str, float, str], None]) -> None:
    wrong = []
    with process() as bystander:
        for case in CASES:
            (one,), status = runs.stop(case.change(record(runs.registry, bystander.pid)))
            if one["outcome"] not in case.outcomes or status != (
                STOP_REFUSED if one["outcome"] == REFUSED else 0
            ):
                wrong.append(f"{case.name}: {one}, status {status}")
            if bystander.poll() is not None:
                pytest.fail(f"{case.name} ended a process")
    figure("adversarial registries", len(CASES), "")
    assert not wrong, "\n".join(wrong)
    assert len(CASES) >= 100


def test_many_records_at_once(runs: Runs) -> None:
    """One of them is right: that one is ended, the others are not."""
    with process() as bystander, process() as ours:
        entries = [case.change(record(runs.registry, bystander.pid)) for case in CASES]
        outcomes, status = runs.stop(*entries, record(runs.registry, ours.pid))
        assert bystander.poll() is None
        assert ours.wait(10) == -signal.SIGTERM
    assert [one["outcome"] for one in outcomes].count(ENDED) == 1
    assert outcomes[-1]["outcome"] == ENDED
    assert outcomes[-1]["pid"] == ours.pid
    assert status == STOP_REFUSED


def test_gone_and_zombie(runs: Runs) -> None:
    with process() as one:
        gone = record(runs.registry, one.pid)
    with process() as other:
        zombie = record(runs.registry, other.pid)
        os.kill(other.pid, signal.SIGKILL)
        while Path(f"/proc/{other.pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
            time.sleep(0.01)
        outcomes, status = runs.stop(gone, zombie)
    assert ([one["outcome"] for one in outcomes], status) == ([GONE, GONE], 0)


@pytest.mark.parametrize(("code", "ends_with"), [(DEAF, -signal.SIGKILL), (SLOW, 0)])
def test_ours_is_ended_whatever_it_does(runs: Runs, code: str, ends_with: int) -> None:
    with process(code) as ours:
        (one,), status = runs.stop(record(runs.registry, ours.pid))
        assert (one["outcome"], status) == (ENDED, 0)
        assert ours.wait(1) == ends_with


NOBODY: Final = 65534


def test_a_process_of_another_user(runs: Runs) -> None:
    if os.getuid() != 0:
        pytest.skip("only root can start one")
    with subprocess.Popen(["/bin/sleep", "60"], user=NOBODY, group=NOBODY, extra_groups=[]) as other:
        wrong = _signed(_altered("startTime", _later))(record(runs.registry, other.pid))
        (one,), status = runs.stop(wrong)
        assert (one["outcome"], status) == (REFUSED, STOP_REFUSED)
        assert other.poll() is None
        other.kill()


def test_a_stop_that_may_not_look(stage: Stage) -> None:
    """The record is right, and the process belongs to somebody else: the system does not say what it runs."""
    if os.getuid() != 0:
        pytest.skip("only root can run a command as another user")
    place = stage.place
    stage.do("start", "--normal", "1")
    run = place.only_run()
    with process() as other:
        changed = {**run.registry, "ownedResources": [record(run.registry, other.pid)]}
        (run.folder / "registry.json").write_text(json.dumps(changed))
        for path in (place.root.parent, place.root, *place.root.rglob("*")):
            os.chown(path, NOBODY, NOBODY)
        fate = stage.run("stop", "--json", how={"user": NOBODY})
        assert other.poll() is None
    (one,) = fate.report["resources"]
    assert (one["outcome"], fate.status) == (REFUSED, STOP_REFUSED)
    assert place.only_run().state == "stopped"


@pytest.mark.parametrize("stopped", [False, True], ids=["as usual", "that does not react"])
def test_a_real_command_is_ended(place: Place, *, stopped: bool) -> None:
    place.json("start", "--normal", "1")
    place.service.hold()
    sending = place.begin("send", "all", "Wait.", "--json")
    place.service.wait_for(2 + 2)
    if stopped:
        sending.send_signal(signal.SIGSTOP)
    report = place.json("stop")
    assert [one["outcome"] for one in report["resources"]] == [ENDED]
    ended = place.end(sending)
    assert ended.status == (-signal.SIGKILL if stopped else 143)
    run = place.only_run()
    assert run.problems() == []
    assert {result["failureReason"] for _, result in run.results()} == {"stopped"}
    assert place.json("stop", "--run", run.folder.name)["changed"] is False
