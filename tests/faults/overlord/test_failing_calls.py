"""Calls that fail: the disk is full, broken, read-only or not ours. Nothing is sent that was not stored."""

from __future__ import annotations

import errno
import sys
from pathlib import Path
from typing import Any, Callable, Final, Sequence

import pytest

from tests.faults.interception import spread
from tests.faults.overlord.scenarios import SCENARIOS, Scenario, Stage
from tests.faults.overlord.sweeping import Sweep
from tests.faults.overlord.victims import WRITING, Fate
from tests.stand_in.chat import Received
from tests.support.overlord_records import lost, reported

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="fork is POSIX")

Figure = Callable[[str, float, str], None]
NUMBERS = (errno.ENOSPC, errno.EIO, errno.EACCES, errno.EROFS)
NOT_WRITTEN, UNUSABLE = 8, 5
CHANGING = [scenario for scenario in SCENARIOS if not scenario.name.startswith("status")]
# Where each number is tried at each place; elsewhere they take turns.
EACH: Final = ("start", "send")
_IN_SAMPLE = 2
# What a command leaves different that could not write any more; the next one removes it.
_STAMPS: Final = ("updatedAt", "ledgerPending", "ownedResources")


@pytest.fixture(params=CHANGING, ids=[scenario.name for scenario in CHANGING])
def scenario(request: pytest.FixtureRequest) -> Scenario:
    found: Scenario = request.param
    return found


@pytest.mark.parametrize("onwards", [False, True], ids=["once", "from then on"])
def test_failing(
    scenario: Scenario, onwards: bool, stage: Stage, base: Path, deep: bool, figure: Figure
) -> None:
    broken = Broken(scenario, stage, base / "template")
    points = [at for at, name in enumerate(broken.sweep.calls, 1) if name in WRITING]
    chosen: Sequence[int] = points if deep else spread(points, _IN_SAMPLE)
    for at in chosen:
        for number in NUMBERS if deep and scenario.name in EACH else (NUMBERS[at % len(NUMBERS)],):
            broken.point(at, f"fail:{number}", onwards=onwards)
    figure(f"{scenario.name}: failing calls", broken.sweep.hit, f"of {len(chosen)} places were reported")
    assert not broken.bad, "\n".join(broken.bad[:20])


def test_filling_up(scenario: Scenario, stage: Stage, base: Path, deep: bool) -> None:
    """A write is done by half, and from then on there is no room."""
    broken = Broken(scenario, stage, base / "template")
    points = [at for at, name in enumerate(broken.sweep.calls, 1) if name == "write"]
    for at in points if deep else spread(points, 1):
        broken.point(at, "full", onwards=True)
    assert not broken.bad, "\n".join(broken.bad[:20])


def _is_liveness(request: Received) -> bool:
    """One short line after the system message; a startup is longer."""
    return len(request.messages) == 2 and "\n" not in request.prompt


class Broken:
    """A sweep of failing calls, and what was bad in it."""

    def __init__(self, scenario: Scenario, stage: Stage, template: Path) -> None:
        self.sweep = Sweep(scenario, stage, template)
        self.stage = stage
        self.bad: list[str] = []
        self.sweep.again()
        self._before = self._records()

    def point(self, at: int, act: str, *, onwards: bool) -> None:
        """One call fails."""
        ends = {NOT_WRITTEN}
        if self.sweep.scenario.argv[0] == "start":
            ends.add(UNUSABLE)
        self.bad += self.sweep.point(at, act, onwards=onwards, ends=ends, look=self._look)

    def _look(self, fate: Fate) -> list[str]:
        place = self.stage.place
        found = [f"a report about a fault: {text}" for text in place.crash_reports()]
        runs = place.runs()
        if not runs:
            return [*found, *(["a request, and no run"] if place.service.chats else [])]
        (run,) = runs
        said = {
            (slot, entry["content"])
            for slot in run.servants
            for entries in run.conversations(slot)
            for entry in entries
            if entry["role"] == "user"
        }
        found += [
            f"{request.slot} was sent what is not stored: {request.prompt}"
            for request in place.service.chats
            if (request.slot, request.prompt) not in said and not _is_liveness(request)
        ]
        if fate.status == NOT_WRITTEN and not place.service.chats:
            found += self._not_as_before()
        return [*found, *lost(run, reported(fate.stdout, fate.stderr))]

    def _records(self) -> list[tuple[dict[str, Any], bytes]]:
        """The registry, without what says when it was written, and the ledger of every run."""
        return [
            ({name: value for name, value in run.registry.items() if name not in _STAMPS}, run.ledger)
            for run in self.stage.place.runs()
        ]

    def _not_as_before(self) -> list[str]:
        """Nothing was sent: all is as before, or a new message is stored and was not answered."""
        now = self._records()
        if now == self._before:
            return []
        waiting = [
            message
            for registry, _ in now
            for message in registry["messages"]
            if message["state"] in ("queued", "started", "failed")
            and all(message not in former["messages"] for former, _ in self._before)
        ]
        starting = [one for registry, _ in now for one in registry["servants"] if one["state"] == "starting"]
        return [] if waiting or starting else ["the files are not as before"]
