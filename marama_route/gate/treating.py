"""What the policy says of a tool call: passed on, asked about, or denied; every part of it counts. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from marama_route.core import judged as models
from marama_route.core.hints import Rules
from marama_route.core.registry import Model
from marama_route.core.tool_calls import Call
from sovereigncode.approvals.store import Asked
from sovereigncode.core.combined import Combined
from sovereigncode.core.decision import CAPSULE_MISSING, DENY, UNUSABLE, Decision, Reason, Unusable
from sovereigncode.core.request import Request
from sovereigncode.core.words import ToolClass, ToolRule
from sovereigncode.tools.classes import ToolClass as Rank
from sovereigncode.tools.judging import Judgement

# A judgement's own words have paths in them; what is recorded and answered has none.
FORBIDDEN: Final = Reason(
    "tool_denied",
    "it cannot be judged, or it would change what no tool call may: something outside the workspace, or "
    ".sovereigncode",
)


@dataclass(frozen=True)
class Case:
    """The request that an answer belongs to.

    `request` is the model call as it was decided, `models` those that may have answered.
    """

    tenant: str
    session_id: str | None
    capsule_id: str
    decision_id: str
    request: Request
    models: tuple[Model, ...]


@dataclass(frozen=True)
class Treatment:
    """What happens to a call: the decision without a person's approval, and the one with it."""

    rule: ToolRule
    plain: Decision
    approved: Decision


@dataclass(frozen=True)
class Judged:
    """One call of an answer, what it would do, and what happens to it.

    `asked` is what a person is asked, and has the digest of the call.
    """

    call: Call
    judgement: Judgement
    treatment: Treatment
    asked: Asked

    @property
    def rule(self) -> ToolRule:
        """What happens to it."""
        return self.treatment.rule


def of_case(rules: Rules, case: Case) -> Rules:
    """The rules as they are now, if they are still those of the request's tenant and capsule."""
    if isinstance(rules, Combined) and (
        rules.capsule_id != case.capsule_id or rules.tenant not in (None, case.tenant)
    ):
        return Unusable((Reason(CAPSULE_MISSING, UNUSABLE[CAPSULE_MISSING]),))
    return rules


def treat(judgement: Judgement, rules: Rules, case: Case) -> Treatment:
    """The strictest that the rules say of any class among the call's parts.

    What may not be done at all is denied whatever they say. `decide` decides, as in the other program.
    """
    plain = _decided(judgement, rules, case, approved=False)
    approved = _decided(judgement, rules, case, approved=True)
    if judgement.denied:
        denied = Decision(DENY, (FORBIDDEN, *approved.reasons), audit_tags=plain.audit_tags)
        return Treatment(ToolRule.DENY, denied, denied)
    if not approved.allowed or isinstance(rules, Unusable):
        return Treatment(ToolRule.DENY, plain, approved)
    if not plain.allowed:
        return Treatment(ToolRule.APPROVE, plain, approved)
    said = {rules.tools[one] for one in _classes(judgement)}
    return Treatment(ToolRule.CLIENT if ToolRule.CLIENT in said else ToolRule.ALLOW, plain, approved)


def _decided(judgement: Judgement, rules: Rules, case: Case, *, approved: bool) -> Decision:
    requests = [
        replace(case.request, action=one.value, tool_name=judgement.tool, human_approved=approved)
        for one in _classes(judgement)
    ]
    return models.together(models.judge(model, rules, one) for one in requests for model in case.models)


def _classes(judgement: Judgement) -> list[ToolClass]:
    """The classes of its parts, the strictest first; without parts it is unknown."""
    found = sorted(judgement.classes or {Rank.UNKNOWN}, reverse=True)
    return [ToolClass(one.word) for one in found]
