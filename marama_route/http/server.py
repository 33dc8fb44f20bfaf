"""From a connection to an answer: every request gets one, in our form, and one line in the log.

aiohttp's low-level server is used, without its application: routes are a table of ours, and what is not
HTTP is answered in the same envelope as everything else.
"""

from __future__ import annotations

import asyncio
import secrets
from typing import Final

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from foundation.errors import Refusal
from marama_route.core.errors import RequestRefusal
from marama_route.deciding.callers import Caller
from marama_route.http import answers, bodies, cors, routes
from marama_route.http.client import ANSWERED
from marama_route.http.exchange import Exchange
from marama_route.http.gateway import Gateway

# Also how long a client may take to send the head of its first request.
KEEP_ALIVE_SECONDS: Final = 75.0
# After an answer, what the client still sends is read and dropped for so long.
LINGER_SECONDS: Final = 5.0
# nginx's word for a client that went away before its answer.
_CANCELLED: Final = 499
_SERVER_ERROR: Final = 500
_ID_BYTES: Final = 12


class _Protocol(RequestHandler):
    """One connection; what is not HTTP is answered in our form, and nothing of it is logged."""

    def connection_lost(self, exc: BaseException | None) -> None:
        """Cancel the request of a client that goes away, unless it has its whole answer."""
        task, request = self._task_handler, self._current_request
        super().connection_lost(exc)
        if task is not None and not (request is not None and request.get(ANSWERED, False)):
            task.cancel()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """aiohttp's own 400, and what no code of ours caught."""
        del exc, message
        if request.writer.output_size > 0:
            raise ConnectionError("a part of the answer was sent")
        if status < _SERVER_ERROR:
            refusal = RequestRefusal("invalid_request", "this is not a valid HTTP request")
        else:
            refusal = RequestRefusal("internal_error", "an internal error")
        response = answers.error(refusal)
        response.headers[answers.REQUEST_ID] = new_request_id()
        response.headers["Server"] = answers.SERVER
        response.force_close()
        return response


class _Server(web.Server):
    """Makes our protocol for each connection."""

    def __call__(self) -> RequestHandler:
        return _Protocol(self, loop=self._loop, **self._kwargs)


def new_request_id() -> str:
    """The id of one request."""
    return f"req_{secrets.token_hex(_ID_BYTES)}"


class Serving:
    """The gateway on its sockets."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._protocols: _Server | None = None
        self._listening: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> tuple[str, int]:
        """Listen; the address. Raises OSError if that is not possible."""
        loop = asyncio.get_running_loop()
        self._protocols = _Server(
            self._answer,
            # A connection of ours does that itself.
            handler_cancellation=False,
            keepalive_timeout=KEEP_ALIVE_SECONDS,
            lingering_time=LINGER_SECONDS,
            access_log=None,
            auto_decompress=False,
        )
        self._listening = await loop.create_server(self._protocols, host, port, backlog=1024)
        address = self._listening.sockets[0].getsockname()
        return address[0], address[1]

    async def stop(self, seconds: float) -> None:
        """Stop listening, give open requests so long, then end them."""
        if self._listening is None or self._protocols is None:
            return
        self._listening.close()
        self._protocols.pre_shutdown()
        await self._protocols.shutdown(seconds)

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        loop = asyncio.get_running_loop()
        exchange = Exchange(request, new_request_id(), loop.time(), self._gateway.setup)
        exchange.answer_headers[answers.REQUEST_ID] = exchange.id
        exchange.answer_headers["Server"] = answers.SERVER
        exchange.answer_headers.update(cors.allowed(exchange))
        try:
            response = await self._guarded(exchange)
            exchange.status = response.status
            return response
        except BaseException:
            # A client may go as soon as it has its whole answer, before the outcome is on record.
            exchange.status = exchange.status or _CANCELLED
            raise
        finally:
            self._gateway.answered(exchange, loop.time())

    async def _guarded(self, exchange: Exchange) -> web.StreamResponse:
        """The answer, or the refusal as one; nothing else comes out but a client that went away."""
        try:
            response = await self._routed(exchange)
        except ConnectionError:
            raise
        except Refusal as refusal:
            response = self._refused(exchange, refusal)
        except Exception as fault:  # noqa: BLE001 - a trace could quote the request
            self._gateway.lines.write(
                "internal_error",
                {"request_id": exchange.id, "type": type(fault).__name__, "at": place(fault)},
            )
            response = self._refused(exchange, RequestRefusal("internal_error", "an internal error"))
        if not response.prepared:
            response.headers.update(exchange.answer_headers)
        return response

    async def _routed(self, exchange: Exchange) -> web.StreamResponse:
        request = exchange.request
        found = routes.find(request.method, request.rel_url.path)
        if found.route is None:
            return cors.preflight(exchange, found.methods) or _no_route(found.methods)
        exchange.route, exchange.argument = found.route.path, found.argument
        if not found.route.open:
            exchange.known = self._known(exchange)
        return await found.route.answer(self._gateway, exchange)

    def _known(self, exchange: Exchange) -> Caller:
        callers = exchange.setup.callers
        caller = callers.known(exchange.request.headers.get("Authorization"))
        callers.count(caller)
        return caller

    def _refused(self, exchange: Exchange, refusal: Refusal) -> web.StreamResponse:
        if exchange.response is not None:
            # A part of the answer was sent: all that is left is to end the connection.
            raise ConnectionError("a part of the answer was sent")
        decision_id = None if exchange.decision is None else exchange.decision.id
        response = answers.error(refusal, decision_id)
        if isinstance(refusal, bodies.TooSlow):
            response.set_status(408)
        if not exchange.request.content.is_eof():
            # Its body was not read, and may be long.
            response.force_close()
        return response


def place(fault: BaseException) -> str:
    """Where in our code it happened: the innermost file and line, nothing of the values."""
    trace, found = fault.__traceback__, ""
    while trace is not None:
        found = f"{trace.tb_frame.f_code.co_name}:{trace.tb_lineno}"
        trace = trace.tb_next
    return found


def _no_route(methods: tuple[str, ...]) -> web.StreamResponse:
    if not methods:
        return answers.error(RequestRefusal("invalid_request", "there is nothing at this path"), status=404)
    allowed = ", ".join(methods)
    response = answers.error(RequestRefusal("invalid_request", f"this path takes {allowed} only"), status=405)
    response.headers["Allow"] = allowed
    return response
