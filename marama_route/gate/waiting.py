"""Waiting for a person: one task a workspace looks at the approvals that anybody waits for."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any, Final, Mapping, Sequence

from sovereigncode.approvals.approval import State
from sovereigncode.approvals.store import Approvals

# A folder's time is the kernel's last tick, some milliseconds old (inode(7) and CLOCK_REALTIME_COARSE), so a
# second change may not change it: after each change the files are read for a while.
_UNQUIET_SECONDS: Final = 2.0
# What changes without a file: an approval expires, or a record is written and then its writer is killed.
_READ_ANYWAY_SECONDS: Final = 5.0


@dataclass(frozen=True, eq=False)
class _Waiter:
    ids: frozenset[str]
    done: asyncio.Future[None] = field(repr=False)


class Waiting:
    """For one event loop. Whoever waits costs nothing but a place in a set."""

    def __init__(self, approvals: Approvals, every: float) -> None:
        self._approvals = approvals
        self._every = every
        self._waiters: set[_Waiter] = set()
        self._task: asyncio.Task[None] | None = None
        self._folder_time: int | None = None
        self._changed = self._read = 0.0

    async def until_decided(self, ids: Sequence[str], seconds: float, stop: asyncio.Event) -> None:
        """Return as soon as one of these is not pending any more or `stop` is set; after `seconds` at most.

        Raises Refusal if the approvals cannot be read.
        """
        loop = asyncio.get_running_loop()
        waiter = _Waiter(frozenset(ids), loop.create_future())
        waiter.done.add_done_callback(_seen)
        self._waiters.add(waiter)
        self._changed = time.monotonic()
        if self._task is None:
            self._task = loop.create_task(self._poll())
        stopped = loop.create_task(stop.wait())
        try:
            ends: list[asyncio.Future[Any]] = [waiter.done, stopped]
            await asyncio.wait(ends, timeout=max(seconds, 0), return_when=asyncio.FIRST_COMPLETED)
            if waiter.done.done():
                waiter.done.result()
        finally:
            stopped.cancel()
            waiter.done.cancel()
            self._waiters.discard(waiter)
            if not self._waiters and self._task is not None:
                self._task.cancel()
                self._task = None

    async def _poll(self) -> None:
        while True:
            waiters = tuple(self._waiters)
            ids = frozenset().union(*(one.ids for one in waiters))
            try:
                states = await asyncio.to_thread(self._look, ids)
            except Exception as problem:  # noqa: BLE001 - whoever waits must hear of it
                for one in waiters:
                    if not one.done.done():
                        one.done.set_exception(problem)
            else:
                for one in waiters:
                    if not one.done.done() and any(
                        states.get(name, State.PENDING) is not State.PENDING for name in one.ids
                    ):
                        one.done.set_result(None)
            await asyncio.sleep(self._every)

    def _look(self, ids: frozenset[str]) -> Mapping[str, State]:
        """The states, or nothing if nothing can have changed."""
        now = time.monotonic()
        folder_time: int | None
        try:
            folder_time = self._approvals.folder.stat().st_mtime_ns
        except OSError:
            folder_time = None
        if folder_time is None or folder_time != self._folder_time:
            self._folder_time, self._changed = folder_time, now
        if now - self._changed > _UNQUIET_SECONDS and now - self._read < _READ_ANYWAY_SECONDS:
            return {}
        self._read = now
        return {one.id: one.state for one in self._approvals.current(sorted(ids))}


def _seen(done: asyncio.Future[None]) -> None:
    # Without this asyncio logs the text of an exception that nobody waits for any more.
    if not done.cancelled():
        done.exception()
