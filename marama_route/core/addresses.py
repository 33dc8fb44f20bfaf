"""Addresses in the configuration: where the gateway listens, and which backends context may be sent to."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, parse_qsl, urlsplit

LARGEST_PORT: Final = 65535
_LONGEST: Final = 2048
_NAME: Final = re.compile(
    r"(?=.{1,253}\Z)(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.)*[A-Za-z0-9-]{1,63}"
)
_SHOWN: Final = re.compile(r"[!-~]+")
# RFC 1918, RFC 4193 and loopback. Link-local is not among them: 169.254.169.254 gives away a cloud's keys.
_PRIVATE: Final = tuple(
    ipaddress.ip_network(text)
    for text in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7")
)
_LOCALHOST: Final = "localhost"
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True)
class Listen:
    """Where the gateway listens; `host` is an address, or a name, without brackets."""

    host: str
    port: int

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach it."""
        return is_loopback(self.host)


def is_loopback(host: str) -> bool:
    """Whether a name or address, without brackets, is this machine."""
    address = _address(host)
    return host == _LOCALHOST if address is None else address.is_loopback


def listen(text: str) -> Listen | None:
    """`host:port`, with an IPv6 address in brackets; None for anything else."""
    match = re.fullmatch(
        r"(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<host>[^:\[\]\s/@]+)):(?P<port>[0-9]{1,5})", text, re.ASCII
    )
    if match is None or int(match["port"]) > LARGEST_PORT:
        return None
    host = match["six"] or match["host"]
    known = _address(host)
    if match["six"] and not isinstance(known, ipaddress.IPv6Address):
        return None
    return Listen(host, int(match["port"])) if known is not None or _is_name(host) else None


def wrong_base_url(text: str) -> str | None:
    """Why a backend must not be reached at this URL; None if it may be. The answer has no part of it."""
    url = _split(text)
    if url is None or url.scheme not in ("http", "https") or not url.hostname:
        return "this must be a URL that begins with https://, or http:// for an address of this network"
    if url.username is not None or url.password is not None:
        return "a URL in this file must not have a user name or password in it"
    if "?" in text or "#" in text:
        return "this URL must end with its path: no query and no fragment"
    address = _address(url.hostname)
    if address is None and not _is_name(url.hostname):
        return "the host of this URL is neither a name nor an address"
    if url.scheme == "https" or url.hostname == _LOCALHOST or (address is not None and _is_private(address)):
        return None
    return "http is only for loopback and private addresses; use https"


def wrong_store(text: str) -> str | None:
    """Why this is not the place of the store; None if it is. The sentence has no part of the text."""
    if text == "sqlite":
        return None
    url = _split(text)
    if url is None or url.scheme not in ("postgresql", "postgres") or not url.hostname:
        return "this must be sqlite, or a URL like postgresql://user@host/db"
    if url.password is not None or "password" in {name.lower() for name, _ in parse_qsl(url.query, True)}:
        return "a password must not be in this file: put it into PGPASSWORD or a .pgpass file"
    return None


def is_origin(text: str) -> bool:
    """Whether it is a web origin as browsers send it (RFC 6454, 6.2): scheme, host, an unusual port."""
    url = _split(text)
    if url is None or url.scheme not in ("http", "https") or not url.hostname or "@" in text:
        return False
    if url.port == {"http": 80, "https": 443}[url.scheme]:
        return False
    address = _address(url.hostname)
    right = _is_name(url.hostname) if address is None else True
    return right and text == f"{url.scheme}://{url.netloc}" and text == text.lower()


def _split(text: str) -> SplitResult | None:
    if len(text) > _LONGEST or _SHOWN.fullmatch(text) is None or "\\" in text:
        return None
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError:
        return None
    return None if port == 0 else url


def _address(host: str) -> _Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _is_name(host: str) -> bool:
    # A last label of digits alone, or hexadecimal, is read as an address by some resolvers (WHATWG URL, 3.5).
    last = host.rpartition(".")[2]
    return _NAME.fullmatch(host) is not None and re.fullmatch(r"[0-9]+|0[xX][0-9A-Fa-f]*", last) is None


def _is_private(address: _Address) -> bool:
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return any((mapped or address) in network for network in _PRIVATE)
