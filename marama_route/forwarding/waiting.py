"""Waiting: for a backend within limits, without silence for the client, and for what must be finished."""

from __future__ import annotations

import asyncio
from typing import Callable, Coroutine, Final, TypeVar

from marama_route.backends.failures import Word, failed
from marama_route.forwarding.chunks import KEEP_ALIVE
from marama_route.forwarding.ends import Client

KEEP_ALIVE_SECONDS: Final = 15.0
_Result = TypeVar("_Result")
Clock = Callable[[], float]


class StoppedError(Exception):
    """The policy ended the answer; `text` is its reason, for the client."""

    def __init__(self, text: str) -> None:
        super().__init__("stopped by the policy")
        self.text = text


class Outlet:
    """The stream to the client. It begins with the first byte, which may be a comment.

    `model` is the one that is being tried. A write that fails raises ConnectionError.
    """

    def __init__(self, client: Client, interval: float, clock: Clock) -> None:
        self.model = ""
        self.began = False
        self._client = client
        self._interval = interval
        self._clock = clock
        self._written = clock()
        # A comment is written beside the answer, and never within it.
        self._lock = asyncio.Lock()

    async def write(self, data: bytes) -> None:
        """Whole events, or a comment."""
        async with self._lock:
            if not self.began:
                self.began = True
                await self._client.begin(self.model)
            await self._client.write(data)
            self._written = self._clock()

    @property
    def due(self) -> float:
        """When a comment is due, by the clock; not while something is being written."""
        return self._interval + (self._clock() if self._lock.locked() else self._written)

    async def keep_alive(self) -> None:
        """A comment, if it is due."""
        if self._clock() >= self.due:
            await self.write(KEEP_ALIVE)


class Patience:
    """How long a backend may be silent; without a limit while nobody listens to it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seconds: float | None = None
        self._since = 0.0
        self._word = Word.SILENCE_TIMEOUT

    def listen(self, seconds: float, word: Word) -> None:
        """From now on something must come within so many seconds."""
        self._seconds, self._since, self._word = seconds, self._clock(), word

    def rest(self) -> None:
        """Nothing is waited for."""
        self._seconds = None

    @property
    def due(self) -> float | None:
        """When the limit is reached, by the clock; None without one."""
        return None if self._seconds is None else self._since + self._seconds

    def check(self) -> None:
        """Raises BackendError when the limit is reached."""
        if self.due is not None and self._clock() >= self.due:
            raise failed(self._word)


class Waiting:
    """One wait after the other, each with the same client and the same policy."""

    def __init__(self, clock: Clock, outlet: Outlet | None, stop: asyncio.Future[str] | None) -> None:
        self._clock = clock
        self._outlet = outlet
        self._stop = stop

    async def on(self, work: Coroutine[None, None, _Result], patience: Patience) -> _Result:
        """What the work gives. However this ends, the work has ended, too.

        Raises BackendError when the patience ends, and StoppedError when the policy says stop.
        """
        task = asyncio.ensure_future(work)
        waited: set[asyncio.Future[_Result] | asyncio.Future[str]] = {task}
        if self._stop is not None:
            waited.add(self._stop)
        try:
            while not task.done():
                await asyncio.wait(waited, timeout=self._seconds(patience), return_when="FIRST_COMPLETED")
                if task.done():
                    break
                if self._stop is not None and self._stop.done():
                    raise StoppedError(self._stop.result())
                patience.check()
                if self._outlet is not None:
                    await self._outlet.keep_alive()
            return task.result()
        finally:
            task.cancel()
            await ended(task)

    def _seconds(self, patience: Patience) -> float:
        # A limit may be set while this waits, so that it looks again at least once a second.
        times = [self._clock() + 1.0]
        if self._outlet is not None:
            times.append(self._outlet.due)
        if patience.due is not None:
            times.append(patience.due)
        return max(min(times) - self._clock(), 0.0)


async def ended(task: asyncio.Future[_Result]) -> None:
    """Return when it has ended, also if this is cancelled meanwhile, and then raise CancelledError."""
    cancelled = False
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:  # noqa: PERF203 - it is waited for again
            cancelled = True
    if not task.cancelled():
        task.exception()
    if cancelled:
        raise asyncio.CancelledError


async def finished(work: Coroutine[None, None, None]) -> None:
    """Do this to its end, also if this is cancelled meanwhile; its own exception is raised."""
    task = asyncio.ensure_future(work)
    await ended(task)
    task.result()
