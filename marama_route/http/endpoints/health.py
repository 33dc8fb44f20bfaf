"""GET /healthz, /readyz, /metrics and /openapi.json: for operators and their programs."""

from __future__ import annotations

from aiohttp import web

from foundation.errors import Refusal
from marama_route.core.errors import RequestRefusal
from marama_route.deciding.callers import require_approver
from marama_route.http import answers, openapi
from marama_route.http.endpoints import approvals
from marama_route.http.exchange import Exchange
from marama_route.http.gateway import Gateway
from marama_route.observing import metrics


async def alive(gateway: Gateway, exchange: Exchange) -> web.StreamResponse:
    """The process answers."""
    del gateway, exchange
    return answers.json({"status": "ok"})


async def ready(gateway: Gateway, exchange: Exchange) -> web.StreamResponse:
    """Store and configuration can be used. RequestRefusal not_ready."""
    del exchange
    if gateway.stop.is_set():
        raise RequestRefusal("not_ready", "the gateway is ending")
    try:
        await gateway.store.probe()
    except Refusal:
        raise RequestRefusal("not_ready", "the store cannot be used") from None
    return answers.json({"status": "ready", "models": len(gateway.setup.config.registry.models)})


async def numbers(gateway: Gateway, exchange: Exchange) -> web.StreamResponse:
    """The metrics. Not only for this machine: RequestRefusal invalid_api_key, approver_key_required."""
    if not gateway.private:
        require_approver(exchange.setup.callers.known(exchange.request.headers.get("Authorization")))
    readings = [folder.read() for folder in exchange.setup.workspaces.folders]
    text = gateway.metrics.text(await approvals.waiting(readings))
    return web.Response(body=text, headers={"Content-Type": metrics.CONTENT_TYPE})


async def described(gateway: Gateway, exchange: Exchange) -> web.StreamResponse:
    """The interface as an OpenAPI document."""
    del gateway, exchange
    return answers.json(openapi.document())
