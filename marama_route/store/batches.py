"""Works that arrive together are done together, in one thread: what a commit costs is paid once for all.

Tasks and threads hand works in and wait for their results. So many may wait and no more: then whoever
brings another one waits for room first.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Callable, Final, Sequence

from marama_route.store.failures import CLOSED, CROWDED, unusable
from marama_route.store.operations import Connection

Work = Callable[[Connection], Any]
# Bounds memory: a decision is some kilobytes.
WAITING: Final = 1024
# Bounds how long other processes wait for their turn.
TOGETHER: Final = 256


@dataclass(frozen=True)
class Result:
    """What came of one work: its value, or the error that its caller gets."""

    value: Any = None
    error: Exception | None = None


Run = Callable[[Sequence[Work]], Sequence[Result]]


@dataclass(frozen=True)
class _Waiting:
    """A work and who waits for it: a task in `loop`, or a thread."""

    work: Work
    future: Any
    loop: asyncio.AbstractEventLoop | None


class Batches:
    """The thread and what waits for it.

    `run` does works, returns one result for each . `rest` is called after the results have
    been given out: how many works were done, and whether nothing waits. `end` is the last call. All three
    are called in the thread only.
    """

    def __init__(self, run: Run, rest: Callable[[int, bool], None], end: Callable[[], None]) -> None:
        self._run = run
        self._rest = rest
        self._end = end
        self._lock = threading.Lock()
        self._arrived = threading.Condition(self._lock)
        self._room = threading.Condition(self._lock)
        self._waiting: deque[_Waiting] = deque()
        self._for_room: list[_Waiting] = []
        self._closed = False
        self._thread = threading.Thread(target=self._serve, name="store", daemon=True)
        self._thread.start()

    async def do(self, work: Work) -> Any:
        """What the work returns, once it is committed. A task that is cancelled does not take it back."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        while not self._taken(_Waiting(work, future, loop)):
            await self._turn(loop)
        return await future

    def do_in_thread(self, work: Work, wait_seconds: float) -> Any:
        """The same for a thread other than an event loop's; Refusal if there is no room for so long."""
        future: Future[Any] = Future()
        with self._lock:
            self._room.wait_for(lambda: self._closed or len(self._waiting) < WAITING, wait_seconds)
            if not self._closed and len(self._waiting) >= WAITING:
                raise unusable(CROWDED)
            self._take(_Waiting(work, future, None))
        return future.result()

    def close(self) -> None:
        """Do what waits, refuse what comes; returns when the thread has ended."""
        with self._lock:
            self._closed = True
            self._arrived.notify_all()
            self._room.notify_all()
        self._thread.join()

    def _taken(self, one: _Waiting) -> bool:
        with self._lock:
            if len(self._waiting) >= WAITING and not self._closed:
                return False
            self._take(one)
            return True

    def _take(self, one: _Waiting) -> None:
        if self._closed:
            raise unusable(CLOSED)
        self._waiting.append(one)
        self._arrived.notify()

    async def _turn(self, loop: asyncio.AbstractEventLoop) -> None:
        """Wait until there may be room."""
        turn: asyncio.Future[Any] = loop.create_future()
        with self._lock:
            if len(self._waiting) < WAITING or self._closed:
                return
            self._for_room.append(_Waiting(lambda _: None, turn, loop))
        await turn

    def _serve(self) -> None:
        while True:
            batch, turns = self._next()
            _give_out([(one, Result()) for one in turns])
            if not batch:
                self._end()
                return
            try:
                results = self._run([one.work for one in batch])
            except Exception as problem:  # noqa: BLE001 - nobody may wait for ever
                results = [Result(error=problem)] * len(batch)
            _give_out(list(zip(batch, results, strict=True)))
            self._rest(len(batch), not self._waiting)

    def _next(self) -> tuple[list[_Waiting], list[_Waiting]]:
        """The next works, and the tasks for which there is room then. No works: it is closed."""
        with self._lock:
            self._arrived.wait_for(lambda: self._waiting or self._closed)
            batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), TOGETHER))]
            turns, self._for_room = self._for_room, []
            self._room.notify_all()
        return batch, turns


def _give_out(pairs: Sequence[tuple[_Waiting, Result]]) -> None:
    """Wake those who wait: an event loop once for all of its tasks."""
    of_loops: dict[asyncio.AbstractEventLoop, list[tuple[Any, Result]]] = {}
    for one, result in pairs:
        if one.loop is None:
            _settle(one.future, result)
        else:
            of_loops.setdefault(one.loop, []).append((one.future, result))
    for loop, settled in of_loops.items():
        with suppress(RuntimeError):  # the loop was closed, so nobody waits there
            loop.call_soon_threadsafe(_settle_all, settled)


def _settle_all(pairs: Sequence[tuple[Any, Result]]) -> None:
    for future, result in pairs:
        if not future.done():
            _settle(future, result)


def _settle(future: Any, result: Result) -> None:
    if result.error is None:
        future.set_result(result.value)
    else:
        future.set_exception(result.error)
