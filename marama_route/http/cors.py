"""Which other origins a browser may use the gateway from: an allow-list, without cookies."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from marama_route.core import headers
from marama_route.http import answers
from marama_route.http.exchange import Exchange

_SENT: Final = ", ".join(
    (
        *("authorization", "content-type", headers.TENANT, headers.CAPSULE, headers.PURPOSE),
        *(headers.CONSENT, headers.JURISDICTION, headers.SENSITIVITY, headers.SESSION),
    )
)
_SHOWN: Final = ", ".join(
    (answers.REQUEST_ID, answers.DECISION_ID, answers.MODEL, answers.POLICY, "retry-after")
)


def allowed(exchange: Exchange) -> dict[str, str]:
    """The headers for an origin of the list; none for another one, or without an origin."""
    listed = exchange.setup.config.cors
    origin = exchange.request.headers.get("Origin") if listed else None
    if origin is None or origin not in listed:
        return {"Vary": "Origin"} if listed else {}
    return {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Expose-Headers": _SHOWN,
        "Vary": "Origin",
    }


def preflight(exchange: Exchange, methods: tuple[str, ...]) -> web.StreamResponse | None:
    """The answer to a browser that asks first; None for another request, or an origin that is not listed."""
    if exchange.request.method != "OPTIONS" or not methods:
        return None
    if "Access-Control-Allow-Origin" not in allowed(exchange):
        return None
    return web.Response(
        status=204,
        headers={"Access-Control-Allow-Methods": ", ".join(methods), "Access-Control-Allow-Headers": _SENT},
    )
