"""The service itself, asked with the stored key: `GET /models`, and one tiny completion.

- The key goes to the profile's host only, over verified TLS; no redirect is followed.
- Everything is limited: the time in total (a slow name lookup and a slow answer count too),
  and the size of what is read.
- What the service says is never repeated: only known codes are taken from an error body.
"""

from __future__ import annotations

import http.client
import json
import re
import socket
import ssl
import time
from contextlib import suppress
from typing import Any, Callable, Final, Mapping, NoReturn, TypeVar
from urllib.parse import urlsplit

from foundation import background
from foundation.errors import Refusal
from foundation.https import open_connection
from foundation.secrets import Secret
from gonkagate_setup import __version__
from gonkagate_setup.catalog import Profile

Result = TypeVar("Result")

_MOST_BYTES: Final = 4 * 1024 * 1024
_MOST_ERROR_BYTES: Final = 64 * 1024
_MOST_LINE: Final = 256 * 1024
_MOST_TOKENS: Final = 16
_LOOK_SECONDS: Final = 0.05
_OK: Final = 200
_TUNNEL_REFUSED: Final = re.compile(r"Tunnel connection failed: (\d{3})")
_HOST_NAME: Final = re.compile(r"[A-Za-z0-9.-]{1,253}\Z")


class Gateway:
    """One conversation with the service, at most `seconds` long from now on."""

    def __init__(self, profile: Profile, key: Secret, environ: Mapping[str, str], seconds: float) -> None:
        self._profile = profile
        self._key = key
        self._environ = environ
        self._seconds = seconds
        self._deadline = time.monotonic() + seconds
        base = urlsplit(profile.base_url)
        self._host, self._port = base.hostname or "", base.port or 443
        self._path = base.path.rstrip("/")

    def models(self) -> tuple[str, ...]:
        """The upstream ids that the service lists for this key; raises Refusal live_*."""
        value = self._ask("GET", "/models", None, _read_json)
        data = value.get("data") if isinstance(value, dict) else None
        if not isinstance(data, list):
            raise _unexpected("its model list does not have the documented form")
        entries = (entry.get("id") for entry in data if isinstance(entry, dict))
        return tuple(name for name in entries if isinstance(name, str))

    def complete(self, upstream_id: str) -> None:
        """Have the model say a word, streamed as opencode does it; raises Refusal live_*."""
        body = {
            "model": upstream_id,
            "messages": [{"role": "user", "content": "Say OK."}],
            "max_tokens": _MOST_TOKENS,
            "stream": True,
        }
        self._ask("POST", "/chat/completions", body, _read_completion)

    def _ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        read: Callable[[http.client.HTTPResponse], Result],
    ) -> Result:
        """Read one answer in its own thread: nothing else limits the time of a name lookup or slow answer."""
        remaining = max(self._deadline - time.monotonic(), 0.001)
        connection = open_connection(self._host, self._port, self._environ, remaining)

        def exchange() -> Result:
            try:
                return self._exchange(connection, method, path, body, read)
            except (OSError, http.client.HTTPException, ValueError) as problem:
                # http.client puts the whole header, and with it the key, into the text of a ValueError.
                raise self._failure(problem) from None
            finally:
                connection.close()

        task = background.start(exchange)
        while not task.done():
            if time.monotonic() >= self._deadline:
                _abort(connection)
                raise self._too_slow()
            task.wait(_LOOK_SECONDS)
        return task.result()

    def _exchange(
        self,
        connection: http.client.HTTPSConnection,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        read: Callable[[http.client.HTTPResponse], Result],
    ) -> Result:
        headers = {
            "Authorization": f"Bearer {self._key.reveal()}",
            "Accept": "application/json, text/event-stream",
            "User-Agent": f"gonkagate-setup/{__version__}",
        }
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        connection.request(method, self._path + path, data, headers)
        response = connection.getresponse()
        if response.status != _OK:
            self._refuse(response, method)
        return read(response)

    def _refuse(self, response: http.client.HTTPResponse, method: str) -> NoReturn:
        name, status = self._profile.display_name, response.status
        if status // 100 == 3:  # noqa: PLR2004 - the class of redirects
            raise _redirected(response.getheader("Location") or "", self._host)
        code = _error_code(response)
        if status == 401:  # noqa: PLR2004
            raise Refusal(
                "live_key_refused",
                f"{name} does not accept the stored key (HTTP 401)",
                next_step=f"get a key at {self._profile.register_url}, then run: gonkagate-setup",
            )
        if status == 403:  # noqa: PLR2004
            raise Refusal(
                "live_account_refused",
                f"{name} knows the key but refuses its account (HTTP 403)",
                next_step=f"check the account at {self._profile.register_url}",
            )
        if status == 429:  # noqa: PLR2004
            raise self._too_much(code)
        if status == 503:  # noqa: PLR2004
            raise Refusal(
                "live_service_unavailable",
                f"{name} is not available at the moment (HTTP 503); that says nothing about the key",
                next_step="try again in a few minutes: gonkagate-setup verify --live",
            )
        if method == "POST" and (status == 404 or code == "model_not_found"):  # noqa: PLR2004
            raise Refusal(
                "live_model_refused",
                f"{name} accepts the key, but does not offer the selected model (HTTP {status})",
                next_step="choose another model: gonkagate-setup --model MODEL",
            )
        raise _unexpected(f"it answered with HTTP {status}")

    def _too_much(self, code: str | None) -> Refusal:
        name = self._profile.display_name
        if code == "insufficient_quota":
            return Refusal(
                "live_quota_exhausted",
                f"{name} accepts the key, but its account has no quota left (HTTP 429)",
                next_step=f"top up the account at {self._profile.register_url}",
            )
        return Refusal(
            "live_rate_limited",
            f"{name} accepts the key, but there were too many requests (HTTP 429)",
            next_step="wait a minute, then: gonkagate-setup verify --live",
        )

    def _too_slow(self) -> Refusal:
        return Refusal(
            "live_timeout",
            f"{self._profile.display_name} did not answer completely within {self._seconds:g} s",
            next_step="try again with more time: gonkagate-setup verify --live --timeout 300",
        )

    def _failure(self, problem: Exception) -> Refusal:
        """What went wrong below HTTP, in our own words: an exception's text may quote what a server sent."""
        if isinstance(problem, ssl.SSLCertVerificationError):
            return Refusal(
                "live_certificate_untrusted",
                f"The certificate for {self._host} cannot be trusted ({problem.verify_message})",
                next_step="behind a company proxy, name its certificate file in NODE_EXTRA_CA_CERTS, which "
                "opencode reads too; otherwise do not use this network",
            )
        if isinstance(problem, socket.timeout):
            return self._too_slow()
        if isinstance(
            problem, (http.client.HTTPException, ConnectionResetError, BrokenPipeError, ssl.SSLEOFError)
        ):
            return Refusal(
                "live_connection_dropped",
                f"The connection to {self._host} ended before the answer did",
                next_step="try again: gonkagate-setup verify --live",
            )
        tunnel = _TUNNEL_REFUSED.match(str(problem))
        if tunnel is not None:
            why = f"the proxy refuses the connection, HTTP {tunnel[1]}"
        elif isinstance(problem, socket.gaierror):
            why = "its name cannot be resolved"
        elif isinstance(problem, ssl.SSLError):
            why = "the other end does not use TLS"
        else:
            why = (getattr(problem, "strerror", None) or type(problem).__name__).lower()
        return Refusal(
            "live_unreachable",
            f"{self._host} cannot be reached ({why})",
            next_step="check the network and HTTPS_PROXY, then: gonkagate-setup verify --live",
        )


