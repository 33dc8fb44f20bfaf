"""Routing: each model passes the gates in order or is rejected with the first reason; then scores decide.

Equal inputs give equal results, whatever the order of the models. Scores are counted in hundredths, so that
two equal ones are equal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Final, Iterable

from marama_route.core.errors import RequestRefusal
from marama_route.core.hints import Hints, Rules, tightened
from marama_route.core.judged import judge, together
from marama_route.core.registry import LOCAL_TIER, WORST_RANK, Model, Resolved
from marama_route.core.wishes import TaskType
from sovereigncode.core.decision import Decision, Unusable, decide
from sovereigncode.core.request import Request
from sovereigncode.core.words import TRUSTED_TIER

POLICY_DENIED: Final = "policy_denied"
MODEL_DENIED: Final = "model_denied"
SMALL_B: Final = 8
_ASKED_OTHERWISE: Final = "ask for less, or name another model"


@dataclass(frozen=True)
class Rejected:
    """A model that was not chosen: the first gate that it did not pass, and why."""

    model: str
    reason: str
    detail: str

    def to_json(self) -> dict[str, str]:
        """As it is reported."""
        return {"model": self.model, "reason": self.reason, "detail": self.detail}


@dataclass(frozen=True)
class Routed:
    """What routing found. `policy` is the selected model's, else what the policy says of all.

    `scores` are of the models that passed every gate, the best first. `policy` is None without models.
    """

    selected: Model | None
    fallbacks: tuple[Model, ...]
    rejected: tuple[Rejected, ...]
    scores: tuple[tuple[str, float], ...]
    reasons: tuple[str, ...]
    policy: Decision | None
    pinned: bool = False

    def to_json(self) -> dict[str, Any]:
        """The part of a decision that routing makes."""
        return {
            "selected_model": None if self.selected is None else self.selected.id,
            "fallback_models": [model.id for model in self.fallbacks],
            "rejected": [one.to_json() for one in self.rejected],
            "scores": dict(self.scores),
            "reasons": list(self.reasons),
            "policy": None if self.policy is None else self.policy.to_json(),
        }


@dataclass(frozen=True)
class _Facts:
    """What the gates look at."""

    model: Model
    hints: Hints
    policy: Decision
    unavailable: frozenset[str]


def route(
    resolved: Resolved, hints: Hints, rules: Rules, call: Request, unavailable: frozenset[str] = frozenset()
) -> Routed:
    """What a name stands for, decided; `unavailable` are backends that are left out for a while."""
    counted = tightened(rules, hints)
    policies: dict[str, Decision] = {}
    passed: list[tuple[int, Model, list[str]]] = []
    rejected = []
    for model in sorted(resolved.models, key=lambda model: model.id):
        policies[model.id] = judge(model, counted, call)
        facts = _Facts(model, hints, policies[model.id], unavailable)
        refusal = _first_refusal(facts)
        if refusal is None:
            parts = list(_parts(model, hints))
            passed.append((sum(points for points, _ in parts), model, [text for _, text in parts]))
        else:
            rejected.append(refusal)
    passed.sort(key=lambda entry: (-entry[0], entry[1].id))
    fallbacks = tuple(model for _, model, _ in passed[1 : hints.max_fallbacks + 1])
    return Routed(
        selected=passed[0][1] if passed else None,
        fallbacks=fallbacks,
        rejected=tuple(rejected),
        scores=tuple((model.id, points / 100) for points, model, _ in passed),
        reasons=_reasons(resolved, passed[0][2], len(passed)) if passed else (),
        policy=_policy(policies, passed[0][1].id if passed else None, counted, call),
        pinned=resolved.pinned,
    )


def require_selected(routed: Routed) -> Model:
    """The selected model, or raises what `refusal` says."""
    refused = refusal(routed)
    if refused is not None or routed.selected is None:
        raise refused or ValueError("nothing was selected")
    return routed.selected


def refusal(routed: Routed) -> RequestRefusal | None:
    """Why no model was selected: policy_denied or model_denied if policy alone rejects all."""
    if routed.selected is not None:
        return None
    if policy_denies(routed):
        reasons = () if routed.policy is None else routed.policy.reasons
        codes = list(dict.fromkeys(reason.code for reason in reasons))
        return RequestRefusal(
            MODEL_DENIED if routed.pinned and MODEL_DENIED in codes else POLICY_DENIED,
            f"the policy does not allow this request: {', '.join(codes)}",
            next_step="the decision has each reason",
        )
    each = "; ".join(f"{one.model}: {one.reason} ({one.detail})" for one in routed.rejected)
    return RequestRefusal(
        "no_eligible_model",
        f"no model can take this request: {each or 'no model is configured'}",
        next_step=_ASKED_OTHERWISE,
    )


def policy_denies(routed: Routed) -> bool:
    """Whether the policy alone rejects every model, or there are no rules that count."""
    denied = routed.policy is not None and not routed.policy.allowed
    return denied and all(one.reason == POLICY_DENIED for one in routed.rejected)


def _policy(
    policies: dict[str, Decision], selected: str | None, rules: Rules, call: Request
) -> Decision | None:
    if selected is not None:
        return policies[selected]
    if not policies:
        return decide(rules, call) if isinstance(rules, Unusable) else None
    return next((one for one in policies.values() if one.allowed), None) or together(policies.values())


def _first_refusal(facts: _Facts) -> Rejected | None:
    for reason, gate in GATES:
        detail = gate(facts)
        if detail is not None:
            return Rejected(facts.model.id, reason, detail)
    return None


def _policy_gate(facts: _Facts) -> str | None:
    if facts.policy.allowed:
        return None
    return ", ".join(dict.fromkeys(reason.code for reason in facts.policy.reasons))


def _modality_gate(facts: _Facts) -> str | None:
    missing = facts.hints.modalities - facts.model.modalities
    return f"it does not take {_listed(missing)}" if missing else None


def _context_gate(facts: _Facts) -> str | None:
    needed, has = facts.hints.min_context_tokens, facts.model.context_tokens
    return f"{needed} tokens are needed, and it has {has}" if has < needed else None


def _tools_gate(facts: _Facts) -> str | None:
    lacks = facts.hints.requires_tools and not facts.model.supports_tools
    return "it does not call tools" if lacks else None


def _json_gate(facts: _Facts) -> str | None:
    lacks = facts.hints.requires_json and not facts.model.supports_json
    return "it does not answer in JSON" if lacks else None


def _license_gate(facts: _Facts) -> str | None:
    allowed, license_id = facts.hints.license_allowlist, facts.model.license
    if allowed is None or license_id in allowed:
        return None
    return "its licence is not known" if license_id is None else f"its licence is {license_id}"


def _residency_gate(facts: _Facts) -> str | None:
    regions = set(facts.model.residency)
    if all(regions == {place} for place in facts.hints.must_be_in):
        return None
    return f"it runs in {_listed(regions)}, and must run in {_listed(facts.hints.must_be_in)} only"


def _tier_gate(facts: _Facts) -> str | None:
    sensitivity = facts.hints.data_sensitivity
    needed = LOCAL_TIER if facts.hints.requires_local else 0
    if sensitivity is not None and sensitivity.high:
        needed = max(needed, TRUSTED_TIER)
    has = facts.model.sovereignty_tier
    return f"tier {needed} is needed, and it has {has}" if has < needed else None


def _backend_gate(facts: _Facts) -> str | None:
    return "its backend failed and is left out" if facts.model.backend in facts.unavailable else None


GATES: Final[tuple[tuple[str, Callable[[_Facts], str | None]], ...]] = (
    (POLICY_DENIED, _policy_gate),
    ("modality_mismatch", _modality_gate),
    ("context_too_small", _context_gate),
    ("tools_required", _tools_gate),
    ("json_required", _json_gate),
    ("license_not_allowed", _license_gate),
    ("residency_mismatch", _residency_gate),
    ("sovereignty_tier_too_low", _tier_gate),
    ("backend_unavailable", _backend_gate),
)


def _parts(model: Model, hints: Hints) -> Iterable[tuple[int, str]]:
    """The points of a model in hundredths, each with its reason."""
    task = hints.task_type.value
    tagged = task in model.tags
    if hints.jurisdiction is not None and hints.jurisdiction in model.residency:
        yield 800, f"it runs in {hints.jurisdiction}"
    if tagged:
        yield 700, f"it is tagged {task}"
    if tagged and hints.task_type is TaskType.CODE:
        yield 1000, "it is made for code"
    if tagged and hints.task_type is TaskType.REASONING:
        yield 900, "it is made for reasoning"
    if hints.requires_json and model.supports_json:
        yield 300, "it answers in JSON"
    if hints.requires_tools and model.supports_tools:
        yield 300, "it calls tools"
    yield 170 * (WORST_RANK - model.quality_rank), f"its quality rank is {model.quality_rank}"
    yield -25 * model.cost_rank, f"its cost rank is {model.cost_rank}"
    if model.active_params_b is not None and model.active_params_b <= SMALL_B:
        yield 50, f"it has at most {SMALL_B} thousand million active parameters"


def _reasons(resolved: Resolved, why: list[str], eligible: int) -> tuple[str, ...]:
    if resolved.pinned:
        return ("the request names this model", *why)
    return (
        f"it has the best score of {eligible} eligible models" if eligible > 1 else "no other is eligible",
        *why,
    )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
