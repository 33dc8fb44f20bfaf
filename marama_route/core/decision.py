"""A decision as it is stored and shown: which model, why, which not, what became of it. It has no prompt."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Final, Mapping

from marama_route.core.hints import Hints
from marama_route.core.routing import Routed

PREFIX: Final = "rd_"
RANDOM_BYTES: Final = 10
_LARGEST_TIME: Final = 1 << 48


class State(str, Enum):
    """What became of a decision."""

    PENDING = "pending"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    DENIED = "denied"
    DRY_RUN = "dry_run"


@dataclass(frozen=True)
class Attempt:
    """One backend that was asked. Times are whole milliseconds; None is what did not happen."""

    model: str
    backend: str
    status: int | None = None
    error: str | None = None
    first_byte_ms: int | None = None
    duration_ms: int | None = None

    def to_json(self) -> dict[str, Any]:
        """As it is reported."""
        return {
            "model": self.model,
            "backend": self.backend,
            "status": self.status,
            "error": self.error,
            "first_byte_ms": self.first_byte_ms,
            "duration_ms": self.duration_ms,
        }


@dataclass(frozen=True)
class Outcome:
    """How it ended; `usage` is the backend's own, None if it gave none."""

    state: State
    finish_reason: str | None = None
    usage: Mapping[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """As it is reported."""
        usage = None if self.usage is None else dict(self.usage)
        return {"state": self.state.value, "finish_reason": self.finish_reason, "usage": usage}


@dataclass(frozen=True)
class RouteDecision:
    """One decision. `created` and `expires` are whole seconds since 1970; `approvals` are ids."""

    id: str
    created: int
    expires: int
    tenant: str
    workspace: str | None
    capsule_id: str | None
    session_id: str | None
    requested_model: str | None
    dry_run: bool
    request: Hints
    routed: Routed
    request_hash: str
    config_hash: str
    outcome: Outcome
    attempts: tuple[Attempt, ...] = ()
    approvals: tuple[str, ...] = ()

    def tried(self, attempt: Attempt) -> RouteDecision:
        """The same with one more attempt."""
        return replace(self, attempts=(*self.attempts, attempt))

    def ended(self, outcome: Outcome) -> RouteDecision:
        """The same with its outcome. ValueError for one that has ended before."""
        if self.outcome.state is not State.PENDING:
            raise ValueError("this decision has ended")
        return replace(self, outcome=outcome)

    def with_approval(self, approval_id: str) -> RouteDecision:
        """The same with one more approval."""
        return replace(self, approvals=(*self.approvals, approval_id))

    def to_json(self) -> dict[str, Any]:
        """The object of `/v1/route` and `/v1/route/{id}`."""
        return {
            "id": self.id,
            "object": "route.decision",
            "created": self.created,
            "expires": self.expires,
            "tenant": self.tenant,
            "workspace": self.workspace,
            "capsule_id": self.capsule_id,
            "session_id": self.session_id,
            "requested_model": self.requested_model,
            "dry_run": self.dry_run,
            "request": self.request.to_json(),
            **self.routed.to_json(),
            "request_hash": self.request_hash,
            "config_hash": self.config_hash,
            "attempts": [attempt.to_json() for attempt in self.attempts],
            "outcome": self.outcome.to_json(),
            "approvals": list(self.approvals),
        }


def first_outcome(routed: Routed, *, dry_run: bool) -> Outcome:
    """The outcome before anything is forwarded: a request that no model may take is denied from the start."""
    if routed.selected is None:
        return Outcome(State.DENIED)
    return Outcome(State.DRY_RUN if dry_run else State.PENDING)


def new_id(unix_ms: int, random: bytes) -> str:
    """`rd_` and the 32 hex digits of a UUID of version 7 (RFC 9562, 5.7), from a time and 10 random bytes."""
    if len(random) != RANDOM_BYTES or not 0 <= unix_ms < _LARGEST_TIME:
        raise ValueError(f"an id is made from a time in milliseconds and {RANDOM_BYTES} bytes")
    bits = int.from_bytes(random, "big")
    first, second = (bits >> 62) & 0xFFF, bits & ((1 << 62) - 1)
    number = unix_ms << 80 | 0x7 << 76 | first << 64 | 0b10 << 62 | second
    return f"{PREFIX}{number:032x}"


def request_hash(body: bytes) -> str:
    """What is kept of a request instead of its text."""
    return "sha256:" + hashlib.sha256(body).hexdigest()
