"""What becomes of a decision that was forwarded: its attempts, approvals and outcome, recorded in every case."""

from __future__ import annotations

from typing import Callable

from marama_route.core.decision import Attempt, Outcome, RouteDecision
from marama_route.core.errors import RequestRefusal
from marama_route.deciding import entries
from marama_route.deciding.decide import Decided
from marama_route.deciding.records import Records


class Run:
    """The ledger of one job; it ends once, whoever says so first."""

    def __init__(
        self, decided: Decided, records: Records, on_end: Callable[[RouteDecision, RequestRefusal | None], None]
    ) -> None:
        """`on_end` gets the decision as it ended, and why that could not be recorded, if so."""
        self._decided = decided
        self._records = records
        self._on_end = on_end
        self._over = False
        self.decision = decided.decision

    async def tried(self, attempt: Attempt) -> None:
        """One backend was asked, and this came of it."""
        self.decision = self.decision.tried(attempt)

    def asked(self, approval_id: str) -> None:
        """A person was asked about a tool call of the answer."""
        if approval_id not in self.decision.approvals:
            self.decision = self.decision.with_approval(approval_id)

    async def ended(self, outcome: Outcome) -> None:
        """How it ended, on record when this returns; if it cannot be recorded, `on_end` hears of it."""
        if self._over:
            return
        self._over = True
        self.decision = self.decision.ended(outcome)
        failed = None
        try:
            entry = entries.of_outcome(self.decision, self._decided.call)
            await self._records.keep(self.decision, self._decided.chain, [entry])
        except RequestRefusal as refusal:
            failed = refusal
        finally:
            self._on_end(self.decision, failed)
