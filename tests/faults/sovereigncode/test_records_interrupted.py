"""Killed, or failing, at every filesystem call: a record is there whole or not at all; the chain holds."""

from __future__ import annotations

import errno
import os
import signal
import sys
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

from foundation.errors import Refusal
from sovereigncode.audit.verdict import Verdict
from sovereigncode.errors import KINDS
from tests.faults.interception import Action, Counter, failing, failing_afterwards, intercepted, kill, points
from tests.faults.sovereigncode.scenarios import NONE, SCENARIOS, Scenario, fork, state_of, torn, try_again
from tests.unit.sovereigncode.records import Place, entry

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL and fork are POSIX"),
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded"),
]
Figure = Callable[[str, float, str], None]
each = pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)


def whole(place: Place, before: list[bytes], least: int = 0) -> None:
    """The chain holds and begins as it did, with `least` new records or more; then it goes on."""
    verdict = place.log.verify()
    assert verdict.holds, verdict
    lines = [line for line in place.lines() if line.endswith(b"\n")]
    assert lines[: len(before)] == before
    assert len(lines) >= len(before) + least
    assert verdict.end.seq == len(lines) == place.log.head().seq
    assert [record.line + b"\n" for record in place.log.read()] == lines


def goes_on(scenario: Scenario, place: Place) -> None:
    before = place.log.head().seq
    place.log.append([entry(90)])
    assert place.log.verify() == Verdict(place.log.head(), None, remembered=True)
    assert place.log.head().seq == before + 1
    assert place.lines()[-1].endswith(b"\n")
    try_again(scenario, place)
    assert state_of(place) == scenario.states[-1] or scenario.states == (NONE, "pending")
    assert place.log.verify().holds


def begun(place: Place) -> list[bytes]:
    return [line for line in place.lines() if line.endswith(b"\n")]


def attempted(work: Callable[[], object]) -> tuple[object, Refusal | None]:
    try:
        return work(), None
    except Refusal as refusal:
        return None, refusal


def closing(act: Action) -> Action:
    """A close that fails has closed all the same (close(2), Linux); a lock would be kept otherwise."""

    def closed(name: str, do: Callable[[], Any]) -> Any:
        if name == "close":
            do()
            return act(name, lambda: None)
        return act(name, do)

    return closed


@each
def test_killed_at_every_call(scenario: Scenario, roots: Iterator[Path], deep: bool, figure: Figure) -> None:
    done = scenario.make(next(roots))
    calls, chosen = points(lambda: scenario.act(done), every=deep)
    for at in chosen:
        place = scenario.make(next(roots))
        before = begun(place)

        def work(place: Place = place, at: int = at) -> None:
            with intercepted(Counter(at, kill)):
                scenario.run(place)

        assert fork(work) == signal.SIGKILL, f"call {at} was not reached"
        whole(place, before)
        if scenario.states != (NONE,):
            state = state_of(place)
            assert state in scenario.states, f"killed before call {at}"
        if scenario.name != "request":
            goes_on(scenario, place)
    figure("points killed", len(chosen), f"of {calls} calls")


@each
def test_killed_in_the_middle_of_a_write(scenario: Scenario, roots: Iterator[Path], figure: Figure) -> None:
    done = scenario.make(next(roots))
    counter = Counter()
    with intercepted(counter):
        scenario.run(done)
    writes = counter.names.count("write")
    assert writes >= 3
    for at in range(1, writes + 1):
        for share in (0, 0.5, 1):
            place = scenario.make(next(roots))
            before = begun(place)

            def work(place: Place = place, at: int = at, share: float = share) -> None:
                os.write = torn(at, share)
                scenario.run(place)

            assert fork(work) == signal.SIGKILL
            whole(place, before)
            if scenario.states != (NONE,):
                assert state_of(place) in scenario.states
            if scenario.name != "request":
                goes_on(scenario, place)
    figure("writes killed half way", 3 * writes, f"of {writes} writes")


@each
@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC], ids=errno.errorcode.get)
def test_every_call_fails_once(
    scenario: Scenario, number: int, roots: Iterator[Path], deep: bool, figure: Figure
) -> None:
    """A failed call is a refusal that names a place, or matters to nobody; never a crash or a lost record."""
    done = scenario.make(next(roots))
    before = len(begun(done))
    calls, chosen = points(lambda: scenario.act(done), every=deep)
    after = len(begun(done)) - before
    refused = 0
    for at in chosen:
        for act in (failing(number), failing_afterwards(number)):
            place = scenario.make(next(roots))
            lines = begun(place)
            with intercepted(Counter(at, closing(act))):
                result, refusal = attempted(lambda place=place: scenario.run(place))  # type: ignore[misc]
            refused += refusal is not None
            assert refusal is None or (refusal.kind in KINDS and refusal.where is not None)
            # An approval that could not be read is one that does not count: nothing, and no error.
            whole(place, lines, after if result else 0)
            if scenario.states != (NONE,):
                assert state_of(place) in scenario.states
            if scenario.name != "request":
                goes_on(scenario, place)
    figure("calls that failed", 2 * len(chosen), f"of {calls} calls; {refused} times refused")


@pytest.mark.parametrize("call", ["write", "fsync"])
def test_a_refused_record_is_taken_out_again(roots: Iterator[Path], call: str) -> None:
    """Whole or half: what was refused is not done, so no record says that it was."""
    for act in (failing(errno.ENOSPC), failing_afterwards(errno.EIO)):
        place = SCENARIOS[1].make(next(roots))
        with intercepted(Counter()) as counter:
            place.log.append([entry(2)])
        before = place.tree()
        # The first of each is for what is remembered outside, the second for the lines.
        second = [at for at, name in enumerate(counter.names, start=1) if name == call][1]
        with intercepted(Counter(second, act)):
            _, refusal = attempted(lambda place=place: place.log.append([entry(3)]))  # type: ignore[misc]
        assert refusal is not None
        assert refusal.kind == "write_failed"
        after = place.tree()
        assert {name: after[name] for name in after if not name.endswith(".head")} == {
            name: before[name] for name in before if not name.endswith(".head")
        }
        assert place.log.verify() == Verdict(place.log.head(), None, remembered=True)


def test_what_is_on_disk_before_what(roots: Iterator[Path]) -> None:
    """Announced and synced, written and synced, confirmed; a new file's name is synced as well."""
    place = SCENARIOS[1].make(next(roots))
    synced = {"write", "fsync", "create", "ftruncate", "replace"}
    with intercepted(Counter()) as counter:
        place.log.append([entry(3)])
    # The lock's and the month's files are opened so that they are made if they are missing.
    assert [name for name in counter.names if name in synced] == [
        *("create", "write", "fsync", "create", "write", "fsync", "write")
    ]
    place.clock.pass_by(days=30)
    with intercepted(Counter()) as counter:
        place.log.append([entry(3)])
    assert [name for name in counter.names if name in synced] == [
        *("create", "write", "fsync", "create", "write", "fsync", "fsync", "write")
    ]
