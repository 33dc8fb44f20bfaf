"""A decision put on record: in the store and in the audit chain at the same time, before it counts."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any, Coroutine, Sequence

from foundation.errors import Refusal
from marama_route.core.decision import RouteDecision
from marama_route.core.errors import RequestRefusal
from marama_route.deciding.recorder import Recorder
from marama_route.store.store import Store
from marama_route.workspaces.choosing import Chosen
from sovereigncode.audit.record import Entry
from sovereigncode.audit.store import AuditStore
from sovereigncode.core.combined import Combined


class Records:
    """The store and one recorder a chain, for one event loop."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._recorders: dict[AuditStore, Recorder] = {}
        self._in_store: dict[str, AuditStore] = {}
        self._finishing: set[asyncio.Task[None]] = set()

    def chain(self, chosen: Chosen, tenant: str) -> AuditStore:
        """The workspace's chain if its rules count, else the tenant's in the store."""
        if chosen.reading is not None and isinstance(chosen.rules, Combined):
            return chosen.reading.folder.audit
        if tenant not in self._in_store:
            self._in_store[tenant] = self._store.audit(tenant)
        return self._in_store[tenant]

    async def keep(self, decision: RouteDecision, chain: AuditStore, entries: Sequence[Entry]) -> None:
        """Return when the decision and its records are on disk. RequestRefusal not_ready if they are not."""
        try:
            appended = self._recorder(chain).begin(entries)
            await self._store.put(decision)
            await appended
        except Refusal as refusal:
            raise unrecorded(refusal) from None

    async def update(self, decision: RouteDecision) -> None:
        """Keep what has become known of a pending decision; if that fails, its outcome has it all."""
        with suppress(Refusal):
            await self._store.put(decision)

    async def append(self, chain: AuditStore, entries: Sequence[Entry]) -> None:
        """Return when these are on disk. RequestRefusal not_ready if they are not."""
        try:
            await self._recorder(chain).begin(entries)
        except Refusal as refusal:
            raise unrecorded(refusal) from None

    def finish(self, recording: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run this to its end, whatever becomes of the request; `close` waits for it."""
        task = asyncio.get_running_loop().create_task(recording)
        self._finishing.add(task)
        task.add_done_callback(self._finishing.discard)
        return task

    async def close(self) -> None:
        """Wait for what is being recorded."""
        while self._finishing:
            await asyncio.wait(self._finishing)
        for recorder in self._recorders.values():
            await recorder.close()

    def _recorder(self, chain: AuditStore) -> Recorder:
        recorder = self._recorders.get(chain)
        if recorder is None:
            recorder = self._recorders[chain] = Recorder(chain)
        return recorder


def unrecorded(refusal: Refusal) -> RequestRefusal:
    """What cannot be recorded does not happen; the answer has the kind of the refusal, not the place."""
    return RequestRefusal(
        "not_ready",
        f"the decision cannot be recorded ({refusal.kind}), so nothing was forwarded",
        next_step="`marama-route check` and `sovereigncode audit verify` say what is wrong; then try again",
    )
