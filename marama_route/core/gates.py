"""The gates of routing: each model passes them in order, or is rejected with the first reason.

What only the request's size and the state of the backends decide is apart: all else is the same for every
request under the same rules and hints, and is judged once for all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Final, Iterable

from marama_route.core.hints import Hints
from marama_route.core.registry import LOCAL_TIER, Model
from sovereigncode.core.decision import Decision
from sovereigncode.core.words import TRUSTED_TIER

POLICY_DENIED: Final = "policy_denied"
CONTEXT_TOO_SMALL: Final = "context_too_small"
BACKEND_UNAVAILABLE: Final = "backend_unavailable"
LEFT_OUT: Final = "its backend failed and is left out"


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
class Facts:
    """What the gates look at."""

    model: Model
    hints: Hints
    policy: Decision


_Gate = Callable[[Facts], "str | None"]


def first_refusal(facts: Facts, gates: Iterable[tuple[str, _Gate]]) -> Rejected | None:
    """The first of these gates that the model does not pass."""
    for reason, gate in gates:
        detail = gate(facts)
        if detail is not None:
            return Rejected(facts.model.id, reason, detail)
    return None


def too_small(model: Model, needed: int) -> str:
    """The detail of a model whose context is too small."""
    return f"{needed} tokens are needed, and it has {model.context_tokens}"


def listed(names: Iterable[str]) -> str:
    """Names in order, for a sentence."""
    return ", ".join(sorted(names))


def _policy(facts: Facts) -> str | None:
    if facts.policy.allowed:
        return None
    return ", ".join(dict.fromkeys(reason.code for reason in facts.policy.reasons))


def _modality(facts: Facts) -> str | None:
    missing = facts.hints.modalities - facts.model.modalities
    return f"it does not take {listed(missing)}" if missing else None


def _tools(facts: Facts) -> str | None:
    lacks = facts.hints.requires_tools and not facts.model.supports_tools
    return "it does not call tools" if lacks else None


def _json(facts: Facts) -> str | None:
    lacks = facts.hints.requires_json and not facts.model.supports_json
    return "it does not answer in JSON" if lacks else None


def _license(facts: Facts) -> str | None:
    allowed, license_id = facts.hints.license_allowlist, facts.model.license
    if allowed is None or license_id in allowed:
        return None
    return "its licence is not known" if license_id is None else f"its licence is {license_id}"


def _residency(facts: Facts) -> str | None:
    regions = set(facts.model.residency)
    if all(regions == {place} for place in facts.hints.must_be_in):
        return None
    return f"it runs in {listed(regions)}, and must run in {listed(facts.hints.must_be_in)} only"


def _tier(facts: Facts) -> str | None:
    sensitivity = facts.hints.data_sensitivity
    needed = LOCAL_TIER if facts.hints.requires_local else 0
    if sensitivity is not None and sensitivity.high:
        needed = max(needed, TRUSTED_TIER)
    has = facts.model.sovereignty_tier
    return f"tier {needed} is needed, and it has {has}" if has < needed else None


# Before the size of the context is looked at, and after it; then comes the backend.
BEFORE_SIZE: Final[tuple[tuple[str, _Gate], ...]] = (
    (POLICY_DENIED, _policy),
    ("modality_mismatch", _modality),
)
AFTER_SIZE: Final[tuple[tuple[str, _Gate], ...]] = (
    ("tools_required", _tools),
    ("json_required", _json),
    ("license_not_allowed", _license),
    ("residency_mismatch", _residency),
    ("sovereignty_tier_too_low", _tier),
)
# Every reason, in the order in which it is looked for.
ORDER: Final = (
    *(reason for reason, _ in BEFORE_SIZE),
    CONTEXT_TOO_SMALL,
    *(reason for reason, _ in AFTER_SIZE),
    BACKEND_UNAVAILABLE,
)
