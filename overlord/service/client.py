"""`GET /models` and `POST /chat/completions`: bounded in time and size, no redirect followed.

What the provider says is never repeated: only its text, ids and numbers are taken from an answer, and a key
in them is masked.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import ssl
import time
from datetime import datetime
from typing import Any, Callable, Final, Mapping, Sequence
from urllib.parse import urlsplit

from foundation import background
from foundation.errors import Refusal
from foundation.secrets import MASK, Secret
from foundation.secrets.encoded import replace_known
from overlord import __version__
from overlord.core import answer
from overlord.core.failures import (
    Answer,
    Failure,
    failure,
    reason_of_status,
    sentence_of_status,
    timed_out,
)
from overlord.core.json_values import Json
from overlord.core.retry_policy import TRIED_AGAIN, pause_before_next
from overlord.service.connection import check_variables, failure_of, opened

MODELS_SECONDS: Final = 30.0
_MOST_BYTES: Final = 4 * 1024 * 1024
_MOST_ERROR_BYTES: Final = 64 * 1024
# More than is shown: a key in it is masked before it is cut.
_DEBUG_BYTES: Final = 16 * 1024
_CHUNK: Final = 64 * 1024
_OK: Final = 200
# A thread that has just timed out reports it itself.
_GRACE: Final = 0.5


class Exchange:
    """What a request has open, so that another thread can end it; `tries` were begun."""

    def __init__(self) -> None:
        self.tries = 0
        self.socket: socket.socket | None = None
        self._ended = False

    def opened(self, connected: socket.socket) -> None:
        """The socket of the current try."""
        self.socket = connected
        if self._ended:
            self.end()

    def end(self) -> None:
        """Wake the thread that waits for the answer."""
        self._ended = True
        if self.socket is not None:
            with contextlib.suppress(OSError):
                self.socket.shutdown(socket.SHUT_RDWR)


class ChatClient:
    """The service at `base_url`; `secrets` are masked in what it says, `key` is sent to it.

    `timeout` is how long one servant may take, in seconds. Every method raises Failure.
    """

    def __init__(
        self,
        base_url: str,
        key: Secret,
        secrets: Sequence[Secret],
        environ: Mapping[str, str],
        timeout: float,
        now: Callable[[], datetime],
    ) -> None:
        base = urlsplit(base_url)
        self._tls = base.scheme == "https"
        self._host = base.hostname or ""
        self._port = base.port or (443 if self._tls else 80)
        self._path = base.path.rstrip("/")
        self._key = key
        self._secrets = tuple({*secrets, key})
        self._environ = environ
        self.timeout = timeout
        self._now = now

    def check_variables(self) -> None:
        """Refuse variables that cannot be used; Refusal proxy_unusable, certificate_untrusted."""
        check_variables(self._host, self._environ, tls=self._tls)

    def models(self, deadline: float | None = None) -> tuple[str, ...]:
        """The ids that the service lists; one try. `deadline` is a moment of time.monotonic()."""
        seconds = min(self.timeout, MODELS_SECONDS)
        until = time.monotonic() + seconds
        until = until if deadline is None else min(until, deadline)
        exchange = Exchange()
        task = background.start(lambda: self._once("GET", "/models", None, until, exchange))
        task.wait(max(0.0, until - time.monotonic()) + _GRACE)
        if not task.done():
            exchange.end()
            raise Failure("timeout", f"no answer within {seconds:g} s")
        try:
            status, headers, body = task.result()
        except _EndedEarlyError:
            raise failure("connection_dropped") from None
        if status != _OK:
            raise self._refused(status, headers, body)
        try:
            return tuple(self.masked(name) for name in answer.models(body))
        except Failure as problem:
            problem.body = body[:_DEBUG_BYTES]
            raise

    def complete(self, model: str, messages: Sequence[Json], deadline: float, exchange: Exchange) -> Answer:
        """The useful text that the model answers; tried again as the retry policy says, until `deadline`."""
        data = json.dumps({"model": model, "messages": list(messages), "stream": False}).encode()
        try:
            while True:
                exchange.tries += 1
                headers: Mapping[str, str] = {}
                try:
                    status, headers, body = self._once("POST", "/chat/completions", data, deadline, exchange)
                    if status == _OK:
                        return self._answered(headers, body, exchange.tries)
                    problem = self._refused(status, headers, body)
                    again = status in TRIED_AGAIN and problem.reason != "context_overflow"
                except _EndedEarlyError:
                    problem = failure("connection_dropped")
                    again = True
                left = deadline - time.monotonic()
                pause = pause_before_next(exchange.tries, headers, self._now(), left) if again else None
                if pause is None:
                    raise problem
                time.sleep(pause)
        except Failure as problem:
            problem.attempts = exchange.tries
            raise

    def masked(self, text: str) -> str:
        """The text without a key in it, in whatever form."""
        return replace_known(text, self._secrets, MASK)

    def _answered(self, headers: Mapping[str, str], body: bytes, tries: int) -> Answer:
        value: Any = None
        try:
            value = answer.parse(body)
            text = answer.useful_text(value)
        except Failure as problem:
            problem.body = body[:_DEBUG_BYTES]
            problem.request_id = self._request_id(headers, value)
            if problem.reason == "no_text":
                problem.usage = answer.usage_of(value)
            raise
        return Answer(self.masked(text), tries, self._request_id(headers, value), answer.usage_of(value))

    def _request_id(self, headers: Mapping[str, str], value: Any) -> str | None:
        return answer.request_id(headers.get("x-request-id"), value, self.masked)

    def _refused(self, status: int, headers: Mapping[str, str], body: bytes) -> Failure:
        value = answer.parsed_if_json(body)
        reason = reason_of_status(status, answer.error_code_of(value))
        problem = Failure(reason, sentence_of_status(status, reason))
        problem.request_id = self._request_id(headers, value)
        problem.body = body[:_DEBUG_BYTES]
        return problem

    def _once(
        self, method: str, path: str, data: bytes | None, deadline: float, exchange: Exchange
    ) -> tuple[int, Mapping[str, str], bytes]:
        """One try: status, headers (names in lower case) and body. Raises Failure, _EndedEarlyError."""
        started = False
        try:
            with contextlib.closing(
                opened(self._host, self._port, self._environ, tls=self._tls, seconds=_left(deadline))
            ) as connection:
                connected = connection.sock
                exchange.opened(connected)
                connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
                connected.settimeout(_left(deadline))
                self._send(connection, method, path, data)
                response = connection.getresponse()
                started = True
                headers = {name.lower(): value for name, value in response.getheaders()}
                most = _MOST_BYTES if response.status == _OK else _MOST_ERROR_BYTES
                return response.status, headers, _body(response, connected, deadline, most)
        except (OSError, http.client.HTTPException, ValueError, Refusal) as problem:
            # http.client puts the whole header, and with it the key, into the text of a ValueError.
            if time.monotonic() >= deadline or isinstance(problem, (socket.timeout, TimeoutError)):
                raise timed_out(self.timeout) from None
            if not started and _ended_early(problem):
                raise _EndedEarlyError from None
            raise failure_of(problem, self._host) from None

    def _send(
        self, connection: http.client.HTTPConnection, method: str, path: str, data: bytes | None
    ) -> None:
        headers = {
            "Authorization": f"Bearer {self._key.reveal()}",
            "Accept": "application/json",
            "User-Agent": f"mmi-cli/{__version__}",
            "Connection": "close",
        }
        if data is not None:
            headers["Content-Type"] = "application/json"
        # A server that refuses a long request early may answer before it has read all of it.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.request(method, self._path + path, data, headers)


class _EndedEarlyError(Exception):
    """The connection ended before a status line."""


def _ended_early(problem: Exception) -> bool:
    if isinstance(problem, ssl.SSLEOFError):
        return True
    if isinstance(problem, http.client.BadStatusLine):
        # http.client gives the line as it came: one without an end was cut off.
        return not str(getattr(problem, "line", "")).endswith("\n")
    return isinstance(problem, (ConnectionResetError, BrokenPipeError, ConnectionAbortedError, EOFError))


def _left(deadline: float) -> float:
    return max(deadline - time.monotonic(), 0.001)


def _body(response: http.client.HTTPResponse, connected: socket.socket, deadline: float, most: int) -> bytes:
    declared = response.getheader("Content-Length", "")
    length = int(declared) if declared.isascii() and declared.isdecimal() and len(declared) < 20 else None  # noqa: PLR2004
    chunked = response.getheader("Transfer-Encoding", "").lower() == "chunked"
    whole = response.status == _OK
    if whole and not chunked and length is not None and length > most:
        raise failure("too_large")
    pieces, size = [], 0
    while True:
        if time.monotonic() >= deadline:
            raise socket.timeout
        with contextlib.suppress(OSError):
            connected.settimeout(_left(deadline))
        piece = response.read1(_CHUNK)
        if not piece:
            break
        pieces.append(piece)
        size += len(piece)
        if size > most:
            if whole:
                raise failure("too_large")
            break
    data = b"".join(pieces)
    if whole and (size < length if length is not None and not chunked else not chunked and _cut_off(data)):
        raise http.client.IncompleteRead(b"")
    return data


def _cut_off(data: bytes) -> bool:
    """Whether a body that ends with its connection was cut: it begins as JSON and does not end as such."""
    text = data.strip()
    return not text or (text[:1] == b"{" and text[-1:] != b"}")
