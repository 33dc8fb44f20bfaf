"""What `approvals watch` shows, and diffs in colour."""

from __future__ import annotations

from pathlib import Path

import pytest

from foundation.terminal.text import PALETTE, settle
from sovereigncode.approvals.approval import State
from sovereigncode.approvals.files import Listed
from sovereigncode.approvals.watching import News, Watch, coloured

DIFF = """\
--- a/list.sql
+++ b/list.sql
@@ -1,3 +1,3 @@ table
 keep
--- a comment in SQL
+++ not a header
 \tkeep
--- a/other
+++ b/other
@@ -0,0 +1 @@
+new
\\ No newline at end of file
"""
COLOURS = (
    *("heading", "heading", "place", "-", "removed", "added", "-"),
    *("heading", "heading", "place", "added", "heading"),
)


def one(number: int, state: State = State.PENDING) -> Listed:
    return Listed(f"ap_{number}", state, Path(f"ap_{number}.json"))


def test_each_approval_is_shown_once_when_it_comes_and_once_when_it_is_settled() -> None:
    looks = [
        [],
        [one(1), one(2, State.USED)],
        [one(1), one(2, State.USED), one(3)],
        [one(1, State.APPROVED), one(3), one(4, State.INVALID)],
        [one(1, State.USED), one(3, State.EXPIRED)],
        [one(3)],
    ]
    waiting = iter(looks)
    watch = Watch(lambda: next(waiting))
    assert [watch.next() for _ in looks] == [
        News((), ()),
        News((one(1),), ()),
        News((one(3),), ()),
        News((), (one(1, State.APPROVED),)),
        News((), (one(3, State.EXPIRED),)),
        News((one(3),), ()),
    ]


def test_a_diff_in_colour() -> None:
    lines = coloured(DIFF).split("\n")
    assert len(lines) == len(COLOURS)
    for line, colour in zip(lines, COLOURS, strict=True):
        assert line.startswith("\x1b[") == (colour != "-"), line
        assert colour == "-" or line.startswith(PALETTE[colour]), line
    assert settle(coloured(DIFF), encoding="utf-8", colour=False) == DIFF[:-1]


@pytest.mark.parametrize("colour", [True, False])
def test_a_diff_cannot_colour_or_move_anything_itself(colour: bool) -> None:
    """A file's own escape sequences, even those of our colours, are shown as text."""
    hostile = "@@ -1 +1,2 @@\n-a\n+\x1b[31m-b\x1b[0m\x1b[2J\r\u202e\n+c\u2066"
    shown = settle(coloured(hostile), encoding="utf-8", colour=colour)
    assert "\\x1b[31m-b\\x1b[0m\\x1b[2J\\r\\u202e" in shown
    assert "\\u2066" in shown


@pytest.mark.parametrize(
    "text", ["", "\n", "@@ -1,99999999999999999999 +1 @@\n+x", "@@ -a +b @@", "+++", "no diff"]
)
def test_what_is_no_diff_is_shown_too(text: str) -> None:
    assert settle(coloured(text), encoding="utf-8", colour=False) == text.removesuffix("\n")
