"""Two to four commands at once, real processes, in random schedules: nothing is lost, nothing interleaves.

What a schedule does is drawn from its number; how the commands meet is the machine's choice. Some get Ctrl-C,
SIGTERM or SIGKILL meanwhile. A reader looks at the files all the time: they are whole at every instant.
"""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Final, Iterator

import pytest

from tests.faults.overlord.place import Ended, Place
from tests.faults.overlord.scenarios import Stage
from tests.faults.overlord.sweeping import KILLED, NEVER
from tests.stand_in.chat import Received
from tests.support.overlord_records import Run, lost, read_run, reported

if not sys.platform.startswith("linux"):
    pytest.skip("signals are sent by what /proc says", allow_module_level=True)

Figure = Callable[[str, float, str], None]
IN_ALL, IN_SAMPLE = 200, 12
TARGETS: Final = ("all", "ultra", "normal-1", "normals", "normal-1,ultra", "Fugu 2")
SIGNALS: Final = {130: signal.SIGINT, 143: signal.SIGTERM, -9: signal.SIGKILL}
# The command had just ended, and Python had not.
TOO_LATE: Final = (-signal.SIGINT, -signal.SIGTERM)
COMMANDS: Final = (
    *(["send"] * 6),
    *("retry", "status", "status --no-liveness", "recover", "replace", "stop", "await-human", "list"),
)


@dataclass(frozen=True)
class Step:
    """One command of a schedule: when it begins, and whether and when it gets a signal (its usual status)."""

    arguments: tuple[str, ...]
    begins: float
    signalled: int | None
    after: float


@dataclass(frozen=True)
class Schedule:
    """Commands at once, and the service: seconds for an answer, and which slot fails how often."""

    steps: tuple[Step, ...]
    seconds: float
    failing: tuple[tuple[str, int], ...]

    @classmethod
    def number(cls, number: int) -> Schedule:
        """Drawn from the number alone."""
        draw = random.Random(number)
        steps = tuple(cls._step(draw, place) for place in range(draw.randint(2, 4)))
        slots = draw.sample(("ultra", "normal-1", "normal-2"), draw.randint(0, 1))
        failing = tuple((slot, draw.randint(1, 2)) for slot in slots)
        return cls(steps, draw.choice((0.0, 0.05, 0.2, 0.4)), failing)

    @staticmethod
    def _step(draw: random.Random, place: int) -> Step:
        verb = draw.choice(COMMANDS)
        arguments = tuple(verb.split())
        if verb == "send":
            arguments += (draw.choice(TARGETS), f"Question {place}.")
        if verb == "replace":
            arguments += (draw.choice(("ultra", "normal-1", "normal-2")),)
        signalled = draw.choice((*SIGNALS, *([None] * 9)))
        return Step(arguments, draw.uniform(0, 0.4), signalled, draw.uniform(0.0, 0.5))


