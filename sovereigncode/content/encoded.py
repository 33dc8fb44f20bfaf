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
# Whole lines of base64, as tools wrap it, are one value.
_MORE_LINES: Final = re.compile(rb"(?:\r?\n[ \t]{0,16}[A-Za-z0-9+/]{4,}={0,2})+")
# Source text is judged, a picture is not worth it: its first bytes say that it is no text.
_PROBE: Final = 48


def hidden_texts(view: View) -> Iterator[str]:
    """The ASCII text of everything that is base64 or base64url of one, in order."""
    data, done = view.data, 0
    for start, end in view.runs:
        if end - start < _LEAST or start < done:
            continue
        run = data[start:end]
        if run.islower() or run.isupper():
            continue
        if _text(run[:_PROBE]) is None:
            continue
        more = _MORE_LINES.match(data, end) if data[end : end + 1] in (b"\n", b"\r") else None
        whole = b"".join(data[start : more.end()].split()) if more is not None else run
        text = _text(whole)
        if text is None:
            text = _text(run)
        elif more is not None:
            done = more.end()
        if text is not None:
            yield text


def _text(encoded: bytes) -> str | None:
    encoded = encoded.rstrip(b"=").translate(_URL_SAFE)
    encoded = encoded[: len(encoded) - (len(encoded) % 4 == 1)]
    try:
        decoded = binascii.a2b_base64(encoded + b"=" * (-len(encoded) % 4))
    except binascii.Error:
        return None
    if not decoded.isascii() or decoded.translate(None, _PRINTABLE):
        return None
    return decoded.decode("ascii")
