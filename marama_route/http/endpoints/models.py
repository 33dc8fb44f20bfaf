"""GET /v1/models: the aliases and models that the policy of any of the tenant's workspaces allows."""

from __future__ import annotations

from typing import Any, Final, Iterator, Sequence

from aiohttp import web

from marama_route.core import judged
from marama_route.core.errors import RequestRefusal
from marama_route.core.registry import Model
from marama_route.http import answers
from marama_route.http.exchange import Exchange
from marama_route.http.gateway import Gateway

# OpenAI's field is when a model was made, which nobody says.
_CREATED: Final = 0


async def listed(gateway: Gateway, exchange: Exchange) -> web.StreamResponse:
    """What this tenant may ask for."""
    del gateway
    return answers.listed([*_all(exchange)])


async def one(gateway: Gateway, exchange: Exchange) -> web.StreamResponse:
    """One of them. RequestRefusal model_not_found."""
    del gateway
    for entry in _all(exchange):
        if entry["id"] == exchange.argument:
            return answers.json(entry)
    raise RequestRefusal(
        "model_not_found",
        "no model and no alias that this tenant may use has this name",
        next_step="GET /v1/models lists the names",
    )


def _all(exchange: Exchange) -> Iterator[dict[str, Any]]:
    registry = exchange.setup.config.registry
    allowed = _allowed(exchange)
    if not allowed:
        return
    for name in registry.aliases:
        yield _shown(name, "marama-route", allowed)
    for model in allowed:
        yield _shown(model.id, model.backend, [model])


def _allowed(exchange: Exchange) -> list[Model]:
    """What the headers of this request may reach: in the workspace that they name, else in any."""
    tenant, headers = exchange.caller.tenant, exchange.headers
    readings = [
        reading
        for reading in exchange.setup.workspaces.of_tenant(tenant.id)
        if headers.capsule_id in (None, reading.capsule_id)
    ]
    calls = [
        (reading.rules, judged.request_of(headers, reading.rules, exchange.caller.actor, tenant.purpose))
        for reading in readings
    ]
    return [
        model
        for model in exchange.setup.config.registry.models.values()
        if any(judged.judge(model, rules, call).allowed for rules, call in calls)
    ]


def _shown(name: str, owner: str, models: Sequence[Model]) -> dict[str, Any]:
    return {
        "id": name,
        "object": "model",
        "created": _CREATED,
        "owned_by": owner,
        "context_length": max(model.context_tokens for model in models),
        "supports_tools": any(model.supports_tools for model in models),
    }
