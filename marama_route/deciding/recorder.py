"""Appends to an audit chain, collected: what arrives while one append runs is appended together.

An append costs several syncs of the disk, however many entries it has.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, Sequence

from foundation.errors import Refusal
from sovereigncode.audit.record import Entry
from sovereigncode.audit.store import AuditStore

# Entries of one append.
_MOST: Final = 512


@dataclass(frozen=True, eq=False)
class _Waiting:
    entries: tuple[Entry, ...]
    done: asyncio.Future[None]


class Recorder:
    """One chain, appended to from one event loop, in a thread of its own."""

    def __init__(self, chain: AuditStore) -> None:
        self._chain = chain
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="audit")
        self._waiting: list[_Waiting] = []
        self._running: asyncio.Task[None] | None = None

    def begin(self, entries: Sequence[Entry]) -> asyncio.Future[None]:
        """Done when these are on disk; with a Refusal if they are not: what they record must not happen."""
        loop = asyncio.get_running_loop()
        done = loop.create_future()
        done.add_done_callback(_seen)
        self._waiting.append(_Waiting(tuple(entries), done))
        if self._running is None:
            self._running = loop.create_task(self._run())
        return done

    async def close(self) -> None:
        """Wait for what is being appended, and end the thread."""
        while self._running is not None:
            await asyncio.wait({self._running})
        self._thread.shutdown(wait=False)

    async def _run(self) -> None:
        try:
            while self._waiting:
                await self._write(self._next())
        finally:
            self._running = None

    def _next(self) -> list[_Waiting]:
        count = size = 0
        for waiting in self._waiting:
            size += len(waiting.entries)
            if count and size > _MOST:
                break
            count += 1
        batch, self._waiting = self._waiting[:count], self._waiting[count:]
        return batch

    async def _write(self, batch: list[_Waiting]) -> None:
        entries = [entry for waiting in batch for entry in waiting.entries]
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(self._thread, self._chain.append, entries)
        except Refusal as refusal:
            if refusal.kind == "request_invalid" and len(batch) > 1:
                # One entry that no line can have must not fail the others.
                for waiting in batch:
                    await self._write([waiting])
                return
            _end(batch, refusal)
        except Exception as fault:  # noqa: BLE001 - whoever waits must hear of it
            _end(batch, Refusal("internal_error", f"recording failed ({type(fault).__name__})", next_step=""))
        else:
            _end(batch, None)


def _end(batch: list[_Waiting], refusal: Refusal | None) -> None:
    for waiting in batch:
        if waiting.done.done():  # its request was cancelled
            continue
        if refusal is None:
            waiting.done.set_result(None)
        else:
            waiting.done.set_exception(refusal)


def _seen(done: asyncio.Future[None]) -> None:
    # Without this asyncio logs the text of an exception that nobody waits for any more.
    if not done.cancelled():
        done.exception()
