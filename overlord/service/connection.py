"""A connection to the service, and what went wrong below HTTP, in our own words."""

from __future__ import annotations

import http.client
import re
import socket
import ssl
from http import HTTPStatus
from typing import Final, Mapping

from foundation.errors import Refusal
from foundation.https import open_connection
from overlord.core.failures import REASONS, Failure, failure
from overlord.settings import is_loopback

_TUNNEL_REFUSED: Final = re.compile(r"Tunnel connection failed: (\d{3})")
_PROXY_VARIABLES: Final = ("https_proxy", "HTTPS_PROXY")


class _Final(http.client.HTTPResponse):
    """The response after all interim ones: http.client skips 100 (Continue), and no other.

    RFC 9110, 15.2: a client must be able to take one or more 1xx responses before the final one, and 101
    (Switching Protocols) is never one of them without having been asked for.
    """

    def _read_status(self) -> tuple[str, int, str]:
        version, status, reason = super()._read_status()  # type: ignore[misc]
        interim = status // 100 == 1 and status != HTTPStatus.SWITCHING_PROTOCOLS
        return version, HTTPStatus.CONTINUE if interim else status, reason


def opened(
    host: str, port: int, environ: Mapping[str, str], *, tls: bool, seconds: float
) -> http.client.HTTPConnection:
    """A connection that is open; a loopback address is never proxied.

    Raises OSError, HTTPException, and Refusal proxy_unusable, certificate_untrusted.
    """
    if tls:
        connection: http.client.HTTPConnection = _over_tls(host, port, environ, seconds)
    else:
        connection = http.client.HTTPConnection(host, port, timeout=seconds)
    connection.response_class = _Final
    connection.connect()
    return connection


def check_variables(host: str, environ: Mapping[str, str], *, tls: bool) -> None:
    """Refuse variables that cannot be used, before anything is sent.

    Raises Refusal proxy_unusable, certificate_untrusted.
    """
    if tls:
        _over_tls(host, 443, environ, 1).close()


def _over_tls(
    host: str, port: int, environ: Mapping[str, str], seconds: float
) -> http.client.HTTPSConnection:
    direct = is_loopback(host)
    settings = {name: value for name, value in environ.items() if not direct or name not in _PROXY_VARIABLES}
    return open_connection(host, port, settings, seconds)


def failure_of(problem: Exception, host: str) -> Failure:
    """The failure for an exception; its own text is left out, because it may quote what a server sent."""
    if isinstance(problem, Refusal):
        return Failure(problem.kind if problem.kind in REASONS else "unreachable", problem.message)
    if isinstance(problem, ssl.SSLCertVerificationError):
        return Failure(
            "certificate_untrusted",
            f"the certificate of {host} cannot be trusted ({problem.verify_message}); behind a company "
            "proxy, name its certificate file in NODE_EXTRA_CA_CERTS",
        )
    dropped: tuple[type[BaseException], ...] = (
        http.client.IncompleteRead,
        ConnectionResetError,
        ConnectionAbortedError,
        BrokenPipeError,
        ssl.SSLEOFError,
    )
    if isinstance(problem, dropped):
        return failure("connection_dropped")
    if isinstance(problem, http.client.HTTPException):
        return Failure("unexpected_answer", "the answer is not HTTP as it is documented")
    return Failure("unreachable", f"{host} cannot be reached ({_why(problem)})")


def _why(problem: Exception) -> str:
    tunnel = _TUNNEL_REFUSED.match(str(problem))
    if tunnel is not None:
        return f"the proxy refuses the connection, HTTP {tunnel[1]}"
    if isinstance(problem, socket.gaierror):
        return "its name cannot be resolved"
    if isinstance(problem, ssl.SSLError):
        return "the other end does not use TLS"
    return (getattr(problem, "strerror", None) or type(problem).__name__).lower()
