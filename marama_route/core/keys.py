"""Keys of the gateway: made from given random bytes, kept as a hash, and found in constant time."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, Iterable

from foundation.secrets import Secret

PREFIX: Final = "mr_"
RANDOM_BYTES: Final = 32
HASH_PATTERN: Final = "sha256:[0-9a-f]{64}"
_SUM: Final = "sha256:"
# So many digits of its hash tell the keys of a configuration apart.
_SHOWN: Final = 12
_KEY: Final = re.compile(r"mr_[A-Za-z0-9_-]{43}", re.ASCII)
# RFC 9110, 11.1: the scheme's case does not count; RFC 6750, 2.1: one space, then the token.
_BEARER: Final = re.compile(r"bearer +(\S+)", re.IGNORECASE | re.ASCII)


class Role(str, Enum):
    """What a key may do: a client asks models, an approver also decides about tool calls."""

    CLIENT = "client"
    APPROVER = "approver"


@dataclass(frozen=True)
class Key:
    """A key as the configuration has it: `hash` is `sha256:` and 64 hex digits."""

    hash: str
    role: Role = Role.CLIENT


@dataclass(frozen=True)
class Holder:
    """Whose key was presented, and what it may do. `actor` names the key in records, not its text."""

    tenant: str
    role: Role
    actor: str = field(default="", compare=False)


def made(random: bytes) -> Secret:
    """The key of 32 random bytes: `mr_` and 43 base64url characters. ValueError for another length."""
    if len(random) != RANDOM_BYTES:
        raise ValueError(f"a key is made from {RANDOM_BYTES} bytes")
    return Secret(PREFIX + base64.urlsafe_b64encode(random).rstrip(b"=").decode("ascii"))


def hash_of(key: Secret) -> str:
    """What the configuration keeps: the SHA-256 of the key's whole text."""
    return "sha256:" + hashlib.sha256(key.reveal().encode("utf-8", "surrogatepass")).hexdigest()


def presented(authorization: str | None) -> Secret | None:
    """The key of an Authorization header; None for every header that cannot hold one."""
    match = _BEARER.fullmatch((authorization or "").strip(" \t"))
    if match is None or _KEY.fullmatch(match[1]) is None:
        return None
    return Secret(match[1])


def find(key: Secret | None, known: Iterable[tuple[Key, str]]) -> Holder | None:
    """The holder of a key among `(key, tenant)`. Every entry is compared, in constant time."""
    digest = hash_of(key or Secret("")).encode("ascii")
    found: Holder | None = None
    for entry, tenant in known:
        if hmac.compare_digest(digest, entry.hash.encode("utf-8")):
            found = Holder(tenant, entry.role, f"key:{entry.hash[len(_SUM) :][:_SHOWN]}")
    return None if key is None else found
