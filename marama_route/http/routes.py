"""The table of routes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Awaitable, Callable, Final

from aiohttp import web

from marama_route.http.endpoints import approvals, audit, chat, decisions, health, models
from marama_route.http.exchange import Exchange
from marama_route.http.gateway import Gateway

_ARGUMENT: Final = "{id}"


@dataclass(frozen=True)
class Route:
    """A method and a path, which may end in `{id}`; `open`: no key is needed to come in."""

    method: str
    path: str
    answer: Callable[[Gateway, Exchange], Awaitable[web.StreamResponse]]
    open: bool = False


ROUTES: Final = (
    Route("GET", "/v1/models", models.listed),
    Route("GET", "/v1/models/{id}", models.one),
    Route("POST", "/v1/chat/completions", chat.chat),
    Route("POST", "/v1/route", chat.route),
    Route("GET", "/v1/route/{id}", decisions.stored),
    Route("POST", "/v1/policy/evaluate", decisions.evaluate),
    Route("GET", "/v1/approvals", approvals.listed),
    Route("GET", "/v1/approvals/{id}", approvals.one),
    Route("POST", "/v1/approvals/{id}", approvals.decide),
    Route("GET", "/v1/audit", audit.listed),
    Route("GET", "/v1/audit/verify", audit.verify),
    Route("GET", "/healthz", health.alive, open=True),
    Route("GET", "/readyz", health.ready, open=True),
    Route("GET", "/metrics", health.numbers, open=True),
    Route("GET", "/openapi.json", health.described, open=True),
)
_EXACT: Final = {path: [one for one in ROUTES if one.path == path] for path in {one.path for one in ROUTES}}
_LONGER: Final = {
    path.removesuffix(_ARGUMENT): routes for path, routes in _EXACT.items() if path.endswith(_ARGUMENT)
}


@dataclass(frozen=True)
class Found:
    """The route of a path, and what it has in place of `{id}`; else the methods that the path has."""

    route: Route | None
    argument: str = ""
    methods: tuple[str, ...] = ()


def find(method: str, path: str) -> Found:
    """The route of a request, the path without its percent signs."""
    routes, argument = _EXACT.get(path, []), ""
    if not routes:
        for start, longer in _LONGER.items():
            if path.startswith(start) and len(path) > len(start):
                routes, argument = longer, path[len(start) :]
    for one in routes:
        if one.method == method:
            return Found(one, argument)
    return Found(None, methods=tuple(one.method for one in routes))
