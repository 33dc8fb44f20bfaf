"""The store in a SQLite file: one writer thread that commits what arrives together, reads beside it."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Callable, Final, Iterator, Mapping, Sequence, TypeVar

from marama_route.core.decision import RouteDecision
from marama_route.store import operations, rows
from marama_route.store.batches import Batches, Work
from marama_route.store.chain import Chain
from marama_route.store.failures import CLOSED, unusable
from marama_route.store.operations import Connection
from marama_route.store.running import Running
from marama_route.store.sqlite_file import not_made, prepared
from marama_route.store.sqlite_open import Attached, connected, troubles
from marama_route.store.sqlite_writer import Writer
from marama_route.store.store import PassedCall
from sovereigncode.audit.store import AuditStore

_T = TypeVar("_T")
Clock = Callable[[], datetime]
# How long a passed call waits for its client: a user may answer on another day.
_KEPT: Final = timedelta(days=7)


class SqliteStore:
    """See Store. Made by `opened`, closed by `close`; for several event loops and threads of one process.

    A process that is forked opens its own: neither a connection nor the thread survives a fork.
    """

    def __init__(self, path: Path, running: Running, now: Clock, wait_seconds: float) -> None:
        self._path = path
        self._running = running
        self._now = now
        self._wait_seconds = wait_seconds
        self._chains: dict[str, Chain] = {}
        self._reader = Attached(path, wait_seconds, reading=True)
        self._reading = ThreadPoolExecutor(1, thread_name_prefix="store-reader")
        self._writer = Writer(path, wait_seconds)
        self._batches = Batches(self._writer.run, self._writer.rest, self._writer.end)
        self._closed = False

    @classmethod
    def opened(cls, path: Path, now: Clock, *, wait_seconds: float = 5.0) -> SqliteStore:
        """The store in this file, which is made if there is none. Blocks.

        `wait_seconds` is how long another process may keep the file. Raises Refusal not_ready, also for a
        file that is not ours, of a newer version, damaged, or that cannot be written.
        """
        real = prepared(path, wait_seconds)
        try:
            running = Running(real.parent)
        except OSError as problem:
            raise not_made(real, problem) from None
        return cls(real, running, now, wait_seconds)

    async def put(self, decision: RouteDecision) -> None:
        """See Store."""
        row = rows.of_decision(decision, self._running.owner)
        await self._batches.do(partial(operations.put, row=row))

    async def get(self, tenant: str, decision_id: str) -> Mapping[str, Any] | None:
        """See Store."""
        now = self._seconds()
        return await self._read(lambda connection: operations.get(connection, tenant, decision_id, now))

    async def listed(
        self, tenant: str, *, before: str | None = None, limit: int = 100
    ) -> Sequence[Mapping[str, Any]]:
        """See Store."""
        now = self._seconds()
        return await self._read(lambda connection: operations.listed(connection, tenant, before, limit, now))

    async def interrupted(self) -> int:
        """See Store."""
        return await asyncio.to_thread(self._interrupted)

    async def remember(self, calls: Sequence[PassedCall]) -> None:
        """See Store. Of two calls with the same tenant, session and id the later one is kept."""
        until = self._seconds() + int(_KEPT.total_seconds())
        kept = [rows.of_call(call, until) for call in calls]
        await self._batches.do(partial(operations.remember, calls=kept))

    async def take(
        self, tenant: str, session_id: str | None, call_ids: Sequence[str]
    ) -> Sequence[PassedCall]:
        """See Store. Every request of a conversation asks; only one that finds something writes."""
        now = self._seconds()
        if not call_ids or not await self._read(
            lambda connection: operations.kept(connection, tenant, session_id, call_ids, now)
        ):
            return []
        found: Sequence[PassedCall] = await self._batches.do(
            lambda connection: operations.take(connection, tenant, session_id, call_ids, now)
        )
        return found

    async def expire(self) -> int:
        """See Store. Passed calls that nobody asked for in seven days are removed as well."""
        now = self._seconds()
        count = await self._all(partial(operations.expire, now=now))
        await self._all(partial(operations.forget, now=now))
        return count

    async def probe(self) -> None:
        """See Store."""
        await self._read(operations.owners)
        await self._batches.do(partial(operations.probe, now=self._seconds()))

    def audit(self, tenant: str) -> AuditStore:
        """See Store."""
        return self._chains.setdefault(tenant, Chain(self, tenant, self._now))

    async def close(self) -> None:
        """See Store. Can be called twice."""
        if not self._closed:
            self._closed = True
            await asyncio.to_thread(self._close)

    @property
    def name(self) -> str:
        """The file."""
        return str(self._path)

    def written(self, work: Work) -> Any:
        """See chain.Database."""
        return self._batches.do_in_thread(work, self._wait_seconds)

    @contextmanager
    def one_moment(self) -> Iterator[Connection]:
        """See chain.Database. A connection of its own, so that a long read holds up no other."""
        if self._closed:
            raise unusable(CLOSED, self.name)
        with (
            troubles(self._path),
            closing(connected(self._path, self._wait_seconds, reading=True)) as connection,
        ):
            connection.execute("BEGIN")
            yield connection

    def _seconds(self) -> int:
        return int(self._now().timestamp())

    async def _read(self, work: Callable[[Connection], _T]) -> _T:
        if self._closed:
            raise unusable(CLOSED, self.name)
        return await asyncio.get_running_loop().run_in_executor(self._reading, self._read_now, work)

    def _read_now(self, work: Callable[[Connection], _T]) -> _T:
        try:
            with troubles(self._path):
                return work(self._reader.connection())
        except BaseException:
            self._reader.let_go()
            raise

    async def _all(self, piece: Callable[[Connection], int]) -> int:
        """Do a piece again until there is nothing left; how many rows."""
        total = 0
        while True:
            count: int = await self._batches.do(piece)
            total += count
            if count < operations.PIECE:
                return total

    def _interrupted(self) -> int:
        with self.one_moment() as connection:
            owners = operations.owners(connection)
        total = 0
        for owner in sorted(owners | self._running.owners()):
            with troubles(self._path), self._running.ended(owner) as ended:
                count = operations.PIECE if ended else 0
                while count == operations.PIECE:
                    count = self.written(partial(operations.fail, owner=owner))
                    total += count
        return total

    def _close(self) -> None:
        self._batches.close()
        self._reading.submit(self._reader.let_go)
        self._reading.shutdown()
        self._running.close()
