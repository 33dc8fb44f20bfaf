"""Deciding: a total function from what counts and what is asked to a decision with all its reasons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Iterable, Sequence

from sovereigncode.core.combined import Combined
from sovereigncode.core.request import Request
from sovereigncode.core.rules import DUTIES, RULES, Facts, purpose_of
from sovereigncode.core.words import ToolRule

ALLOW: Final = "allow"
OBLIGED: Final = "allow_with_obligations"
DENY: Final = "deny"

CAPSULE_MISSING: Final = "capsule_missing"
CAPSULE_INVALID: Final = "capsule_invalid"
POLICY_INVALID: Final = "policy_invalid"
# What is denied before any rule can be judged.
UNUSABLE: Final = {
    CAPSULE_MISSING: "there is no capsule, or nobody can say which one counts",
    CAPSULE_INVALID: "capsule.json cannot be read, or something in it is wrong",
    POLICY_INVALID: "tenant-policy.yaml cannot be read, or something in it is wrong",
}


@dataclass(frozen=True)
class Reason:
    """Why something is denied, or what an allowed request still has to do."""

    code: str
    message: str

    def to_json(self) -> dict[str, str]:
        """As it is reported."""
        return {"code": self.code, "message": self.message}


@dataclass(frozen=True)
class Unusable:
    """There are no rules that count, because a file is missing or wrong: everything is denied."""

    reasons: tuple[Reason, ...]


@dataclass(frozen=True)
class Decision:
    """What was decided; `reasons` are why it is denied, `obligations` what an allowed request must do."""

    decision: str
    reasons: tuple[Reason, ...] = ()
    obligations: tuple[Reason, ...] = ()
    audit_tags: tuple[str, ...] = ()

    @property
    def allowed(self) -> bool:
        """Whether the request may go on."""
        return self.decision in (ALLOW, OBLIGED)

    def to_json(self) -> dict[str, Any]:
        """As it is reported."""
        return {
            "decision": self.decision,
            "reasons": [reason.to_json() for reason in self.reasons],
            "obligations": [duty.to_json() for duty in self.obligations],
            "audit_tags": list(self.audit_tags),
        }


def decide(rules: Combined | Unusable, request: Request) -> Decision:
    """Every rule is judged. What is denied has no obligations; what is allowed has no reasons."""
    if isinstance(rules, Unusable):
        return Decision(DENY, rules.reasons, audit_tags=(f"action:{_action(request)}",))
    facts = Facts(rules, request, purpose_of(rules, request))
    reasons = _all((rule.code, rule.denies(facts)) for rule in RULES)
    tags = _tags(facts)
    if reasons:
        return Decision(DENY, reasons, audit_tags=tags)
    duties = _all((duty.code, duty.binds(facts)) for duty in DUTIES)
    return Decision(OBLIGED if duties else ALLOW, obligations=duties, audit_tags=tags)


def _all(judged: Iterable[tuple[str, str | None]]) -> tuple[Reason, ...]:
    return tuple(Reason(code, message) for code, message in judged if message is not None)


def _tags(facts: Facts) -> tuple[str, ...]:
    tags: Sequence[str] = [
        f"action:{_action(facts.request)}",
        f"sensitivity:{facts.rules.sensitivity.value}",
        f"jurisdiction:{facts.rules.jurisdiction}",
    ]
    if facts.request.human_approved:
        tags = [*tags, "human_approved"]
    if facts.tool_rule is ToolRule.CLIENT:
        tags = [*tags, "client_asks"]
    return tuple(tags)


def _action(request: Request) -> str:
    return request.action if request.tool is None else request.tool.value
