"""Test keys, and the search for one wherever it must not be."""

from __future__ import annotations

import base64
import os
import secrets
import string
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Iterable

_ALPHABET = string.ascii_letters + string.digits
_PIECE = 7


@dataclass(frozen=True)
class Canary:
    """A key of which both halves are unique random text: a redaction that stops half way is found too.

    The halves survive percent-encoding, JSON escapes and quoting of what needs it unchanged; every other
    form is searched for besides. Wherever one half is cut in two, one of its ends of seven characters is
    whole.
    """

    first: str
    second: str

    @property
    def key(self) -> str:
        """The key as the user has it, with a dot and signs that encoders change."""
        return f"gp-test-{self.first}.{self.second}+/~"

    @cached_property
    def _forms(self) -> dict[str, list[tuple[str, bytes]]]:
        """(name of the encoding, bytes) by what is done to the data first."""
        forms: dict[str, list[tuple[str, bytes]]] = {"as it is": [], "lower": [], "joined": []}
        for part in (self.first, self.second):
            data = part.encode()
            ends = part[len("gp-") :] if part.startswith("gp-") else part
            forms["as it is"] += [
                ("plain", data),
                ("reversed", data[::-1]),
                ("UTF-16", part.encode("utf-16-le")),
                *(("a piece", piece.encode()) for piece in (ends[:_PIECE], ends[-_PIECE:])),
            ]
            forms["lower"] += [
                ("hexadecimal", data.hex().encode()),
                ("percent-encoded", "".join(f"%{byte:02x}" for byte in data).encode()),
                ("JSON-escaped", "".join(f"\\u{byte:04x}" for byte in data).encode()),
            ]
            forms["joined"].append(("split over lines", data))
            for shift in range(3):
                forms["joined"] += [("base64", inner) for inner in _base64_inside(data, shift)]
        return forms

    def encodings_in(self, data: bytes) -> list[str]:
        """The encodings in which the key, or a piece of it, stands in `data`."""
        SEARCHED.bytes += len(data)
        views = {"as it is": data, "lower": data.lower(), "joined": data.translate(None, b" \t\r\n")}
        found = {name for view, forms in self._forms.items() for name, form in forms if form in views[view]}
        if "plain" in found:
            found -= {"a piece", "split over lines"}
        return sorted(found)


def _base64_inside(data: bytes, shift: int) -> set[bytes]:
    """What is the same in the base64 (both alphabets) of everything that has `data` at that alignment.

    The characters at both ends depend on what stands beside it, so they are left out.
    """
    padded = b"\0" * shift + data
    inner = slice(-(-shift * 8 // 6), len(padded) * 8 // 6)
    return {base64.b64encode(padded)[inner], base64.urlsafe_b64encode(padded)[inner]}


@dataclass
class Searched:
    """How much was searched; counted up by what searches."""

    files: int = 0
    outputs: int = 0
    children: int = 0
    bytes: int = 0
    leaks: int = 0

    def since(self, earlier: Searched) -> dict[str, int]:
        """What came since."""
        return {name: value - getattr(earlier, name) for name, value in vars(self).items()}


SEARCHED = Searched()
# Every key that was made and whose test has not ended.
ISSUED: list[Canary] = []


def new_canary() -> Canary:
    """A key that no other test has."""
    canary = Canary(*("".join(secrets.choice(_ALPHABET) for _ in range(14)) for _ in range(2)))
    ISSUED.append(canary)
    return canary


def leaks(canaries: Iterable[Canary], folders: Iterable[Path], allowed: set[Path]) -> list[str]:
    """Every file under `folders`, but for the allowed ones, that holds a key: in its content or its name."""
    found = []
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path in allowed:
                continue
            data = os.fsencode(path.name)
            if path.is_symlink():
                data += b"\n" + os.fsencode(os.readlink(path))  # noqa: PTH115  # Path.readlink leaves bytes behind
            elif path.is_file():
                data += b"\n" + path.read_bytes()
            SEARCHED.files += 1
            found += in_all(canaries, data, str(path))
    return found


def in_all(canaries: Iterable[Canary], data: bytes, where: str) -> list[str]:
    """`where` and the encoding, for each way in which one of the keys stands in `data`."""
    found = [f"{where} ({name})" for canary in canaries for name in canary.encodings_in(data)]
    SEARCHED.leaks += len(found)
    return found
