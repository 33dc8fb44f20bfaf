"""A request's body, read with bounds in size and time."""

from __future__ import annotations

import asyncio
from typing import Final

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from marama_route.core.errors import RequestRefusal, invalid

LARGEST: Final = 16 * 1024 * 1024
SECONDS: Final = 60.0
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


class TooSlow(RequestRefusal):
    """The body did not arrive in time."""

    def __init__(self, seconds: float) -> None:
        super().__init__("invalid_request", f"the body did not arrive within {seconds:g} seconds")


async def read(request: web.BaseRequest, seconds: float = SECONDS) -> bytes:
    """The whole body. RequestRefusal request_too_large, TooSlow, invalid_request for what is not a body."""
    if request.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        raise invalid(None, "the body must be sent without a Content-Encoding")
    if (request.content_length or 0) > LARGEST:
        raise _too_large()
    content = request.content
    if content.is_eof() and content.exception() is None:
        data = content.read_nowait(-1)
        if len(data) > LARGEST:
            raise _too_large()
        return data
    if request.headers.get("Expect", "").lower() == "100-continue" and request.transport is not None:
        # RFC 9110, 10.1.1: a client may wait for this before it sends a body; curl does for one second.
        request.transport.write(_CONTINUE)
    try:
        return await asyncio.wait_for(_all(request), seconds)
    except asyncio.TimeoutError:
        raise TooSlow(seconds) from None
    except (HttpProcessingError, web.RequestPayloadError):
        raise invalid(None, "the body does not end where it says") from None


async def _all(request: web.BaseRequest) -> bytes:
    parts, size = [], 0
    async for part in request.content.iter_any():
        size += len(part)
        if size > LARGEST:
            raise _too_large()
        parts.append(part)
    return b"".join(parts)


def _too_large() -> RequestRefusal:
    return RequestRefusal(
        "request_too_large", f"the body is larger than {LARGEST >> 20} MiB", next_step="send less"
    )
