"""Base64 that hides text: decoded, so that the text is judged like any other."""

from __future__ import annotations

import binascii
import re
from typing import Final, Iterator

from sovereigncode.content.view import View

# The shortest text that can have a finding worth decoding for has 18 characters.
_LEAST: Final = 24
_PRINTABLE: Final = bytes([*range(0x20, 0x7F), 9, 10, 13, 0])
_URL_SAFE: Final = bytes.maketrans(b"-_", b"+/")
# Of a run that may be random, what else base64 may have before and after it.
_SIGNS: Final = re.compile(rb"[A-Za-z0-9+/]*")
_FAR: Final = 400
# Whole lines of base64, as tools wrap it, are one value.
_MORE_LINES: Final = re.compile(rb"(?:\r?\n[ \t]{0,16}[A-Za-z0-9+/]{4,}={0,2})+")
# Source text is judged, a picture is not worth it: its first bytes say that it is no text.
_PROBE: Final = 48


def hidden_texts(view: View) -> Iterator[str]:
    """The ASCII text of everything that is base64 or base64url of one, in order."""
    data, done, seen = view.data, 0, 0
    for run, end in view.runs:
        if run < done:
            continue
        pieces = [(run, end)]
        # A picture of a megabyte has thousands of runs, and is looked at as a whole once.
        if run >= seen:
            before, after = _SIGNS.match(data[max(done, run - _FAR) : run][::-1]), _SIGNS.match(data, end)
            seen = after.end() if after else end
            pieces.insert(0, (run - before.end() if before else run, seen))
        for first, last in dict.fromkeys(pieces):
            found = _decoded(data, first, last)
            if found is not None:
                text, done = found
                yield text
                break


def _decoded(data: bytes, start: int, end: int) -> tuple[str, int] | None:
    """The text and where its base64 ends."""
    if end - start < _LEAST or _text(data[start : min(end, start + _PROBE)]) is None:
        return None
    more = _MORE_LINES.match(data, end) if data[end : end + 1] in (b"\n", b"\r") else None
    if more is not None and (text := _text(b"".join(data[start : more.end()].split()))) is not None:
        return text, more.end()
    text = _text(data[start:end])
    return None if text is None else (text, end)


def _text(encoded: bytes) -> str | None:
    if encoded.islower() or encoded.isupper():
        return None
    encoded = encoded.rstrip(b"=").translate(_URL_SAFE)
    encoded = encoded[: len(encoded) - (len(encoded) % 4 == 1)]
    try:
        decoded = binascii.a2b_base64(encoded + b"=" * (-len(encoded) % 4))
    except binascii.Error:
        return None
    if not decoded.isascii() or decoded.translate(None, _PRINTABLE):
        return None
    return decoded.decode("ascii")
