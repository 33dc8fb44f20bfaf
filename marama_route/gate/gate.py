"""The gate of one request: an answer's tool calls are all passed on, or none.

The order, so that nothing passes twice or unrecorded, and no approval is used up for nothing:

1. Look: the rules are read, each call is judged, and who has to be asked is asked (recorded, then the file).
2. If one is denied or nobody has said yes yet: what was judged is recorded. Then wait, and look again from
   the beginning: what was revoked or changed meanwhile counts.
3. If all may pass: calls that the client asks about are kept in the store; then the approvals of all calls
   are used up and the calls recorded as passed, in one append under the lock of the approvals. Of two
   answers that want the same approval, the other one gets none, and looks again.
4. Only then the calls are passed on. A process that is killed before has used approvals up for nothing;
   none is ever used twice.
"""

from __future__ import annotations

import asyncio
from typing import Any, Callable, Final, Sequence

from foundation.errors import Refusal
from marama_route.core.errors import RequestRefusal
from marama_route.core.tool_calls import Call
from marama_route.forwarding.ends import Verdict
from marama_route.gate import hearing, records, wording
from marama_route.gate.bench import Bench
from marama_route.gate.look import Look
from marama_route.gate.treating import Case
from marama_route.store.store import PassedCall, Store
from sovereigncode.audit.record import Entry
from sovereigncode.core.words import ToolRule

# Nothing can be sent while a whole answer waits, and clients give up.
_LONGEST_WHOLE: Final = 30


class Gate:
    """The tool gate of one request.

    `stop` is set when the server ends, and then nobody is waited for. `asked` is called with the id of each
    approval that is asked for or found, as soon as it is, possibly several times.
    """

    def __init__(
        self, bench: Bench, case: Case, store: Store, stop: asyncio.Event, asked: Callable[[str], None]
    ) -> None:
        self._bench = bench
        self._case = case
        self._store = store
        self._stop = stop
        self._asked = asked

    async def judge(self, calls: Sequence[Call], *, whole: bool) -> Verdict:
        """See ToolGate."""
        try:
            return await self._judge(calls, whole=whole)
        except RequestRefusal:
            raise
        except Refusal as refusal:
            raise _not_ready(refusal) from None

    async def heard(self, messages: Sequence[Any]) -> None:
        """Record what these messages of the client say became of calls that it asked its user about.

        Raises RequestRefusal not_ready if that cannot be recorded.
        """
        results = hearing.results(messages)
        if not results:
            return
        try:
            taken = await self._store.take(self._case.tenant, self._case.session_id, list(results))
            if not taken:
                return
            try:
                await self._bench.record(
                    [records.of_outcome(one, results[one.call_id], self._case) for one in taken]
                )
            except Refusal:
                await self._store.remember(taken)
                raise
        except RequestRefusal:
            raise
        except Refusal as refusal:
            raise _not_ready(refusal) from None

    async def _judge(self, calls: Sequence[Call], *, whole: bool) -> Verdict:
        clock = asyncio.get_running_loop().time
        look: Look | None = None
        recorded: list[Entry] = []
        deadline: float | None = None
        while True:
            look = await asyncio.to_thread(self._bench.look, calls, self._case, look)
            for found in look.approvals:
                if found is not None:
                    self._asked(found.id)
            if look.passes:
                if await self._used(look):
                    return Verdict(passed=True)
                look = None
                continue
            entries = self._entries(look, passed=False)
            if entries != recorded:
                await self._bench.record(entries)
                recorded = entries
            if deadline is None:
                hold = min(look.hold_seconds, _LONGEST_WHOLE) if whole else look.hold_seconds
                deadline = clock() + hold
            if not look.waiting or clock() >= deadline or self._stop.is_set():
                return Verdict(passed=False, text=wording.not_passed(look))
            await self._bench.waiting.until_decided(look.waiting, deadline - clock(), self._stop)

    async def _used(self, look: Look) -> bool:
        """Whether the calls may pass now: recorded, and their approvals used up."""
        case = self._case
        kept = [
            PassedCall(
                tenant=case.tenant,
                session_id=case.session_id,
                call_id=one.call.id,
                decision_id=case.decision_id,
                capsule_id=case.capsule_id,
                tool_class=one.asked.tool_class,
                digest=one.asked.call.digest,
            )
            for one in look.judged
            if one.rule is ToolRule.CLIENT and one.call.id is not None
        ]
        if kept:
            await self._store.remember(kept)
        entries = self._entries(look, passed=True)
        if not look.asks:
            await self._bench.record(entries)
            return True
        return await asyncio.to_thread(self._bench.approvals.consume, look.asks, entries) is not None

    def _entries(self, look: Look, *, passed: bool) -> list[Entry]:
        return [
            records.of_call(
                one, self._case, passed=passed, approval_id=None if approval is None else approval.id
            )
            for one, approval in zip(look.judged, look.approvals, strict=True)
        ]


def _not_ready(refusal: Refusal) -> RequestRefusal:
    return RequestRefusal(
        "not_ready",
        f"a tool call cannot be judged and recorded ({refusal.kind}), so none is passed on",
        next_step="`sovereigncode audit verify` and `sovereigncode approvals list` say what is wrong",
    )