def _abort(connection: http.client.HTTPSConnection) -> None:
    """Wake the thread that reads from it."""
    connected = connection.sock
    if connected is not None:
        with suppress(OSError):
            connected.shutdown(socket.SHUT_RDWR)


def _error_code(response: http.client.HTTPResponse) -> str | None:
    try:
        code = json.loads(response.read(_MOST_ERROR_BYTES))["error"]["code"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return code if isinstance(code, str) else None


def _read_json(response: http.client.HTTPResponse) -> Any:
    data = response.read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise _unexpected(f"its answer is larger than {_MOST_BYTES} bytes")
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        raise _unexpected("its answer is not JSON") from None


def _read_completion(response: http.client.HTTPResponse) -> None:
    """Read a streamed completion to its end, and check that it began and ended as one."""
    answered, finished, size = False, False, 0
    while True:
        line = response.readline(_MOST_LINE)
        size += len(line)
        if size > _MOST_BYTES or len(line) == _MOST_LINE:
            raise _unexpected("its answer is incomplete")
        text = line.strip()
        if not line or text == b"data: [DONE]":
            break
        if not text.startswith(b"data:"):
            continue
        choices = _choices(text[len(b"data:") :])
        answered = answered or bool(choices)
        finished = finished or any(isinstance(one, dict) and one.get("finish_reason") for one in choices)
    if not answered:
        raise _unexpected("its answer is not a completion")
    if not finished and line == b"":
        raise http.client.IncompleteRead(b"")


def _choices(data: bytes) -> list[Any]:
    try:
        event = json.loads(data)
    except (ValueError, RecursionError):
        raise _unexpected("its answer is not a completion") from None
    if not isinstance(event, dict) or "error" in event:
        raise _unexpected("it ended the completion with an error")
    choices = event.get("choices")
    return choices if isinstance(choices, list) else []


def _redirected(location: str, host: str) -> Refusal:
    try:
        target = urlsplit(location).hostname
    except ValueError:
        target = None
    named = f" to {target}" if target and target != host and _HOST_NAME.match(target) else ""
    return Refusal(
        "live_redirected",
        f"{host} redirected the request{named}; the redirect was not followed, so the key was not sent there",
        next_step="check for a proxy in between, or a network's login page",
    )


def _unexpected(why: str) -> Refusal:
    return Refusal(
        "live_unexpected_answer",
        f"The service returned an unexpected response: {why}",
        next_step="try again later: gonkagate-setup verify --live",
    )
