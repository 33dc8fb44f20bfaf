"""One request and what becomes known about it while it is answered."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping

from aiohttp import web

from marama_route import wire
from marama_route.core import headers as headers_of
from marama_route.core.decision import RouteDecision
from marama_route.core.errors import invalid
from marama_route.core.headers import Headers
from marama_route.deciding.callers import Caller
from marama_route.deciding.setup import Setup
from marama_route.http import bodies


@dataclass(eq=False)
class Exchange:
    """`id` is the request's, `started` a time of the loop's clock; the rest is set as it becomes known.

    `route` is the path of the table, never what was sent; `argument` what the path has in place of `{id}`.
    """

    request: web.BaseRequest
    id: str
    started: float
    setup: Setup
    route: str = "-"
    argument: str = ""
    known: Caller | None = None
    decision: RouteDecision | None = None
    handed_over: float | None = None
    status: int = 0
    response: web.StreamResponse | None = None
    answer_headers: dict[str, str] = field(default_factory=dict)

    @property
    def caller(self) -> Caller:
        """The holder of the key; ValueError on a route that needs none."""
        if self.known is None:
            raise ValueError("this request has no key")
        return self.known

    @property
    def headers(self) -> Headers:
        """The request's headers, for this tenant. RequestRefusal invalid_request, tenant_mismatch."""
        read = headers_of.read(self.request.headers.items())
        headers_of.require_tenant(read, self.caller.tenant.id)
        return read

    @property
    def query(self) -> Mapping[str, str]:
        """The query's parameters; the last one of a name counts."""
        return dict(self.request.rel_url.query)

    async def body(self) -> bytes:
        """The request's body. RequestRefusal invalid_request, request_too_large."""
        return await bodies.read(self.request)

    def value(self, body: bytes) -> Any:
        """A body as a JSON value. RequestRefusal invalid_request."""
        return wire.request(body)

    def whole_number(self, name: str, default: int, most: int) -> int:
        """A parameter of the query from 0 to `most`. RequestRefusal invalid_request."""
        text = self.query.get(name, "")
        if not text:
            return default
        if not (text.isascii() and text.isdigit()) or len(text) > len(str(most)) or int(text) > most:
            raise invalid(name, f"{name} must be a whole number from 0 to {most}")
        return int(text)
