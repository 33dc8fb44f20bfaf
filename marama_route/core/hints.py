"""Hints as they were understood: the request, the alias, the headers and the capsule put together.

What a model must be able to do is what the request says, else the alias, else what follows from the payload.
Where the data may go is the strictest that anyone says.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

from marama_route.core.headers import Headers
from marama_route.core.request import Asked
from marama_route.core.wishes import TaskType, Wishes
from sovereigncode.core.combined import Combined
from sovereigncode.core.decision import Unusable
from sovereigncode.core.words import Sensitivity

MAX_FALLBACKS: Final = 3
_Value = TypeVar("_Value")
Rules = Combined | Unusable


@dataclass(frozen=True)
class Hints:
    """What routing looks at. `jurisdiction` scores; a model must be in each one of `must_be_in`.

    `license_allowlist` None: any licence.
    """

    task_type: TaskType
    modalities: frozenset[str]
    jurisdiction: str | None
    must_be_in: frozenset[str]
    data_sensitivity: Sensitivity | None
    min_context_tokens: int
    requires_local: bool
    requires_tools: bool
    requires_json: bool
    license_allowlist: frozenset[str] | None
    max_fallbacks: int

    def to_json(self) -> dict[str, Any]:
        """As it is reported, with the lists in order."""
        licenses = self.license_allowlist
        return {
            "task_type": self.task_type.value,
            "modalities": sorted(self.modalities),
            "jurisdiction": self.jurisdiction,
            "data_sensitivity": None if self.data_sensitivity is None else self.data_sensitivity.value,
            "min_context_tokens": self.min_context_tokens,
            "requires_local": self.requires_local,
            "requires_tools": self.requires_tools,
            "requires_json": self.requires_json,
            "license_allowlist": None if licenses is None else sorted(licenses),
            "max_fallbacks": self.max_fallbacks,
        }


def understood(asked: Asked, alias: Wishes, headers: Headers, rules: Rules) -> Hints:
    """The hints of one request."""
    given = asked.given
    own = rules if isinstance(rules, Combined) else None
    sensitivity = _strictest(
        None if own is None else own.sensitivity,
        headers.sensitivity,
        given.data_sensitivity,
        alias.data_sensitivity,
    )
    named = [
        name for name in (headers.jurisdiction, given.jurisdiction, alias.jurisdiction) if name is not None
    ]
    bound = own is not None and (own.names_regions or (sensitivity is not None and sensitivity.high))
    capsule = [own.jurisdiction] if own is not None else []
    return Hints(
        task_type=_first(given.task_type, alias.task_type, TaskType.GENERAL),
        modalities=_first(given.modalities, alias.modalities, asked.modalities),
        jurisdiction=next(iter([*named, *capsule]), None),
        must_be_in=frozenset([*named, *(capsule if bound else [])]),
        data_sensitivity=sensitivity,
        min_context_tokens=_first(given.min_context_tokens, alias.min_context_tokens, asked.needed_tokens),
        requires_local=bool(given.requires_local or alias.requires_local),
        requires_tools=_first(given.requires_tools, alias.requires_tools, asked.tools),
        requires_json=_first(given.requires_json, alias.requires_json, asked.json),
        license_allowlist=_both(given.license_allowlist, alias.license_allowlist),
        max_fallbacks=_first(given.max_fallbacks, alias.max_fallbacks, MAX_FALLBACKS),
    )


def tightened(rules: Rules, hints: Hints) -> Rules:
    """The rules with the sensitivity of the hints, which is never lower than the capsule's."""
    if isinstance(rules, Unusable) or hints.data_sensitivity is None:
        return rules
    return replace(rules, sensitivity=hints.data_sensitivity)


def _strictest(*levels: Sensitivity | None) -> Sensitivity | None:
    # The four special kinds have no order among them: the capsule's, which is first, stays.
    order = (Sensitivity.PUBLIC, Sensitivity.INTERNAL, Sensitivity.RESTRICTED)
    known = [level for level in levels if level is not None]
    return max(known, key=lambda level: order.index(level) if level in order else len(order), default=None)


def _first(given: _Value | None, alias: _Value | None, otherwise: _Value) -> _Value:
    if given is not None:
        return given
    return otherwise if alias is None else alias


def _both(one: frozenset[str] | None, other: frozenset[str] | None) -> frozenset[str] | None:
    if one is None or other is None:
        return other if one is None else one
    return one & other