def test_schedules(stage: Stage, base: Path, deep: bool, figure: Figure) -> None:
    place = stage.place
    stage.do("start")
    stage.do("send", "all", "The first message.")
    place.keep(base / "template")
    chosen = range(IN_ALL) if deep else range(0, IN_ALL, IN_ALL // IN_SAMPLE)
    bad: list[str] = []
    commands = 0
    for number in list(chosen)[: IN_ALL if deep else IN_SAMPLE]:
        place.again(base / "template")
        schedule = Schedule.number(number)
        commands += len(schedule.steps)
        bad += [f"schedule {number}: {text}" for text in played(stage, schedule)]
    figure("schedules", len(chosen), f"with {commands} commands")
    assert not bad, "\n".join(bad[:30])


def played(stage: Stage, schedule: Schedule) -> list[str]:
    """What was wrong when the commands ran at once, and afterwards."""
    place = stage.place
    service = place.service
    service.answer(after=schedule.seconds)
    for slot, times in schedule.failing:
        service.fail(400, slot=slot, times=times)
    folder = place.only_run().folder
    with reading(folder) as unreadable:
        ended = at_once(place, schedule)
    killed = any(one.status == KILLED for one in ended)
    found = [*unreadable, *(text for one in ended for text in _wrong_end(one))]
    answers = [answer for one in ended for answer in reported(one.stdout, one.stderr)]
    run = read_run(folder)
    found += lost(run, [one for one in answers if one[0] is not None])
    # Cancelled or not, what has ended left nothing open: that is for the next command after a kill alone.
    found += run.problems(idle=not killed)
    found += _falsely_dead(run, ended)
    service.wait_until_idle()
    service.clear()
    found += [
        f"overlap: {first.number} and {second.number} of {first.slot}" for first, second in overlaps(place)
    ]
    found += service.violations + service.mishaps
    service.violations.clear()
    return [*found, *_afterwards(stage, folder, answers)]


def overlaps(place: Place) -> list[tuple[Received, Received]]:
    """Pairs of requests of one slot at the same time; a request whose client was killed is answered late."""
    return [pair for pair in place.service.overlaps if all(one.outcome != "left" for one in pair)]


def at_once(place: Place, schedule: Schedule) -> list[Ended]:
    """Run the commands, each at its time."""
    ended: list[Ended] = []

    def run(step: Step) -> None:
        time.sleep(step.begins)
        process = place.begin(*step.arguments, "--json")
        if step.signalled is not None:
            threading.Thread(target=_signal, args=(process, step)).start()
        ended.append(place.end(process))

    threads = [threading.Thread(target=run, args=(step,)) for step in schedule.steps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return ended


def _signal(process: subprocess.Popen[str], step: Step) -> None:
    """Once the command has begun, and is not Python that starts: it then handles SIGTERM itself."""
    while process.poll() is None and not _handles_sigterm(process.pid):
        time.sleep(0.005)
    time.sleep(step.after)
    if process.poll() is None and step.signalled is not None:
        process.send_signal(SIGNALS[step.signalled])


def _handles_sigterm(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except OSError:
        return True
    caught = next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught, 16) >> (signal.SIGTERM - 1) & 1)


@contextmanager
def reading(folder: Path) -> Iterator[list[str]]:
    """Read the registry again and again; what was not whole is in the list."""
    wrong: list[str] = []
    enough = threading.Event()

    def read() -> None:
        while not enough.wait(0.005):
            wrong.extend(f"while they ran: {text}" for text in _problems_now(folder))

    thread = threading.Thread(target=read)
    thread.start()
    try:
        yield wrong
    finally:
        enough.set()
        thread.join()


def _problems_now(folder: Path) -> list[str]:
    try:
        run = read_run(folder)
    except (OSError, ValueError) as problem:
        return [repr(problem)]
    try:
        return run.problems(idle=False)
    except FileNotFoundError:
        return []  # an unfinished file has got its name while the folder was listed


def _wrong_end(one: Ended) -> Iterator[str]:
    """A status that no command may have, or a code that it may not report."""
    if one.status in TOO_LATE and "Traceback" not in one.stderr:
        return
    allowed = {0, 2, 6, 7, *SIGNALS}
    if one.status not in allowed or "Traceback" in one.stderr:
        yield f"{one.arguments} ended with {one.status}: {one.stdout}{one.stderr}"
    elif one.status >= 0 and one.code in NEVER - {"servant_busy"}:
        yield f"{one.arguments} ended with {one.code}: {one.stdout}"


def _falsely_dead(run: Run, ended: list[Ended]) -> Iterator[str]:
    """`interrupted` is only what a command has left that was killed or cancelled."""
    if any(one.status in SIGNALS for one in ended):
        return
    stopped = any(one.arguments[0] == "stop" and one.status == 0 for one in ended)
    for message, result in run.results():
        if result["failureReason"] == "interrupted" and not stopped:
            yield f"{message['id']} {result['servantId']} is interrupted, and nobody was"
    for slot, servant in run.servants.items():
        if servant["blockedReason"] == "interrupted" and not stopped:
            yield f"{slot} is blocked as interrupted, and nobody was"


def _afterwards(stage: Stage, folder: Path, answers: list[tuple[str | None, str, str | None]]) -> list[str]:
    """The next command works, and what failed is brought back."""
    ended = stage.run("status", "--no-liveness", "--json", "--run", folder.name)
    found = [] if ended.status in (0, 6) else [f"status afterwards: {ended}"]
    run = read_run(folder)
    found += run.problems()
    if run.state == "stopped":
        return found
    for verb in (("recover",), ("retry",), ("send", "all", "The last question.")):
        ended = stage.run(*verb, "--json", "--run", folder.name)
        if ended.status != 0:
            found.append(f"{verb} afterwards: {ended.stdout}{ended.stderr}")
    run = read_run(folder)
    redirects = [one for one in answers if one[0] is not None]
    return [*found, *run.problems(), *lost(run, redirects)]
