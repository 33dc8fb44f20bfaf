"""One plain text with the forms that the detectors search: made once, used by all of them."""

from __future__ import annotations

from functools import cached_property
from typing import Final, Iterable, NamedTuple

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
_LETTERS: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SHAPES: Final = _table(
    (_DIGITS, b"0"), (_LETTERS, b"a"), (b"_", b"_"), (b"-", b"-"), (b".", b"."), (b"\n", b"\n")
)
_RUNS: Final = _table((_DIGITS + _LETTERS + b"_-", b"a"))
# The shortest that a token can be; names and words are rarely that long.
RUN: Final = 16
_LONG: Final = b"a" * RUN
_PIECE: Final = 16_000
_LOWER: Final = b"abcdefghijklmnopqrstuvwxyz"
# Tokens of Hugging Face are letters, and one in thirty key ids of AWS has no digit.
_LETTERS_ONLY: Final = frozenset({b"hf_", b"AKI", b"ASI"})


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
        """`0` for digits, `a` for letters, `_`, `-`, `.` and new lines as they are, spaces for the rest."""
        return self.data.translate(_SHAPES)

    @cached_property
    def runs(self) -> list[tuple[int, int]]:
        """Start and end of every run of at least `RUN` letters, digits, `_` and `-` that may be random."""
        return _runs(self.data, self.shape)


def _runs(data: bytes, shape: bytes) -> list[tuple[int, int]]:
    # Most time is spent in this loop. Most long runs are names: no digit, few capitals or only capitals.
    marked = data.translate(_RUNS)
    find, digit = marked.find, shape.find
    found, size, at = [], len(marked), 0
    while at < size:
        # In a longer piece, `find` prepares a table each time, which takes longer than what it saves.
        start = find(_LONG, at, at + _PIECE)
        if start < 0:
            at += _PIECE - RUN + 1
            continue
        at = find(b" ", start + RUN)
        if at < 0:
            at = size
        if digit(b"0", start, at) >= 0 or (
            not (run := data[start:at]).islower()
            and (
                run[:3] in _LETTERS_ONLY
                or (len(run.translate(None, _LOWER)) * 3 > at - start and not run.isupper())
            )
        ):
            found.append((start, at))
    return found


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
