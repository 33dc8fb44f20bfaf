"""Test keys, and the search for one wherever it must not be."""

from __future__ import annotations

import base64
import secrets
import string
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator

_ALPHABET = string.ascii_letters + string.digits


@dataclass(frozen=True)
class Canary:
    """A key of which both halves are unique random text: a redaction that stops half way is found too.

    The halves survive percent-encoding, JSON escapes and quoting unchanged; base64, hexadecimal and UTF-16
    are searched for besides.
    """

    first: str
    second: str

    @property
    def key(self) -> str:
        """The key as the user has it, with a dot and signs that encoders change."""
        return f"gp-test-{self.first}.{self.second}+/~"

    def needles(self) -> Iterator[tuple[str, bytes]]:
        """(name of the encoding, bytes) for everything that would give the key away."""
        for part in (self.first, self.second):
            yield "plain", part.encode()
            yield "reversed", part[::-1].encode()
            yield "UTF-16", part.encode("utf-16-le")
            yield "hexadecimal", part.encode().hex().encode()
        whole = self.key.encode()
        for shift in range(3):
            # The characters at both ends depend on what stands beside the key, so they are left out.
            encoded = base64.b64encode(b"\0" * shift + whole)
            yield "base64", encoded[4 : len(encoded) - len(encoded) % 4 - 4]

    def encodings_in(self, data: bytes) -> list[str]:
        """The encodings in which the key stands in `data`."""
        lower = data.lower()
        return sorted(
            {name for name, needle in self.needles() if needle in (lower if name == "hexadecimal" else data)}
        )


def new_canary() -> Canary:
    """A key that no other test has."""
    return Canary(*("".join(secrets.choice(_ALPHABET) for _ in range(14)) for _ in range(2)))


def leaks(canaries: list[Canary], folders: list[Path], allowed: set[Path]) -> list[str]:
    """Every file under `folders`, but for the allowed ones, that holds a key: in its content or its name."""
    found = []
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path in allowed:
                continue
            data = b""
            if path.is_symlink():
                data = str(path.readlink()).encode() if hasattr(path, "readlink") else b""
            elif path.is_file():
                data = path.read_bytes()
            for canary in canaries:
                found += [f"{path} ({name})" for name in canary.encodings_in(data + path.name.encode())]
    return found
