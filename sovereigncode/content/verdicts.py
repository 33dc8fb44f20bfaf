"""Verdicts that were already given: an agent sends its whole conversation with every request.

A verdict is kept under a keyed hash of its texts, which tells nothing about them without the key; the texts
are not kept.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from typing import Final, Iterable

from sovereigncode.content.ignored import Ignored
from sovereigncode.content.kinds import Findings

# About 200 bytes each.
CAPACITY: Final = 20_000
_DIGEST: Final = 16


class Verdicts:
    """At most `capacity` verdicts; the one that was not used for the longest time is dropped. Thread-safe."""

    def __init__(self, key: bytes, capacity: int = CAPACITY) -> None:
        """`key`: 16 to 64 random bytes, which only this process knows. `capacity`: 0 keeps nothing."""
        if not 16 <= len(key) <= hashlib.blake2b.MAX_KEY_SIZE:  # noqa: PLR2004 - see above
            raise ValueError("the key of the verdicts has 16 to 64 bytes")
        self._key = key
        self._capacity = capacity
        self._lock = threading.Lock()
        self._kept: OrderedDict[bytes, Findings] = OrderedDict()

    def __repr__(self) -> str:
        return f"Verdicts({len(self._kept)} of {self._capacity})"

    def __len__(self) -> int:
        return len(self._kept)

    def digest(self, texts: Iterable[str], ignored: Ignored) -> bytes:
        """What a verdict about these texts, in this order and under this allow-list, is kept under."""
        hashed = hashlib.blake2b(key=self._key, digest_size=_DIGEST)
        for part in (ignored.entries, tuple(texts)):
            hashed.update(b"%d;" % len(part))
            for text in part:
                data = text.encode("utf-8", "surrogatepass")
                hashed.update(b"%d;" % len(data))
                hashed.update(data)
        return hashed.digest()

    def get(self, digest: bytes) -> Findings | None:
        """The verdict that is kept under the digest."""
        with self._lock:
            found = self._kept.get(digest)
            if found is not None:
                self._kept.move_to_end(digest)
            return found

    def put(self, digest: bytes, verdict: Findings) -> None:
        """Keep a verdict."""
        with self._lock:
            self._kept[digest] = verdict
            self._kept.move_to_end(digest)
            while len(self._kept) > self._capacity:
                self._kept.popitem(last=False)
