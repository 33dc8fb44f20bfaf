"""The audit records of a decision and of what became of it. Pure; no prompt, no key, no personal detail."""

from __future__ import annotations

from typing import Any, Final, Sequence

from marama_route.core.decision import RouteDecision
from marama_route.core.gates import POLICY_DENIED
from marama_route.core.routing import Routed
from marama_route.deciding.content import Judged
from sovereigncode.audit.record import Entry
from sovereigncode.core.decision import DENY, Decision, Reason
from sovereigncode.core.request import Request

DRY_RUN: Final = "dry_run"
# A record has at most 64 KiB, and a policy may name a thousand models.
_MOST_REASONS: Final = 50
_LONGEST: Final = 500


def of_decision(decision: RouteDecision, call: Request, found: Judged) -> tuple[Entry, ...]:
    """What is recorded before anything is forwarded: what was found, if anything, then the route."""
    routed = decision.routed
    policy = routed.policy or Decision(DENY)
    selected = routed.selected
    tags = (*policy.audit_tags, DRY_RUN) if decision.dry_run else policy.audit_tags
    denied = selected is None
    route = Entry(
        kind="route",
        decision=DENY if denied else policy.decision,
        reasons=bounded(_reasons(routed, policy) if denied else ()),
        obligations=() if denied else policy.obligations,
        audit_tags=tags,
        model=None if selected is None else selected.id,
        **_same(decision, call),
    )
    return (*_content(decision, call, found), route)


def of_outcome(decision: RouteDecision, call: Request) -> Entry:
    """How a decision ended; `decision` is the state, and the model the one that was asked last."""
    selected = decision.routed.selected
    model = decision.attempts[-1].model if decision.attempts else None if selected is None else selected.id
    return Entry(kind="outcome", decision=decision.outcome.state.value, model=model, **_same(decision, call))


def bounded(reasons: Sequence[Reason]) -> tuple[Reason, ...]:
    """As many as a record has room for, and how many more there are."""
    kept = [Reason(one.code, one.message[:_LONGEST]) for one in reasons[:_MOST_REASONS]]
    if len(reasons) > _MOST_REASONS:
        kept.append(Reason(reasons[_MOST_REASONS].code, f"and {len(reasons) - _MOST_REASONS} more reasons"))
    return tuple(kept)


def _content(decision: RouteDecision, call: Request, found: Judged) -> tuple[Entry, ...]:
    if not found.found:
        return ()
    return (
        Entry(
            kind="content",
            decision=DENY if found.blocked else "warn",
            reasons=found.reasons,
            audit_tags=found.tags,
            **_same(decision, call),
        ),
    )


def _reasons(routed: Routed, policy: Decision) -> Sequence[Reason]:
    if not policy.allowed:
        return policy.reasons
    by_gate: dict[str, list[str]] = {}
    for one in routed.rejected:
        if one.reason != POLICY_DENIED:
            by_gate.setdefault(one.reason, []).append(f"{one.model}: {one.detail}")
    return [
        Reason(gate, details[0] + (f"; and {len(details) - 1} more models" if len(details) > 1 else ""))
        for gate, details in by_gate.items()
    ]


def _same(decision: RouteDecision, call: Request) -> dict[str, Any]:
    return {
        "tenant": decision.tenant,
        "capsule_id": decision.capsule_id,
        "actor": call.actor,
        "purpose": call.purpose,
        "action": call.action,
        "decision_id": decision.id,
        "request_hash": decision.request_hash,
    }
