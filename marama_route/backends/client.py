"""The client of all backends: one pool of connections, no cookies, no redirects, an allow-list of headers."""

from __future__ import annotations

import asyncio
import copy
import io
import ssl
import time
from dataclasses import dataclass
from http import HTTPStatus
from types import TracebackType
from typing import Any, Callable, Final, Mapping
from urllib.parse import urlsplit

import aiohttp

from foundation import https
from foundation.errors import Refusal
from foundation.host import Host
from foundation.secrets import Secret
from marama_route import wire
from marama_route.backends.failures import Word, failed
from marama_route.backends.health import Health
from marama_route.backends.keys import KeyOf
from marama_route.backends.reply import Reply
from marama_route.core.addresses import is_loopback
from marama_route.core.config import Backend
from marama_route.core.errors import RequestRefusal

USER_AGENT: Final = "marama-route"
# Shorter than the five seconds after which uvicorn (vLLM) and cpp-httplib (llama.cpp) close an idle
# connection: a request must not be sent into a connection that is being closed.
_IDLE_SECONDS: Final = 4.0
# aiohttp warns about larger bodies that are given as bytes, because it writes them in one piece.
_LARGE: Final = 1 << 20
_LARGEST_LIST: Final = 4 << 20


@dataclass(frozen=True)
class _Target:
    """A backend, its key, and how it is reached."""

    backend: Backend
    key: KeyOf
    proxy: str | None
    proxy_headers: Mapping[str, str]


