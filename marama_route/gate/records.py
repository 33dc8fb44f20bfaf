"""The audit records of tool calls: each one that was judged, and what the client says became of it. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from marama_route.gate.treating import Case, Judged
from marama_route.store.store import PassedCall
from sovereigncode.audit.record import Entry
from sovereigncode.core.words import ToolRule

PASSED: Final = "passed"
# One that is not passed on may itself be allowed: another call of the same answer was not.
HELD: Final = "not_passed"
# A record has at most 64 KiB.
_LONGEST: Final = 500


def of_call(judged: Judged, case: Case, *, passed: bool, approval_id: str | None = None) -> Entry:
    """One judged call. `passed`: all calls of its answer are passed on as soon as this is on disk."""
    by_person = passed and judged.rule is ToolRule.APPROVE
    decision = judged.treatment.approved if by_person else judged.treatment.plain
    tags = (*decision.audit_tags, f"rule:{judged.rule.value}", PASSED if passed else HELD)
    return Entry(
        kind="tool",
        decision=decision.decision,
        reasons=tuple(replace(one, message=one.message[:_LONGEST]) for one in decision.reasons),
        obligations=decision.obligations,
        audit_tags=tags,
        action=judged.asked.tool_class,
        actor=case.request.actor,
        purpose=case.request.purpose,
        approval_id=approval_id,
        tenant=case.tenant,
        capsule_id=case.capsule_id,
        decision_id=case.decision_id,
        request_hash=judged.asked.call.digest,
    )


def of_outcome(call: PassedCall, became: str, case: Case) -> Entry:
    """What the client says became of a call that it asked its user about."""
    return Entry(
        kind="outcome",
        decision=became,
        audit_tags=("as_the_client_says",),
        action=call.tool_class,
        actor=case.request.actor,
        purpose=case.request.purpose,
        tenant=call.tenant,
        capsule_id=call.capsule_id,
        decision_id=call.decision_id,
        request_hash=call.digest,
    )
