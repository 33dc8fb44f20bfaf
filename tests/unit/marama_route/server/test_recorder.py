"""What arrives while one append runs is appended together, and each waiter hears of its own."""

from __future__ import annotations

import asyncio
import threading
from typing import Any, Sequence

import pytest

from foundation.errors import Refusal
from marama_route.deciding.recorder import Recorder
from sovereigncode.audit.record import Entry


class Chain:
    """A chain that notes its appends; the first one waits until the test lets it go."""

    def __init__(self) -> None:
        self.appends: list[list[str | None]] = []
        self.go = threading.Event()

    def append(self, entries: Sequence[Entry]) -> Any:
        assert self.go.wait(30)
        names = [entry.decision_id for entry in entries]
        if "too long" in names:
            raise Refusal("request_invalid", "it does not fit", next_step="")
        if "full" in names:
            raise Refusal("write_failed", "the disk is full", next_step="")
        if "fault" in names:
            raise ZeroDivisionError("a secret in a text")
        self.appends.append(names)
        return ()


def entry(name: str) -> Entry:
    return Entry(kind="route", decision_id=name)


async def told(done: asyncio.Future[None]) -> str:
    try:
        await done
    except Refusal as refusal:
        return refusal.kind
    return "done"


def run(*names: str) -> tuple[list[str], list[list[str | None]]]:
    async def all_of_them() -> list[str]:
        chain.go.clear()
        recorder = Recorder(chain)  # type: ignore[arg-type]
        first = recorder.begin([entry("first")])
        await asyncio.sleep(0.01)
        waiting = [recorder.begin([entry(name), entry(f"{name}+")]) for name in names]
        assert not first.done()
        chain.go.set()
        results = [await told(one) for one in (first, *waiting)]
        await recorder.close()
        return results

    chain = Chain()
    return asyncio.run(all_of_them()), chain.appends


def test_what_waits_is_one_append() -> None:
    results, appends = run("a", "b", "c")
    assert results == ["done"] * 4
    assert appends == [["first"], ["a", "a+", "b", "b+", "c", "c+"]]


def test_an_entry_that_no_line_can_have_fails_alone() -> None:
    results, appends = run("a", "too long", "c")
    assert results == ["done", "done", "request_invalid", "done"]
    assert appends == [["first"], ["a", "a+"], ["c", "c+"]]


@pytest.mark.parametrize(("name", "kind"), [("full", "write_failed"), ("fault", "internal_error")])
def test_a_failure_is_told_to_everyone_who_waits(name: str, kind: str) -> None:
    results, appends = run("a", name)
    assert results == ["done", kind, kind]
    assert appends == [["first"]]


def test_one_who_went_away_stops_nobody() -> None:
    async def play() -> tuple[str, str]:
        recorder = Recorder(chain)  # type: ignore[arg-type]
        first = recorder.begin([entry("first")])
        gone = recorder.begin([entry("gone")])
        last = recorder.begin([entry("last")])
        gone.cancel()
        chain.go.set()
        return await told(first), await told(last)

    chain = Chain()
    assert asyncio.run(play()) == ("done", "done")
    assert [name for names in chain.appends for name in names] == ["first", "gone", "last"]
