"""What surrounds a value in its text: lines, blanks and comments."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from opencode_config.jsonc.scan import BOM, COMMENT, LINE_BREAK, Node

_BLANKS: Final = re.compile(r"[ \t]*")


class Edit(NamedTuple):
    """Replace `text[start:end]` with `new`."""

    start: int
    end: int
    new: str


def line_start(text: str, offset: int) -> int:
    """Where the line of `offset` begins, after a byte order mark."""
    start = max(text.rfind("\n", 0, offset), text.rfind("\r", 0, offset)) + 1
    return start if start or not text.startswith(BOM) else len(BOM)


def indentation(text: str, offset: int) -> str:
    """The blanks that the line of `offset` begins with."""
    start = line_start(text, offset)
    return text[start : after_blanks(text, start)]


def after_blanks(text: str, offset: int) -> int:
    """The first offset from `offset` on that is neither a space nor a tab."""
    match = _BLANKS.match(text, offset)
    return match.end() if match else offset


def first_on_line(text: str, offset: int) -> bool:
    """Whether only blanks are before `offset` on its line."""
    return after_blanks(text, line_start(text, offset)) >= offset


def last_comment(text: str, start: int, end: int) -> re.Match[str] | None:
    """The last comment between two tokens; only comments, blanks and a comma may be there."""
    comment = None
    for comment in COMMENT.finditer(text, start, end):  # noqa: B007 - the last one is what is wanted
        pass
    return comment


def before(container: Node, index: int) -> int:
    """Where the space before the item with that index begins: after a comma or the bracket."""
    items = container.items or []
    previous = items[index - 1].comma if index else None
    return container.start + 1 if previous is None else previous + 1


def on_own_line(container: Node, index: int) -> bool:
    """Whether a line break is between an item and what comes before it."""
    lead = (container.items or [])[index].lead
    return LINE_BREAK.search(container.text, before(container, index), lead) is not None


def is_blank(text: str) -> bool:
    """Whether there are only blanks and line breaks."""
    return not text.strip(" \t\r\n")
