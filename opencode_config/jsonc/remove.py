"""Remove items from a container: each with its comma, its comments, and its line if that is empty then.

Every other comment is kept. Items are removed from the first to the last, and what is left of one is what the
next one finds before it; one pass for any number of items.
"""

from __future__ import annotations

from typing import Sequence

from opencode_config.jsonc.lines import Edit, after_blanks, is_blank, last_comment
from opencode_config.jsonc.scan import COMMENT, LINE_BREAK, Node


def dropped(container: Node, gone: Sequence[Node]) -> list[Edit]:
    """The edits that remove the items in `gone` from `container`."""
    going = {id(item) for item in gone}
    gaps: list[_Gap] = []
    neighbours = False
    for index, item in enumerate(container.items or ()):
        goes = id(item) in going
        if goes and not neighbours:
            gaps.append(_Gap(container, index))
        if goes:
            gaps[-1].drop(index)
        neighbours = goes
    return [Edit(gap.start, gap.end, gap.text) for gap in gaps]


class _Gap:
    """What is left between the last kept item, or the bracket, and the next item.

    `tail` are the blanks after the last comment in it, from the last line break on, if there is one.
    Everything before is in `done`; the comma of the kept item is `done[comma_at]`.
    """

    def __init__(self, container: Node, index: int) -> None:
        self.container = container
        self.items = container.items or []
        previous = self.items[index - 1] if index else None
        self.start = container.start + 1 if previous is None else previous.end
        self.end = self.start
        self.done: list[str] = []
        self.comma_at: int | None = None
        self.comment_at: int | None = None
        self.joins = True
        self.tail = ""
        begin = self.start
        if previous is not None and previous.comma is not None:
            self.done = [container.text[self.start : previous.comma], ","]
            self.comma_at = 1
            begin = previous.comma + 1
        self._keep(container.text[begin : self.items[index].lead])

    @property
    def text(self) -> str:
        """What is left."""
        return "".join((*self.done, self.tail))

    def drop(self, index: int) -> None:
        """Remove the item with that index, which is the next one."""
        item, text, last = self.items[index], self.container.text, index + 1 == len(self.items)
        self.end = self.container.end - 1 if last else self.items[index + 1].lead
        own_end = _own_end(item, self.end)
        after = after_blanks(text, own_end)
        line_break = LINE_BREAK.match(text, after)
        comma_is_apart = item.comma is None or item.comma >= own_end
        if line_break and comma_is_apart and self._comma_begins_line():
            self._drop_line_with_comma(item, line_break.end())
            return
        stop = own_end
        kept = self.tail
        closes = last and after == self.end
        line_start = _line_start(self.tail)
        if line_start is None:
            if line_break or closes:
                kept = ""
            else:
                stop = after
        elif line_break:
            kept, stop = self.tail[:line_start], line_break.end()
        elif closes and self.joins:
            kept = ""
            del self.done[max(self.comma_at or -1, (self.comment_at or 0) - 1) + 1 :]
        else:
            stop = after
        if last and self._empties(item, kept, stop):
            self.done, self.tail = [], ""
            return
        rest = text[stop : self.end]
        if item.comma is None and self.comma_at is not None:
            self.done[self.comma_at] = ""
        elif item.comma is not None and item.comma >= own_end:
            rest = text[stop : item.comma] + text[item.comma + 1 : self.end]
        self.tail = kept
        self._keep(rest)

    def _keep(self, rest: str) -> None:
        comment = last_comment(rest, 0, len(rest))
        self.tail += rest
        if comment is not None:
            cut = len(self.tail) - len(rest) + comment.end()
            self._done(cut)
            self.comment_at, self.joins = len(self.done), not comment[0].startswith("//")
        self._done(max(self.tail.rfind("\n"), self.tail.rfind("\r")))

    def _done(self, cut: int) -> None:
        if cut > 0:
            self.done.append(self.tail[:cut])
            self.tail = self.tail[cut:]

    def _comma_begins_line(self) -> bool:
        """Whether the item comes after a comma that is the first thing on its line."""
        if self.comma_at is None or self.comma_at + 1 != len(self.done) or _line_start(self.tail) is not None:
            return False
        head = self.done[self.comma_at - 1]
        line_start = _line_start(head)
        return line_start is not None and is_blank(head[line_start:])

    def _drop_line_with_comma(self, item: Node, stop: int) -> None:
        """Remove the comma with the item; the item's own comma, on a later line, takes its place."""
        text, head = self.container.text, self.done[0]
        self.done, self.comma_at, self.tail = [head[: _line_start(head)]], None, ""
        if item.comma is None:
            self._keep(text[stop : self.end])
            return
        self.done[0] += text[stop : item.comma]
        self.done.append(",")
        self.comma_at = 1
        self._keep(text[item.comma + 1 : self.end])

    def _empties(self, item: Node, kept: str, stop: int) -> bool:
        """Whether only blanks and line breaks would be left between the brackets."""
        if self.comma_at is not None or self.start != self.container.start + 1:
            return False
        rest = item.text[stop : self.end]
        inner = self.text + item.text[item.lead : self.end]
        return is_blank("".join((*self.done, kept, rest))) and LINE_BREAK.search(inner) is not None


def _line_start(text: str) -> int | None:
    """Where the last line begins; None if the text has no line break."""
    return max(text.rfind("\n"), text.rfind("\r")) + 1 or None


def _own_end(item: Node, following: int) -> int:
    """Where an item ends with its comma and its own comments, which are those after it on its line.

    A comment between the comma and another item on the same line belongs to that item.
    """
    text = item.text
    line_break = LINE_BREAK.search(text, item.end, following)
    line_end = line_break.start() if line_break else following
    comments = [
        match.end() for match in COMMENT.finditer(text, item.end, following) if match.end() <= line_end
    ]
    comma = item.comma if item.comma is not None and item.comma < line_end else None
    end = max([item.end, *comments] if comma is None else [comma + 1])
    alone = after_blanks(text, max([end, *comments])) == line_end
    ends_line = line_break is not None or text[following] in "}]"
    return max([end, *comments]) if alone and ends_line else end