class Backends:
    """The backends of a configuration; an asynchronous context manager."""

    def __init__(
        self, configured: Mapping[str, Backend], host: Host, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Raises RequestRefusal not_ready for variables of proxies and certificates that cannot be used."""
        self._host = host
        self._clock = clock
        self._health = Health()
        self._targets: dict[str, _Target] = {}
        self._context = _trusted(host)
        self._session: aiohttp.ClientSession | None = None
        self._draining: set[asyncio.Task[None]] = set()
        self.configure(configured)

    async def __aenter__(self) -> Backends:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=self._context, keepalive_timeout=_IDLE_SECONDS),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),
            trust_env=False,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._draining:
            task.cancel()
        await asyncio.gather(*self._draining, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    def configure(self, configured: Mapping[str, Backend]) -> None:
        """Use these backends from now on; what `as_configured` gave before stays as it is.

        Raises RequestRefusal not_ready as the constructor does, and then changes nothing.
        """
        self._targets = {name: _target(backend, self._host) for name, backend in configured.items()}

    def as_configured(self) -> Backends:
        """These backends with the addresses and keys of now, whatever is configured later.

        For a request: what was decided about a backend must not reach another one of the same name.
        """
        return copy.copy(self)

    @property
    def unavailable(self) -> frozenset[str]:
        """The backends that are left out now, because they failed."""
        return self._health.unavailable(self._clock())

    def limits(self, name: str) -> Backend:
        """The backend of this name, with its limits. BackendError for one that is no longer configured."""
        return self._target(name).backend

    def answered(self, name: str) -> None:
        """The backend answered as it should."""
        self._health.answered(name)

    def failed(self, name: str) -> None:
        """The backend failed."""
        self._health.failed(name, self._clock())

    async def ask(self, name: str, body: bytes, *, stream: bool, traceparent: str | None = None) -> Reply:
        """Send a chat and return when the head of the answer is there, whatever its status.

        Only connecting has a limit here. A cancellation closes the connection. Raises BackendError.
        """
        target = self._target(name)
        key = await asyncio.to_thread(target.key.read) if target.key.must_read else target.key.read()
        if self._session is None:
            raise RuntimeError("the backends are not open")
        connect = target.backend.timeouts.connect
        try:
            response = await self._session.post(
                f"{target.backend.base_url}/chat/completions",
                data=io.BytesIO(body) if len(body) > _LARGE else body,
                headers=_headers(key, traceparent, stream=stream),
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=None, connect=connect, sock_connect=connect),
                proxy=target.proxy,
                proxy_headers=target.proxy_headers or None,
            )
        except (aiohttp.ClientError, OSError, asyncio.TimeoutError, ValueError) as problem:
            raise failed(_word(problem)) from None
        return Reply(response, key, self._host.now())

    async def listed(self, name: str, seconds: float) -> frozenset[str]:
        """The names of the models that the backend lists, asked for with its key.

        Raises BackendError if it does not answer within `seconds`, or answers something else.
        """
        target = self._target(name)
        key = await asyncio.to_thread(target.key.read)
        if self._session is None:
            raise RuntimeError("the backends are not open")
        data = b""
        try:
            async with self._session.get(
                f"{target.backend.base_url}/models",
                headers=_headers(key, None, stream=False),
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=seconds),
                proxy=target.proxy,
                proxy_headers=target.proxy_headers or None,
            ) as response:
                status = response.status
                async for part in response.content.iter_any():
                    data += part
                    if len(data) > _LARGEST_LIST:
                        raise failed(Word.TOO_LARGE)
        except (aiohttp.ClientError, OSError, asyncio.TimeoutError, ValueError) as problem:
            raise failed(_word(problem)) from None
        if status != HTTPStatus.OK:
            raise failed(Word.STATUS, status)
        return _names(data)

    def let_go(self, reply: Reply) -> None:
        """The answer has been read as far as it counts; its connection is kept if it ends properly soon."""
        if reply.ended:
            reply.close()
            return
        task = asyncio.ensure_future(reply.drain())
        self._draining.add(task)
        task.add_done_callback(self._draining.discard)

    def _target(self, name: str) -> _Target:
        try:
            return self._targets[name]
        except KeyError:
            raise failed(Word.CONNECTION_FAILED) from None


def _target(backend: Backend, host: Host) -> _Target:
    url = urlsplit(backend.base_url)
    proxy = None
    # Only TLS is tunnelled: http is for this machine and its network. A loopback address is never proxied.
    if url.scheme == "https" and url.hostname and not is_loopback(url.hostname):
        try:
            proxy = https.Proxy.of(host.environ, url.hostname)
        except Refusal as refusal:
            raise _not_ready(refusal) from None
    if proxy is None:
        return _Target(backend, KeyOf(backend, host), None, {})
    shown = f"[{proxy.host}]" if ":" in proxy.host else proxy.host
    return _Target(backend, KeyOf(backend, host), f"http://{shown}:{proxy.port}", proxy.headers)


def _trusted(host: Host) -> ssl.SSLContext:
    try:
        return https.context(host.environ)
    except Refusal as refusal:
        raise _not_ready(refusal) from None


def _not_ready(refusal: Refusal) -> RequestRefusal:
    return RequestRefusal(
        "not_ready", f"{refusal.where}: {refusal.message}", next_step="correct the variable, or unset it"
    )


def _names(data: bytes) -> frozenset[str]:
    try:
        entries = wire.loads(data)["data"]
        return frozenset(entry["id"] for entry in entries if isinstance(entry["id"], str))
    except (ValueError, TypeError, KeyError):
        raise failed(Word.WRONG_CONTENT) from None


def _headers(key: Secret | None, traceparent: str | None, *, stream: bool) -> dict[str, str]:
    headers = {
        "Content-Type": "application/json",
        "Accept": "text/event-stream" if stream else "application/json",
        "Accept-Encoding": "identity",
        "User-Agent": USER_AGENT,
    }
    if key is not None:
        headers["Authorization"] = f"Bearer {key.reveal()}"
    if traceparent is not None:
        headers["traceparent"] = traceparent
    return headers


# From the special to the general: the first that fits counts.
_WORDS: Final[tuple[tuple[Any, Word], ...]] = (
    (aiohttp.ClientSSLError, Word.TLS_FAILED),
    (aiohttp.ServerFingerprintMismatch, Word.TLS_FAILED),
    (ssl.SSLError, Word.TLS_FAILED),
    (asyncio.TimeoutError, Word.CONNECT_TIMEOUT),
    (aiohttp.ClientHttpProxyError, Word.CONNECTION_FAILED),
    (aiohttp.ClientConnectorError, Word.CONNECTION_FAILED),
    (aiohttp.ClientConnectionError, Word.CUT_OFF),
    (ConnectionError, Word.CUT_OFF),
    (aiohttp.ClientError, Word.WRONG_CONTENT),
    (ValueError, Word.WRONG_CONTENT),
)


def _word(problem: Exception) -> Word:
    return next((word for kind, word in _WORDS if isinstance(problem, kind)), Word.CONNECTION_FAILED)
