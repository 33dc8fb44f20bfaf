"""The store as every database provides it. All of it is safe under several tasks, threads and processes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping, Protocol, Sequence

from marama_route.core.decision import RouteDecision
from sovereigncode.audit.store import AuditStore


@dataclass(frozen=True)
class PassedCall:
    """A tool call that was passed on because the client asks its user; `digest` is sovereigncode's."""

    tenant: str
    session_id: str | None
    call_id: str
    decision_id: str
    capsule_id: str | None
    tool_class: str
    digest: str


class Store(Protocol):
    """What the gateway keeps. Each method raises Refusal not_ready if the store cannot be used.

    A decision is kept as its JSON object (`RouteDecision.to_json`): it has no prompt.
    """

    async def put(self, decision: RouteDecision) -> None:
        """Keep a decision, or what became of it; it is committed when this returns.

        An outcome that is not `pending` is final: a later one does not replace it.
        """

    async def get(self, tenant: str, decision_id: str) -> Mapping[str, Any] | None:
        """The decision; None for one that is not there, has expired, or is another tenant's."""

    async def listed(
        self, tenant: str, *, before: str | None = None, limit: int = 100
    ) -> Sequence[Mapping[str, Any]]:
        """Decisions, newest first, older than the id `before`."""

    async def interrupted(self) -> int:
        """Give what ended processes left pending the outcome `failed`; how many decisions.

        A running process is known by the lock that its store holds; what it left pending stays.
        """

    async def remember(self, calls: Sequence[PassedCall]) -> None:
        """Keep tool calls until the client says what became of them."""

    async def take(
        self, tenant: str, session_id: str | None, call_ids: Sequence[str]
    ) -> Sequence[PassedCall]:
        """Those of these calls that are kept; each is given out once."""

    async def expire(self) -> int:
        """Remove what is past its `expires`; how many decisions."""

    async def probe(self) -> None:
        """Return if the store can be read and written now."""

    def audit(self, tenant: str) -> AuditStore:
        """The tenant's chain for what has no workspace on this machine. Its methods block; use a thread."""

    async def close(self) -> None:
        """Write what waits, and let go of everything."""
