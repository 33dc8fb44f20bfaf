"""Works that arrive together are done together; so many may wait and no more; everybody gets an answer."""

from __future__ import annotations

import asyncio
import threading
from contextlib import closing
from typing import Any, Sequence

import pytest

from foundation.errors import Refusal
from marama_route.store.batches import TOGETHER, WAITING, Batches, Result, Work


class Slow:
    """Does works only while it may; notes how many came together."""

    def __init__(self) -> None:
        self.may = threading.Event()
        self.begun = threading.Event()
        self.together: list[int] = []
        self.rested: list[tuple[int, bool]] = []
        self.ended = 0

    def run(self, works: Sequence[Work]) -> Sequence[Result]:
        self.begun.set()
        assert self.may.wait(60)
        self.together.append(len(works))
        connection: Any = None
        return [Result(work(connection)) for work in works]

    def rest(self, count: int, idle: bool) -> None:
        self.rested.append((count, idle))

    def end(self) -> None:
        self.ended += 1


@pytest.fixture
def slow() -> Slow:
    return Slow()


def batches(slow: Slow) -> Batches:
    return Batches(slow.run, slow.rest, slow.end)


def returning(number: int) -> Work:
    return lambda _: number


def test_what_arrives_together_is_done_together(slow: Slow) -> None:
    async def work(store: Batches) -> list[Any]:
        tasks = [asyncio.ensure_future(store.do(returning(0)))]
        await asyncio.to_thread(slow.begun.wait, 60)
        tasks += [asyncio.ensure_future(store.do(returning(number))) for number in range(1, TOGETHER + 11)]
        await asyncio.sleep(0)
        slow.may.set()
        return await asyncio.gather(*tasks)

    with closing(batches(slow)) as store:
        assert asyncio.run(work(store)) == list(range(TOGETHER + 11))
    assert slow.together == [1, TOGETHER, 10]
    assert slow.rested == [(1, False), (TOGETHER, False), (10, True)]
    assert slow.ended == 1


def test_no_more_than_so_many_wait(slow: Slow) -> None:
    number = 3 * WAITING
    most = 0

    async def work(store: Batches) -> list[Any]:
        nonlocal most
        tasks = [asyncio.ensure_future(store.do(returning(one))) for one in range(number)]
        for _ in range(5):
            await asyncio.sleep(0)
            most = max(most, len(store._waiting))
        with pytest.raises(Refusal) as caught:
            await asyncio.to_thread(store.do_in_thread, returning(0), 0.0)
        assert caught.value.kind == "not_ready"
        slow.may.set()
        return await asyncio.gather(*tasks)

    with closing(batches(slow)) as store:
        assert asyncio.run(work(store)) == list(range(number))
    assert WAITING - TOGETHER <= most <= WAITING
    assert max(slow.together) <= TOGETHER


def test_threads_wait_for_room(slow: Slow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("marama_route.store.batches.WAITING", 4)
    monkeypatch.setattr("marama_route.store.batches.TOGETHER", 2)
    found: list[int] = []
    with closing(batches(slow)) as store:
        threads = [
            threading.Thread(target=lambda one=one: found.append(store.do_in_thread(returning(one), 60)))
            for one in range(40)
        ]
        for thread in threads:
            thread.start()
        slow.may.set()
        for thread in threads:
            thread.join(60)
    assert sorted(found) == list(range(len(threads)))


def test_closing_does_what_waits_and_refuses_what_comes(slow: Slow) -> None:
    async def work(store: Batches) -> list[Any]:
        tasks = [asyncio.ensure_future(store.do(returning(one))) for one in range(WAITING + 50)]
        await asyncio.sleep(0)
        closed = asyncio.ensure_future(asyncio.to_thread(store.close))
        while not store._closed:
            await asyncio.sleep(0.001)
        slow.may.set()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        await closed
        return results

    store = batches(slow)
    results = asyncio.run(work(store))
    refused = [one for one in results if isinstance(one, Refusal)]
    done = [one for one in results if not isinstance(one, BaseException)]
    assert len(done) >= WAITING
    assert done[:WAITING] == list(range(WAITING))
    assert len(done) + len(refused) == WAITING + 50
    assert {one.kind for one in refused} <= {"not_ready"}
    with pytest.raises(Refusal):
        store.do_in_thread(returning(1), 60)
    with pytest.raises(Refusal):
        asyncio.run(store.do(returning(1)))


def test_an_error_of_our_own_leaves_nobody_waiting(slow: Slow) -> None:
    def fails(works: Sequence[Work]) -> Sequence[Result]:
        raise RuntimeError("a mistake")

    with closing(Batches(fails, slow.rest, slow.end)) as store:
        for _ in range(2):
            with pytest.raises(RuntimeError, match="a mistake"):
                asyncio.run(store.do(returning(1)))


def test_a_loop_that_is_gone_is_nobodys_trouble(slow: Slow) -> None:
    async def leaves(store: Batches) -> None:
        left.append(asyncio.ensure_future(store.do(returning(1))))
        await asyncio.sleep(0)

    left: list[asyncio.Future[Any]] = []
    with closing(batches(slow)) as store:
        asyncio.run(leaves(store))
        slow.may.set()
        assert asyncio.run(store.do(returning(2))) == 2
