"""One answer of a backend while it is read."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import datetime
from typing import Any, Final

import aiohttp
from aiohttp.http import HttpProcessingError

from foundation.secrets import MASK, Secret
from foundation.secrets.encoded import replace_known
from marama_route import wire
from marama_route.backends.failures import BackendError, Word, failed, retry_after

_MOST_DRAINED: Final = 64 * 1024
_DRAIN_SECONDS: Final = 1.0
_LARGEST_ERROR: Final = 64 * 1024


class Reply:
    """The head of an answer, and its body piece by piece; `close` must be called."""

    def __init__(self, response: aiohttp.ClientResponse, key: Secret | None, now: datetime) -> None:
        self._response = response
        self._key = key
        self.status = response.status
        self.content_type = response.content_type
        self.retry_after = retry_after(response.headers.get("Retry-After"), now)

    @property
    def ended(self) -> bool:
        """Whether the whole body has been read."""
        return self._response.content.at_eof()

    async def read(self) -> bytes:
        """The next bytes of the body, as many as are there; none at its end.

        Raises BackendError cut_off if the connection ends before the body does, or the body is not as its
        head says.
        """
        try:
            return await self._response.content.readany()
        except (aiohttp.ClientError, HttpProcessingError, OSError, asyncio.TimeoutError, ValueError):
            # aiohttp says that the connection failed before it gives what came before that.
            left = self._response.content._read_nowait(-1)  # noqa: SLF001
            if left:
                return left
            raise failed(Word.CUT_OFF) from None

    async def error(self) -> Any:
        """The JSON value of the body of an error, None if it has none; the backend's key is masked."""
        data = b""
        try:
            while (part := await self.read()) and len(data) <= _LARGEST_ERROR:
                data += part
            return self._masked(wire.loads(data)) if len(data) <= _LARGEST_ERROR else None
        except (BackendError, ValueError):
            return None

    async def drain(self) -> None:
        """Read what is left if it is little and comes soon, so that the connection can be used again."""
        try:
            with suppress(BackendError, asyncio.TimeoutError):
                await asyncio.wait_for(self._drain(), _DRAIN_SECONDS)
        finally:
            self.close()

    def close(self) -> None:
        """Let go of the connection at once; it is kept only if the whole body has been read."""
        self._response.close()

    async def _drain(self) -> None:
        left = _MOST_DRAINED
        while left > 0 and (part := await self.read()):
            left -= len(part)

    def _masked(self, value: Any, depth: int = 2) -> Any:
        # An error's texts are in the answer's object, or in an object in it.
        if isinstance(value, str):
            return value if self._key is None else replace_known(value, (self._key,), MASK)
        if isinstance(value, dict) and depth:
            return {name: self._masked(inner, depth - 1) for name, inner in value.items()}
        return None if isinstance(value, (dict, list)) else value
