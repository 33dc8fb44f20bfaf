"""`{env:…}` and `{file:…}` in a text, found as opencode's own patterns find them.

opencode fills in `{env:…}` first, with anything but `}` in it, then resolves `{file:…}` in the same way
(docs/opencode-facts.md#references). A config may contain many unclosed references: all of this takes linear
time.
"""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import Callable, Final, Iterable, Iterator, NamedTuple

# What JavaScript's trimStart strips from the beginning of a line, as far as a config can contain it.
_SKIPPED: Final = re.compile("[ \t\r\v\f\u00a0\u2028\u2029\ufeff]*//")


class Found(NamedTuple):
    """`text[start:end]` is a reference to `argument`: a variable's name, or a path, as written."""

    start: int
    end: int
    argument: str


def env_references(text: str) -> Iterator[Found]:
    """Every `{env:…}`."""
    return _references(text, "{env:")


def file_references(text: str, filled: bool = False) -> Iterator[Found]:
    """Every `{file:…}` that opencode resolves: all but those on a line that begins with `//`.

    `filled`: the `{env:…}` in the text are filled in already; otherwise a path may hold some.
    """
    line, skipped, seen = 0, False, -1
    for found in _references(text, "{file:", nested=not filled):
        start = text.rfind("\n", seen + 1, found.start) + 1
        if start or seen < 0:
            line = start
            skipped = _SKIPPED.match(text, line) is not None
        seen = found.start
        if not skipped:
            yield found


def fill_in(text: str, found: Iterable[Found], value: Callable[[str], str | None]) -> str:
    """The text with each reference replaced by `value` of its argument; None keeps it."""
    parts: list[str] = []
    done = 0
    for one in found:
        known = value(one.argument)
        if known is not None:
            parts += (text[done : one.start], known)
            done = one.end
    return "".join((*parts, text[done:]))


def place(argument: str, base: PurePath, home: PurePath) -> PurePath:
    """The file that the path of a `{file:…}` names: only `~/` is the home, all else is relative to `base`."""
    return home / argument[2:] if argument.startswith("~/") else base / argument


def _references(text: str, opening: str, nested: bool = False) -> Iterator[Found]:
    start = text.find(opening)
    while start >= 0:
        first = start + len(opening)
        end = text.find("}", first)
        if end < 0:
            return
        if nested:
            end = _behind_nested(text, first, end)
        if end > first:
            yield Found(start, end + 1, text[first:end])
        start = text.find(opening, max(end, first))


def _behind_nested(text: str, first: int, end: int) -> int:
    """The brace that ends a path beginning at `first`, skipping that of an `{env:…}` in it."""
    inner = text.find("{env:", first, end)
    while 0 <= inner < end - len("{env:"):
        following = text.find("}", end + 1)
        if following < 0:
            return end
        inner, end = text.find("{env:", end + 1, following), following
    return end
