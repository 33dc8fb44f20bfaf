"""A model judged by the policy: allowed only if it is allowed in every region where it may run."""

from __future__ import annotations

from dataclasses import replace
from typing import Iterable

from marama_route.core.headers import Headers
from marama_route.core.hints import Rules
from marama_route.core.registry import Model
from sovereigncode.core.combined import Combined
from sovereigncode.core.decision import DENY, Decision, Reason, Unusable, decide
from sovereigncode.core.request import Request
from sovereigncode.core.rules import matches
from sovereigncode.core.words import MODEL_CALL


def request_of(headers: Headers, rules: Rules, actor: str, tenant_purpose: str | None) -> Request:
    """The model call that is judged, still without a model.

    The purpose is the header's, else the policy's, else that of the tenant in the configuration.
    """
    policy_purpose = rules.default_purpose if isinstance(rules, Combined) else None
    scope = headers.consent_scope
    return Request(
        action=MODEL_CALL,
        actor=actor,
        purpose=headers.purpose or policy_purpose or tenant_purpose,
        consent_scopes=frozenset() if scope is None else frozenset({scope}),
    )


class Judge:
    """Judges the same call of many models: those that no rule tells apart are judged once."""

    def __init__(self, rules: Rules, call: Request) -> None:
        self._rules = rules
        self._call = call
        self._known: dict[object, Decision] = {}

    def of(self, model: Model) -> Decision:
        """The policy's decision about this call of this model."""
        key = (model.residency, model.sovereignty_tier, model.license, self._named(model.id))
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = judge(model, self._rules, self._call)
        return known

    def _named(self, name: str) -> str | None:
        """The model's name if a reason may have it, None if the rules accept it."""
        if isinstance(self._rules, Unusable):
            return None
        allowed = self._rules.allowed_models
        denied = matches(name, self._rules.denied_models)
        return name if denied or not (allowed is None or matches(name, allowed)) else None


def judge(model: Model, rules: Rules, call: Request) -> Decision:
    """The policy's decision about this call of this model."""
    with_model = replace(
        call, model_id=model.id, sovereignty_tier=model.sovereignty_tier, license=model.license
    )
    regions: list[str | None] = [*sorted(set(model.residency))] or [None]
    return together([decide(rules, replace(with_model, region=region)) for region in regions])


def together(decisions: Iterable[Decision]) -> Decision:
    """Several decisions as one: denied if any is, each reason once. ValueError for none."""
    made = list(decisions)
    if not made:
        raise ValueError("nothing was decided")
    denied = [one for one in made if one.decision == DENY]
    if not denied:
        return made[0]
    reasons: dict[Reason, None] = {}
    for one in denied:
        reasons.update(dict.fromkeys(one.reasons))
    return Decision(DENY, tuple(reasons), audit_tags=denied[0].audit_tags)
