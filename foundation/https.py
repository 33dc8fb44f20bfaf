"""A TLS connection by the proxy and with the certificates that the user has set up.

The proxy: HTTPS_PROXY and NO_PROXY. Certificates: the system's, SSL_CERT_FILE, and NODE_EXTRA_CA_CERTS,
which people set for programs that run on Node or Bun.
"""

from __future__ import annotations

import http.client
import ssl
from contextlib import suppress
from pathlib import Path
from typing import Final, Mapping
from urllib.parse import unquote, urlsplit

from foundation.errors import Refusal, Where

# Python builds that carry their own OpenSSL, as ours do, do not know where the system keeps its certificates.
_SYSTEM_CERTIFICATES: Final = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Ubuntu, Arch, Alpine
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora, RHEL
    "/etc/ssl/ca-bundle.pem",  # openSUSE
    "/etc/ssl/cert.pem",  # macOS, the BSDs
)


def open_connection(
    host: str, port: int, environ: Mapping[str, str], seconds: float
) -> http.client.HTTPSConnection:
    """A connection that is opened at the first request; `seconds` limits each wait.

    Raises Refusal proxy_unusable and certificate_untrusted for variables that cannot be used.
    """
    trusted = context(environ)
    proxy = Proxy.of(environ, host)
    if proxy is None:
        return http.client.HTTPSConnection(host, port, timeout=seconds, context=trusted)
    connection = http.client.HTTPSConnection(proxy.host, proxy.port, timeout=seconds, context=trusted)
    connection.set_tunnel(host, port, headers=proxy.headers)
    return connection


class Proxy:
    """An HTTP proxy that tunnels TLS (CONNECT)."""

    def __init__(self, host: str, port: int, headers: Mapping[str, str]) -> None:
        self.host = host
        self.port = port
        self.headers = dict(headers)

    @classmethod
    def of(cls, environ: Mapping[str, str], host: str) -> Proxy | None:
        """The proxy for `host`, None for none; Refusal proxy_unusable."""
        # curl's order: the name in lower case comes first.
        value = environ.get("https_proxy") or environ.get("HTTPS_PROXY")
        exceptions = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
        if not value or _bypassed(host, exceptions):
            return None
        try:
            parts = urlsplit(value if "://" in value else f"http://{value}")
            name, port = parts.hostname, parts.port or 80
        except ValueError:
            name, port, parts = None, 0, urlsplit("")
        if not name or parts.scheme != "http":
            raise Refusal(
                "proxy_unusable",
                "the proxy in this variable is not of the form http://host:port",
                where=Where("HTTPS_PROXY"),
                next_step="correct the variable, or unset it for this check",
            )
        headers = {}
        if parts.username is not None:
            from base64 import b64encode

            user = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            headers["Proxy-Authorization"] = "Basic " + b64encode(user.encode()).decode()
        return cls(name, port, headers)


def _bypassed(host: str, exceptions: str) -> bool:
    """Whether NO_PROXY names the host, or a domain that it is in; `*` names all of them."""
    names = [name.strip().lstrip(".").lower() for name in exceptions.split(",")]
    host = host.lower()
    return exceptions.strip() == "*" or any(
        name and (host == name or host.endswith(f".{name}")) for name in names
    )


def context(environ: Mapping[str, str]) -> ssl.SSLContext:
    """A context that trusts the system's certificates and those of the variables.

    Raises Refusal certificate_untrusted.
    """
    trusted = ssl.create_default_context()
    for name in ("SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"):
        if environ.get(name):
            try:
                trusted.load_verify_locations(cafile=environ[name])
            except (OSError, ValueError):  # ssl.SSLError is an OSError
                raise Refusal(
                    "certificate_untrusted",
                    "the file that this variable names contains no readable certificates",
                    where=Where(name),
                    next_step="correct the variable, or unset it for this check",
                ) from None
    if not trusted.cert_store_stats()["x509_ca"]:
        for path in _SYSTEM_CERTIFICATES:
            if Path(path).is_file():
                with suppress(OSError):
                    trusted.load_verify_locations(cafile=path)
    return trusted
