"""A decision put on record and what becomes of it: attempts, approvals, outcome, recorded in every case."""

from __future__ import annotations

import asyncio
from typing import Callable

from marama_route.core.decision import Attempt, Outcome, RouteDecision, State
from marama_route.core.errors import RequestRefusal
from marama_route.deciding import entries
from marama_route.deciding.decide import Decided
from marama_route.deciding.records import Records

OnEnd = Callable[[RouteDecision, "RequestRefusal | None"], None]


class Run:
    """One decision; the ledger of its job. It ends once, whoever says so first.

    async with run: it is on record inside, and has an outcome afterwards.
    """

    def __init__(self, decided: Decided, records: Records, on_end: OnEnd) -> None:
        """`on_end` gets a decision that was pending as it ended, and why that is not on record, if so."""
        self._decided = decided
        self._records = records
        self._on_end = on_end
        self._chain = records.chain(decided.chosen, decided.decision.tenant)
        self._over = False
        self.decision = decided.decision

    async def __aenter__(self) -> Run:
        """Return when decision and audit record are on disk. RequestRefusal not_ready if they are not."""
        decision = self.decision
        try:
            recorded = entries.of_decision(decision, self._decided.call, self._decided.found)
            await self._records.keep(decision, self._chain, recorded)
        except BaseException as problem:
            await self.__aexit__(type(problem), problem, None)
            raise
        return self

    async def __aexit__(self, kind: type[BaseException] | None, problem: object, trace: object) -> None:
        """Give the decision an outcome if nobody has."""
        del problem, trace
        if self.decision.outcome.state is State.PENDING:
            gone = kind is not None and issubclass(kind, (asyncio.CancelledError, ConnectionError))
            await self.ended(Outcome(State.CANCELLED if gone else State.FAILED))

    async def tried(self, attempt: Attempt) -> None:
        """One backend was asked, and this came of it."""
        self.decision = self.decision.tried(attempt)

    def asked(self, approval_id: str) -> None:
        """A person was asked about a tool call of the answer; whoever looks the decision up sees it soon."""
        if approval_id not in self.decision.approvals and not self._over:
            self.decision = self.decision.with_approval(approval_id)
            self._records.finish(self._records.update(self.decision))

    async def ended(self, outcome: Outcome) -> None:
        """How it ended. It is recorded while the client goes on: `Records.close` waits for it.

        If the process is killed before, the decision is found pending, and has failed.
        """
        if not self._over:
            self._over = True
            self.decision = self.decision.ended(outcome)
            self._records.finish(self._end())

    async def _end(self) -> None:
        failed = None
        try:
            entry = entries.of_outcome(self.decision, self._decided.call)
            await self._records.keep(self.decision, self._chain, [entry])
        except RequestRefusal as refusal:
            failed = refusal
        finally:
            self._on_end(self.decision, failed)
