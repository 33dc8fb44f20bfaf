"""Known secrets found in any text, in whatever form they appear there."""

from __future__ import annotations

import re
from base64 import b32encode, b64encode, urlsafe_b64encode
from bisect import bisect_right
from functools import lru_cache
from typing import Final, Iterable, Iterator

from foundation.secrets import Secret

# What may be between two characters of a secret: line ends, continuations, quote marks and indentation of
# wrapped text (escaped ones too), frames of boxes, terminal escapes, hyperlinks (OSC 8), UTF-16's zero bytes.
_GAPS: Final = (
    r"(?:\\(?:[nrt]|(?:x1[bB]|u001[bB]|033|e)\[[0-9;:?]*[A-Za-z]"
    r"|u(?:00(?:0[0-9a-fA-F]|20|23|3[eE]|7[cC]|[aA]0)|2[0-9a-fA-F]{3}))?"
    r"|\x1b(?:\[[0-9;:?]*[A-Za-z]|\][^\x07\x1b]*(?:\x07|\x1b\\))"
    r"|[\s\x00\u200b\u2026\u2500-\u257f|>#]+)"
)


def replace_known(text: str, secrets: Iterable[Secret], replacement: str) -> str:
    """`text` with `replacement` instead of the secrets, in whatever form they appear.

    Plain, percent-encoded, JSON-escaped, as HTML entities, in hexadecimal, as decimal bytes, in base64 (also
    twice), base64url or base32, as UTF-16, with colours or links in it, or split over wrapped lines.
    """
    done, parts = 0, []
    for start, end in find_known(text, secrets):
        parts += [text[done:start], replacement]
        done = end
    return "".join([*parts, text[done:]])


def find_known(text: str, secrets: Iterable[Secret]) -> list[tuple[int, int]]:
    """Start and end of every secret in the text, as `replace_known` finds them, in order."""
    values = [secret.reveal() for secret in secrets if secret.reveal()]
    if not values:
        return []
    dense = _Dense(text)
    spans: list[tuple[int, int]] = []
    for value in values:
        forms, as_text = _patterns(value)
        for form in forms:
            spans += [dense.original(*match.span()) for match in form.finditer(dense.text)]
        spans += [match.span() for match in as_text.finditer(text)]
    apart: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if apart and start < apart[-1][1]:
            start, end = apart[-1][0], max(end, apart.pop()[1])  # noqa: PLW2901
        apart.append((start, end))
    return apart


class _Dense:
    """A text without the gaps that may be within a secret, and where each of its characters was."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._starts: list[int] = []
        self._origins: list[int] = []
        parts, at, length = [], 0, 0
        for gap in [*re.finditer(_GAPS, text), None]:
            start, end = (len(text), len(text)) if gap is None else gap.span()
            if start > at:
                self._starts.append(length)
                self._origins.append(at)
                parts.append(text[at:start])
                length += start - at
            at = end
        self.text = "".join(parts)

    def original(self, start: int, end: int) -> tuple[int, int]:
        """Where `self.text[start:end]` is in the original text, including the backslashes of an escape."""
        first, last = self._origin(start), self._origin(end - 1) + 1
        while self._text[first] in "ux" and first and self._text[first - 1] == "\\":
            first -= 1
            if not first or self._text[first - 1] != "\\":
                break
        return first, last

    def _origin(self, index: int) -> int:
        part = bisect_right(self._starts, index) - 1
        return self._origins[part] + index - self._starts[part]


# A report has dozens of texts, each searched for the same one or two keys.
@lru_cache(maxsize=8)
def _patterns(value: str) -> tuple[tuple[re.Pattern[str], ...], re.Pattern[str]]:
    """What finds the value in a dense text, and in a text as it is."""
    decimal = r"[\s,;]+".join(str(byte) for byte in _bytes(value))
    return tuple(_forms(value)), re.compile(rf"{re.escape(value)}|(?<!\d){decimal}(?!\d)")


def _forms(value: str) -> Iterator[re.Pattern[str]]:
    """Regular expressions for the forms in which a dense text may contain the value."""
    if not re.sub(_GAPS, "", value):
        return
    yield re.compile("".join(_character(character) for character in value))
    data = _bytes(value)
    yield re.compile(r"(?:[:,;-]|0?x)*".join(f"{byte:02x}" for byte in data), re.IGNORECASE)
    for core in {
        *_base64(data),
        *_base32(data),
        *(twice for once in _base64(data) for twice in _base64(once)),
    }:
        yield re.compile("".join(_BASE64.get(letter, letter) for letter in core.decode()))


def _bytes(value: str) -> bytes:
    """The bytes of a value; Python decodes what is not UTF-8 in an environment to surrogates (PEP 383)."""
    try:
        return value.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return value.encode("utf-8", "surrogatepass")


def _base64(data: bytes) -> Iterator[bytes]:
    """The base64 text of the bytes for each position within a group of three, in both alphabets."""
    for shift in range(3):
        for encode in (b64encode, urlsafe_b64encode):
            yield encode(bytes(shift) + data)[-(-shift * 8 // 6) : (shift + len(data)) * 8 // 6]


def _base32(data: bytes) -> Iterator[bytes]:
    for shift in range(5):
        yield b32encode(bytes(shift) + data)[-(-shift * 8 // 5) : (shift + len(data)) * 8 // 5]


_BASE64: Final = {"+": r"(?:\+|%2[bB]|u002[bB])", "/": r"(?:/|%2[fF])"}


def _character(character: str) -> str:
    code = f"{ord(character):02x}"
    either = "".join(f"[{digit}{digit.upper()}]" if digit.isalpha() else digit for digit in code)
    encoded = rf"%(?:25)*{either}|u00{either}|x{either}|&(?:{ord(character)}|[xX]{either});"
    # A gap character can appear in a dense text only in an encoded form; so can the `#` of an entity.
    if re.fullmatch(_GAPS, character):
        return f"(?:{encoded})?"
    return f"(?:{re.escape(character)}|{encoded})"
