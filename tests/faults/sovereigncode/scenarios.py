"""What is done to a chain and to approvals in the sweeps: each from the same beginning, again and again."""

from __future__ import annotations

import contextlib
import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable

from foundation.errors import Refusal
from sovereigncode.audit import months
from tests.unit.sovereigncode.asked import ASKED, HOUR
from tests.unit.sovereigncode.records import Place, entry

NONE = "none"


@dataclass(frozen=True)
class Scenario:
    """`begin`, then `run`. `states` are those that the only approval may have after any failure of `run`."""

    name: str
    begin: Callable[[Place], object]
    run: Callable[[Place], object]
    states: tuple[str, ...] = (NONE,)

    def make(self, root: Path) -> Place:
        root.mkdir(parents=True)
        place = Place(root)
        self.begin(place)
        return place

    def act(self, place: Place) -> None:
        self.run(place)


def state_of(place: Place) -> str:
    listed = place.approvals.listed()
    assert len(listed) <= 1
    return listed[0].state.value if listed else NONE


def fork(work: Callable[[], object]) -> int:
    """Run in a child; its wait status."""
    child = os.fork()
    if child == 0:
        try:
            work()
            os._exit(0)
        finally:
            os._exit(99)
    return os.waitpid(child, 0)[1]


def torn(at: int, share: float) -> Callable[..., int]:
    """An os.write that writes a part of call number `at` (from 1) and then ends the process."""
    original, count = os.write, 0

    def write(descriptor: int, data: Any) -> int:
        nonlocal count
        count += 1
        if count == at:
            original(descriptor, bytes(data)[: max(1, min(len(data) - 1, round(len(data) * share)))])
            os.kill(os.getpid(), signal.SIGKILL)
        return original(descriptor, data)

    return write


def _some(place: Place) -> None:
    place.log.append([entry(1), entry(2)])


def _half(place: Place) -> None:
    """Half a line, as a process leaves it that is killed in the middle of a write."""
    _some(place)

    def work() -> None:
        original = months.write_all

        def half(descriptor: int, data: bytes) -> None:
            original(descriptor, data[: len(data) // 2])
            os.kill(os.getpid(), signal.SIGKILL)

        months.write_all = half
        place.log.append([entry(3)])

    assert fork(work) == signal.SIGKILL
    assert place.log.verify().unfinished


def _half_and_a_month(place: Place) -> None:
    _half(place)
    place.clock.pass_by(days=30)


def _elsewhere(place: Place) -> None:
    _some(place)
    place.log.head_path.unlink()


def _waiting(place: Place) -> None:
    place.approvals.request(ASKED, HOUR)


def _approved(place: Place) -> None:
    place.approvals.approve(place.approvals.request(ASKED, HOUR).id, "ada", "fine")


def _expired(place: Place) -> None:
    _waiting(place)
    place.clock.pass_by(hours=2)


def _next_month(place: Place) -> None:
    place.clock.pass_by(days=30)
    place.log.append([entry(4)])


def _only(place: Place) -> str:
    return place.approvals.listed()[0].id


SCENARIOS = (
    Scenario("first", lambda _: None, lambda place: place.log.append([entry(3)])),
    Scenario("next", _some, lambda place: place.log.append([entry(3)])),
    Scenario("batch", _some, lambda place: place.log.append([entry(3), entry(4), entry(5)])),
    Scenario("month", _some, _next_month),
    Scenario("after half a line", _half, lambda place: place.log.append([entry(3)])),
    Scenario(
        "after half a line, a month later", _half_and_a_month, lambda place: place.log.append([entry(3)])
    ),
    Scenario("from elsewhere", _elsewhere, lambda place: place.log.append([entry(3)])),
    Scenario("request", _some, _waiting, (NONE, "pending")),
    Scenario(
        "approve",
        _waiting,
        lambda place: place.approvals.approve(_only(place), "ada"),
        ("pending", "approved"),
    ),
    Scenario(
        "reject", _waiting, lambda place: place.approvals.reject(_only(place), "ada"), ("pending", "rejected")
    ),
    Scenario("consume", _approved, lambda place: place.approvals.consume([ASKED]), ("approved", "used")),
    Scenario("expire", _expired, lambda place: place.approvals.expire(), ("expired",)),
)


def try_again(scenario: Scenario, place: Place) -> None:
    """What a user does after a failure; a decision that has been taken already is refused."""
    decided = contextlib.suppress(Refusal) if scenario.states[0] == "pending" else contextlib.nullcontext()
    with decided:
        scenario.run(place)
