"""The client's end of forwarding: an answer that is written as it comes."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from marama_route.http import answers
from marama_route.http.exchange import Exchange

# In a request: the client has its whole answer. It may go then, and nothing was cancelled.
ANSWERED: Final = web.RequestKey("answered", bool)
_LAST: Final = b"data: [DONE]\n\n"


class HttpClient:
    """Writes to one exchange. A write that fails because the client went away raises ConnectionError."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def whole(self, status: int, body: bytes, model: str, *, retry_after: int | None = None) -> None:
        """See ends.Client."""
        headers = {**self._exchange.answer_headers, answers.MODEL: model}
        if retry_after is not None:
            headers["Retry-After"] = str(retry_after)
        response = web.Response(body=body, status=status, headers=headers, content_type=answers.JSON)
        await self._send(response)
        await response.write_eof()
        self._exchange.request[ANSWERED] = True
        self._exchange.status = status

    async def begin(self, model: str) -> None:
        """See ends.Client."""
        headers = {
            **self._exchange.answer_headers,
            answers.MODEL: model,
            "Content-Type": "text/event-stream; charset=utf-8",
            "Cache-Control": "no-cache",
            # nginx keeps an answer back until its buffers are full (proxy_buffering) without this.
            "X-Accel-Buffering": "no",
        }
        await self._send(web.StreamResponse(headers=headers))

    async def write(self, data: bytes) -> None:
        """See ends.Client."""
        response = self._exchange.response
        if response is None:
            raise ValueError("the answer has not begun")
        await response.write(data)
        if data.endswith(_LAST):
            self._exchange.request[ANSWERED] = True
            self._exchange.status = response.status

    async def _send(self, response: web.StreamResponse) -> None:
        self._exchange.response = response
        await response.prepare(self._exchange.request)
