"""Routing: which models pass the gates, which one has the best score, and what is said about the others.

Equal inputs give equal results, whatever the order of the models. Most of it is the same for every request
under the same rules and hints: that part is a `Plan`, which may be kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Sequence

from marama_route.core import gates, scores
from marama_route.core.errors import RequestRefusal
from marama_route.core.gates import Facts, Rejected
from marama_route.core.hints import Hints, Rules, tightened
from marama_route.core.judged import Judge, together
from marama_route.core.registry import Model, Resolved
from sovereigncode.core.decision import Decision, Unusable, decide
from sovereigncode.core.request import Request

MODEL_DENIED: Final = "model_denied"
_ASKED_OTHERWISE: Final = "ask for less, or name another model"


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

    @property
    def models(self) -> tuple[Model, ...]:
        """The models that may be asked, in the order of trying."""
        return () if self.selected is None else (self.selected, *self.fallbacks)

    def to_json(self) -> dict[str, Any]:
        """The part of a decision that routing makes."""
        return dict(self._shown)

    @cached_property
    def _shown(self) -> dict[str, Any]:
        # The same result is reported by many decisions.
        return {
            "selected_model": None if self.selected is None else self.selected.id,
            "fallback_models": [model.id for model in self.fallbacks],
            "rejected": [one.to_json() for one in self.rejected],
            "scores": dict(self.scores),
            "reasons": list(self.reasons),
            "policy": None if self.policy is None else self.policy.to_json(),
        }


@dataclass(frozen=True)
class _Entry:
    """A model, and what is known about it before a request's size and the backends are looked at.

    `before` and `after` are its refusals by the gates before and after the size of the context.
    """

    model: Model
    policy: Decision
    before: Rejected | None
    after: Rejected | None
    points: int
    texts: tuple[str, ...]

    def refusal(self, needed: int, unavailable: frozenset[str]) -> Rejected | None:
        """The first gate that the model does not pass."""
        model = self.model
        if self.before is not None:
            return self.before
        if model.context_tokens < needed:
            return Rejected(model.id, gates.CONTEXT_TOO_SMALL, gates.too_small(model, needed))
        if self.after is None and model.backend in unavailable:
            return Rejected(model.id, gates.BACKEND_UNAVAILABLE, gates.LEFT_OUT)
        return self.after


class Plan:
    """What a name stands for, judged under rules and hints for requests of any size."""

    def __init__(self, resolved: Resolved, hints: Hints, rules: Rules, call: Request) -> None:
        """Of the hints, `min_context_tokens` and `max_fallbacks` do not count here."""
        self._pinned = resolved.pinned
        self._rules = tightened(rules, hints)
        self._call = call
        judge = Judge(self._rules, call)
        models = sorted(resolved.models, key=lambda model: model.id)
        self._entries = [_entry(model, hints, judge.of(model)) for model in models]
        self._ranked = sorted(self._entries, key=lambda entry: (-entry.points, entry.model.id))
        # A request that needs no more than this meets no gate that the plan has not judged.
        self._roomy = min(
            (entry.model.context_tokens for entry in self._entries if entry.before is None), default=0
        )
        self._backends = {entry.model.backend for entry in self._entries}
        self._usual: dict[int, Routed] = {}

    def routed(self, hints: Hints, unavailable: frozenset[str]) -> Routed:
        """The result for a request with these hints; `unavailable` are backends that are left out."""
        needed, most = hints.min_context_tokens, hints.max_fallbacks
        if needed > self._roomy or not self._backends.isdisjoint(unavailable):
            return self._routed(needed, most, unavailable)
        known = self._usual.get(most)
        if known is None:
            known = self._usual[most] = self._routed(0, most, frozenset())
        return known

    def _routed(self, needed: int, most: int, unavailable: frozenset[str]) -> Routed:
        refusals = [entry.refusal(needed, unavailable) for entry in self._entries]
        rejected = tuple(one for one in refusals if one is not None)
        out = {one.model for one in rejected}
        passed = [entry for entry in self._ranked if entry.model.id not in out]
        best = passed[0] if passed else None
        return Routed(
            selected=None if best is None else best.model,
            fallbacks=tuple(entry.model for entry in passed[1 : most + 1]),
            rejected=rejected,
            scores=tuple((entry.model.id, entry.points / 100) for entry in passed),
            reasons=() if best is None else self._reasons(best.texts, len(passed)),
            policy=self._policy if best is None else best.policy,
            pinned=self._pinned,
        )

    @cached_property
    def _policy(self) -> Decision | None:
        """What the policy says of all models; without models, whether there are rules that count."""
        policies = [entry.policy for entry in self._entries]
        if not policies:
            return decide(self._rules, self._call) if isinstance(self._rules, Unusable) else None
        return next((one for one in policies if one.allowed), None) or together(policies)

    def _reasons(self, why: Sequence[str], eligible: int) -> tuple[str, ...]:
        if self._pinned:
            return ("the request names this model", *why)
        first = (
            f"it has the best score of {eligible} eligible models" if eligible > 1 else "no other is eligible"
        )
        return (first, *why)


def route(
    resolved: Resolved, hints: Hints, rules: Rules, call: Request, unavailable: frozenset[str] = frozenset()
) -> Routed:
    """What a name stands for, decided; `unavailable` are backends that are left out for a while."""
    return Plan(resolved, hints, rules, call).routed(hints, unavailable)


def refusal(routed: Routed) -> RequestRefusal | None:
    """Why no model was selected: policy_denied or model_denied if policy alone rejects all."""
    if routed.selected is not None:
        return None
    if policy_denies(routed):
        reasons = () if routed.policy is None else routed.policy.reasons
        codes = list(dict.fromkeys(reason.code for reason in reasons))
        return RequestRefusal(
            MODEL_DENIED if routed.pinned and MODEL_DENIED in codes else gates.POLICY_DENIED,
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
    return denied and all(one.reason == gates.POLICY_DENIED for one in routed.rejected)


def _entry(model: Model, hints: Hints, policy: Decision) -> _Entry:
    facts = Facts(model, hints, policy)
    found = list(scores.parts(model, hints))
    return _Entry(
        model,
        policy,
        gates.first_refusal(facts, gates.BEFORE_SIZE),
        gates.first_refusal(facts, gates.AFTER_SIZE),
        sum(points for points, _ in found),
        tuple(text for _, text in found),
    )
