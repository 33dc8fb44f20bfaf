"""One plain text with the forms that the detectors search: made once, used by all of them."""

from __future__ import annotations

import re
from functools import cached_property
from typing import Final, Iterable, Iterator, NamedTuple

from sovereigncode.content.kinds import Kind


class Span(NamedTuple):
    """Where something was found: byte offsets into `View.data`. Never the value itself."""

    kind: Kind
    start: int
    end: int


def _table(*classes: tuple[bytes, bytes]) -> bytes:
    table = bytearray(b" " * 256)
    for members, name in classes:
        for member in members:
            table[member] = name[0]
    return bytes(table)


_DIGITS: Final = b"0123456789"
_CAPITALS: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_SHAPES: Final = _table(
    *((_DIGITS, b"0"), (_CAPITALS, b"A"), (_CAPITALS.lower(), b"a")),
    *((b"_", b"_"), (b"-", b"-"), (b".", b"."), (b"\n", b"\n")),
)
# The shortest that a token can be; names and words are rarely that long.
RUN: Final = 16
# What a random text has somewhere and few names have: digits in a word, a small letter between capitals.
_SIGNS_OF_CHANCE: Final = (re.compile(rb"0(?<=[aA_\-]0)0*[aA]"), re.compile(rb"AaA"))
# One id of AWS in thirty has neither, and so do some keys of GonkaGate, which must be found. GitLab's are
# short, Hugging Face's have letters only, and in SendGrid's a dot separates two short parts.
_WITHOUT_SIGNS: Final = (
    re.compile(rb"AKIA[A-Z2-7]{16}"),
    re.compile(rb"gp-[A-Za-z0-9_\-]{13,200}"),
    re.compile(rb"glpat-[A-Za-z0-9_\-]{16,300}"),
    re.compile(rb"hf_[A-Za-z0-9]{30,40}"),
    re.compile(rb"SG\.[A-Za-z0-9_\-]{16,32}\.[A-Za-z0-9_\-]{16,64}"),
)
_ONWARDS: Final = re.compile(rb"[aA0_\-]*")
_FAR: Final = 250


class View:
    """`data` is the text as `plain` gives it. Nothing prints it: not `repr`, not an error."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def __repr__(self) -> str:
        return f"View({len(self.data)} bytes)"

    @cached_property
    def lower(self) -> bytes:
        """The text in lower case, with the same offsets."""
        return self.data.lower()

    @cached_property
    def shape(self) -> bytes:
        """`0`, `a` and `A` for digits and letters; `_`, `-`, `.` and new lines; spaces for the rest."""
        return self.data.translate(_SHAPES)

    @cached_property
    def runs(self) -> list[tuple[int, int]]:
        """Start and end of every run of at least `RUN` letters, digits, `_` and `-` that may be random.

        Of a longer run than any token, it may begin within.
        """
        found = {match.span() for form in _WITHOUT_SIGNS for match in form.finditer(self.data)}
        for sign in _SIGNS_OF_CHANCE:
            found.update(_runs(self.shape, sign))
        return sorted(found)


def _runs(shape: bytes, sign: re.Pattern[bytes]) -> Iterator[tuple[int, int]]:
    end = 0
    while (match := sign.search(shape, end)) is not None:
        at = match.start()
        start = at - len(_back(_ONWARDS, shape[max(end, at - _FAR) : at]))
        end = _forth(_ONWARDS, shape, at)
        if end - start >= RUN:
            yield start, end


def _back(form: re.Pattern[bytes], before: bytes) -> bytes:
    match = form.match(before[::-1])
    return match[0] if match else b""


def _forth(form: re.Pattern[bytes], text: bytes, at: int) -> int:
    match = form.match(text, at)
    return match.end() if match else at


def apart(spans: Iterable[Span]) -> list[Span]:
    """The spans without those that overlap an earlier one: the first in the list wins."""
    kept: list[Span] = []
    taken: dict[int, list[Span]] = {}
    for span in spans:
        blocks = range(span.start >> 8, (span.end >> 8) + 1)
        if any(
            span.start < one.end and one.start < span.end for block in blocks for one in taken.get(block, ())
        ):
            continue
        kept.append(span)
        for block in blocks:
            taken.setdefault(block, []).append(span)
    return kept
