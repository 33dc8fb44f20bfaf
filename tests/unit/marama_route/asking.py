"""Models, rules and requests with little to say, for tests to change."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from marama_route.core.headers import Headers
from marama_route.core.headers import read as read_headers
from marama_route.core.hints import Hints, Rules, understood
from marama_route.core.judged import request_of
from marama_route.core.registry import DEFAULT_ALIASES, Model, Registry
from marama_route.core.request import read
from marama_route.core.routing import Routed, route
from sovereigncode.core import capsule, tenant_policy
from sovereigncode.core.combined import combine

MODEL = Model(
    id="m",
    backend="b",
    upstream_model="m",
    residency=("NZ",),
    context_tokens=100_000,
    sovereignty_tier=3,
    supports_tools=True,
    supports_json=True,
)
CHAT: dict[str, Any] = {"model": "lumynax/auto", "messages": [{"role": "user", "content": "hi"}]}


def rules(policy: dict[str, Any] | None = None, **fields: Any) -> Rules:
    value = {"capsule_id": "c", "subject_id": "s", "jurisdiction": "NZ", "sensitivity": "internal", **fields}
    own, problems = capsule.parse(value)
    assert own is not None, problems
    if policy is None:
        return combine(own, None)
    theirs, problems = tenant_policy.parse({"version": 1, "tenant": "t", **policy})
    assert theirs is not None, problems
    return combine(own, theirs)


def registry(*models: Model) -> Registry:
    return Registry({model.id: model for model in models}, DEFAULT_ALIASES)


def named(name: str, **fields: Any) -> Model:
    return replace(MODEL, id=name, upstream_model=name, **fields)


def hints(
    payload: dict[str, Any], counted: Rules | None = None, headers: dict[str, str] | None = None
) -> Hints:
    asked = read(payload, routing=True)
    alias = DEFAULT_ALIASES.get(asked.model or "lumynax/auto", DEFAULT_ALIASES["lumynax/auto"])
    return understood(asked, alias, read_headers((headers or {}).items()), counted or rules())


def routed(
    models: Registry,
    payload: dict[str, Any],
    counted: Rules | None = None,
    headers: dict[str, str] | None = None,
    unavailable: frozenset[str] = frozenset(),
) -> Routed:
    asked = read(payload, routing=True)
    said: Headers = read_headers((headers or {}).items())
    counted = rules() if counted is None else counted
    resolved = models.resolve(asked.model)
    found = understood(asked, resolved.wishes, said, counted)
    return route(
        resolved, found, counted, request_of(said, counted, "client", "software_engineering"), unavailable
    )
