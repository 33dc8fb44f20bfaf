"""The smallest edits that give a text a new value, from its tree and the value that it should have.

The rules (docs/lossless.md explains them to users):
  - what is equal is not touched; objects are changed member by member, arrays by appending and removing; one
    that has nothing in common with its target is replaced as a whole if it has no comment in it;
  - a new member is added after its siblings and after the comments that follow them, and looks like the last
    sibling: its indentation, line ending, colon, and a trailing comma if the container has one;
  - how things are removed is described in remove.py.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import Any, Final, Iterator, Union

from opencode_config.jsonc import scan
from opencode_config.jsonc.lines import (
    Edit,
    after_blanks,
    before,
    first_on_line,
    indentation,
    is_blank,
    last_comment,
    on_own_line,
)
from opencode_config.jsonc.remove import dropped
from opencode_config.jsonc.scan import LINE_BREAK, REFERENCE, STRING, Node, Reference

_COLON: Final = re.compile(r"[ \t]*:[ \t]*")
_KEY: Final = re.compile(f"{STRING.pattern}|{REFERENCE.pattern}")
_INDENTED: Final = re.compile(r'[\r\n](\t| +)"')
_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")

# The containers from the root down to the current one.
_Chain = tuple[Node, ...]


@dataclass(frozen=True)
class _Append:
    """Add `entries` (key or None, value) after the last item of `chain[-1]`."""

    chain: _Chain
    entries: tuple[tuple[str | None, Any], ...]


@dataclass(frozen=True)
class _Drop:
    """Remove `items` from `container`."""

    container: Node
    items: tuple[Node, ...]


@dataclass(frozen=True)
class _Replace:
    """Replace the value `node` in `chain[-1]` with `value`."""

    chain: _Chain
    node: Node
    value: Any


_Change = Union[_Append, _Drop, _Replace]


def same(left: Any, right: Any) -> bool:
    """Whether two plain values are the same JSON: 1 equals 1.0, but neither equals true."""
    pending = [(left, right)]
    while pending:
        one, two = pending.pop()
        if one is two:
            continue
        if isinstance(one, dict) and isinstance(two, dict):
            if one.keys() != two.keys():
                return False
            pending.extend((one[key], two[key]) for key in one)
        elif isinstance(one, list) and isinstance(two, list):
            if len(one) != len(two):
                return False
            pending.extend(zip(one, two))
        elif isinstance(one, (dict, list, bool)) or isinstance(two, (dict, list, bool)) or one != two:
            return False
    return True


def drop(root: Node, target: dict[str, Any]) -> list[Edit]:
    """The edits that remove what `target` does not have.

    Called after `fill`, so that new text can take its style from what is removed here.
    """
    return [
        edit
        for change in _changes(root, target)
        if isinstance(change, _Drop)
        for edit in dropped(change.container, change.items)
    ]


def fill(root: Node, target: dict[str, Any]) -> list[Edit]:
    """The edits that set and add what `target` has."""
    edits: list[Edit] = []
    for change in _changes(root, target):
        if isinstance(change, _Append):
            edits.extend(_appended(change.chain, change.entries))
        elif isinstance(change, _Replace):
            style = _Style.beside(change.chain, change.node)
            edits.append(Edit(change.node.start, change.node.end, style.render(change.value)))
    return edits


def splice(text: str, edits: list[Edit]) -> str:
    """The text with all edits made; they must not overlap, equal offsets keep their order."""
    parts: list[str] = []
    done = 0
    for edit in sorted(edits, key=lambda edit: edit.start):
        parts += (text[done : edit.start], edit.new)
        done = edit.end
    return "".join((*parts, text[done:]))


def _changes(root: Node, target: dict[str, Any]) -> Iterator[_Change]:
    """The changes, container by container; an item that has nothing in common with its target is replaced."""
    pending: list[tuple[_Chain, Node, Any]] = [((), root, target)]
    while pending:
        chain, node, wanted = pending.pop()
        if same(node.value, wanted):
            continue
        below = (*chain, node)
        if isinstance(node.value, dict) and isinstance(wanted, dict):
            kept, gone, entries = _members(node, wanted)
            pending.extend((below, member, wanted[member.key]) for member in kept)
        elif isinstance(node.value, list) and isinstance(wanted, list):
            kept, gone, entries = _elements(node, wanted)
        else:
            yield _Replace(chain, node, wanted)
            continue
        # A member named __proto__ is in no value: if there is one, not all items are removed.
        all_go = chain and gone and len(gone) == len(node.items or ())
        if all_go and entries and not scan.comments(node.raw):
            yield _Replace(chain, node, wanted)
            continue
        if gone:
            yield _Drop(node, tuple(gone))
        if entries:
            yield _Append(below, tuple(entries))


_Sorted = tuple[list[Node], list[Node], list[tuple[Union[str, None], Any]]]


def _members(node: Node, wanted: dict[Any, Any]) -> _Sorted:
    """The members to keep, those to remove (with every duplicate), and the entries to add."""
    items = node.items or []
    effective = {item.key: item for item in items if item.key in node.value}
    kept = [item for key, item in effective.items() if key in wanted]
    gone = [item for item in items if item.key in effective and item.key not in wanted]
    return kept, gone, [(key, value) for key, value in wanted.items() if key not in effective]


def _elements(node: Node, wanted: list[Any]) -> _Sorted:
    """The elements to keep, those to remove, and the entries to add after them."""
    kept: list[Node] = []
    gone: list[Node] = []
    for item in node.items or ():
        stays = len(kept) < len(wanted) and same(item.value, wanted[len(kept)])
        (kept if stays else gone).append(item)
    return kept, gone, [(None, value) for value in wanted[len(kept) :]]


def _appended(chain: _Chain, entries: tuple[tuple[str | None, Any], ...]) -> list[Edit]:
    container = chain[-1]
    text, items, close = container.text, container.items or [], container.end - 1
    style = _Style.inside(chain)
    if not items and is_blank(text[container.start + 1 : close]):
        return [_filled(container, style, entries)]
    last = items[-1] if items else None
    behind = container.start + 1 if last is None else last.end if last.comma is None else last.comma + 1
    comment = last_comment(text, last.end if last else behind, close)
    position = max(behind, comment.end() if comment else 0)
    if style.lines and LINE_BREAK.match(text, after_blanks(text, position)):
        position = after_blanks(text, position)
    between = style.line if style.lines else style.gap
    body = between + f",{between}".join(style.entry(key, value) for key, value in entries)
    edits = [Edit(position, position, body + ("," if style.trailing_comma else ""))]
    if last is not None and last.comma is None:
        # On one line the comma comes after the comments, or they would seem to belong to the next item.
        comma = last.end if style.lines else position
        edits.insert(0, Edit(comma, comma, ","))
    return edits


def _filled(container: Node, style: _Style, entries: tuple[tuple[str | None, Any], ...]) -> Edit:
    """Entries for a container with only blanks in it."""
    start, close = container.start + 1, container.end - 1
    if style.lines:
        body = ",".join(style.line + style.entry(key, value) for key, value in entries)
        end = (
            ("," if style.trailing_comma else "")
            + style.newline
            + indentation(container.text, container.start)
        )
        return Edit(start, close, body + end)
    body = f",{style.gap}".join(style.entry(key, value) for key, value in entries)
    return Edit(start, start, container.text[start:close] + body)


@dataclass(frozen=True)
class _Style:
    """How new text looks at one place of a file.

    `lines`: every entry on a line of its own, indented by `indent`; `unit` is one step of indentation.
    `gap` separates entries on one line, `pad` is the space inside the braces of a one-line object.
    """

    lines: bool
    indent: str
    unit: str
    newline: str
    colon: str
    gap: str
    pad: str
    trailing_comma: bool

    @property
    def line(self) -> str:
        """A line break and the indentation."""
        return self.newline + self.indent

    @classmethod
    def inside(cls, chain: _Chain) -> _Style:
        """The style for new entries of `chain[-1]`."""
        container = chain[-1]
        anchor = _anchor(container)
        if anchor is None:
            indent = indentation(container.text, container.start) + _unit(chain)
        else:
            indent = indentation(container.text, anchor)
        return cls._at(chain, _wants_lines(chain), indent, container.end - 1)

    @classmethod
    def beside(cls, chain: _Chain, node: Node) -> _Style:
        """The style for a new value of `node`, an item of `chain[-1]`."""
        container = chain[-1]
        lines = on_own_line(container, (container.items or []).index(node))
        return cls._at(chain, lines, indentation(node.text, node.lead), node.start)

    @classmethod
    def _at(cls, chain: _Chain, lines: bool, indent: str, offset: int) -> _Style:
        colon = _colon(chain)
        space = " " if colon[-1] in " \t" else ""
        peers = next((container.items for container in reversed(chain) if container.items), None)
        return cls(
            lines=lines,
            indent=indent,
            unit=_unit(chain),
            newline=_newline(chain[-1].text, offset),
            colon=colon,
            gap=_blanks_before(chain[-1], len(chain[-1].items or ()) - 1 or -1, space),
            pad=_blanks_before(chain[-1], 0, space) if isinstance(chain[-1].value, dict) else space,
            trailing_comma=peers is not None and peers[-1].comma is not None,
        )

    def entry(self, key: str | None, value: Any) -> str:
        """A member or an element as text."""
        return ("" if key is None else _scalar(key) + self.colon) + self.render(value)

    def render(self, value: Any) -> str:
        """A value as text, at any depth."""
        parts: list[str] = []
        pending: list[_Piece] = [(value, self.indent, self.lines)]
        while pending:
            piece = pending.pop()
            if isinstance(piece, str):
                parts.append(piece)
            elif isinstance(piece[0], (dict, list)) and piece[0]:
                pending.extend(reversed(self._opened(*piece)))
            else:
                parts.append(_scalar(piece[0]))
        return "".join(parts)

    def _opened(self, value: dict[str, Any] | list[Any], indent: str, lines: bool) -> list[_Piece]:
        """A container that is not empty, as brackets, separators and values still to be rendered."""
        inner = indent + self.unit
        keys: list[str | None] = list(value) if isinstance(value, dict) else [None] * len(value)
        values = list(value.values()) if isinstance(value, dict) else value
        brackets = "{}" if isinstance(value, dict) else "[]"
        if isinstance(value, list):
            lines = lines and any(isinstance(element, (dict, list)) for element in value)
        pad = self.pad if isinstance(value, dict) else ""
        between = self.newline + inner if lines else pad
        pieces: list[_Piece] = [brackets[0]]
        for key, element in zip(keys, values):
            pieces += (between, "" if key is None else _scalar(key) + self.colon, (element, inner, lines))
            between = "," + (self.newline + inner if lines else self.gap)
        comma = "," if lines and self.trailing_comma else ""
        pieces.append(comma + self.newline + indent + brackets[1] if lines else pad + brackets[1])
        return pieces


# A finished text, or a value with its indentation and whether it is written on lines of its own.
_Piece = Union[str, tuple[Any, str, bool]]


def _scalar(value: Any) -> str:
    if isinstance(value, Reference):
        return str(value)
    if isinstance(value, float) and math.isinf(value):
        # JSON has no infinity; a config gets it from a number that is too large.
        return "1e999" if value > 0 else "-1e999"
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    return _SURROGATE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _anchor(container: Node) -> int | None:
    """What new lines are aligned with: the last item, else the last comment, if it begins its line."""
    text, items = container.text, container.items or []
    if items and on_own_line(container, len(items) - 1):
        return items[-1].lead
    comment = last_comment(text, items[-1].end if items else container.start + 1, container.end - 1)
    return comment.start() if comment and first_on_line(text, comment.start()) else None


def _wants_lines(chain: _Chain) -> bool:
    """Whether new entries of `chain[-1]` get lines of their own, as the last sibling has."""
    container = chain[-1]
    text, items, close = container.text, container.items or [], container.end - 1
    if items:
        comment = last_comment(text, items[-1].end, close)
        below_comment = comment is not None and comment[0].startswith("//")
        return below_comment or on_own_line(container, len(items) - 1)
    inner = text[container.start + 1 : close]
    if LINE_BREAK.search(inner):
        return True
    if len(chain) == 1:
        return is_blank(inner)
    parent = chain[-2]
    return not inner and on_own_line(parent, (parent.items or []).index(container))


def _unit(chain: _Chain) -> str:
    """One step of indentation: the innermost visible one, else the file's first, else two spaces."""
    text = chain[0].text
    for container in reversed(chain):
        items = container.items or []
        if items and on_own_line(container, len(items) - 1):
            outer, inner = indentation(text, container.start), indentation(text, items[-1].lead)
            if inner.startswith(outer) and inner != outer:
                return inner[len(outer) :]
    indented = _INDENTED.search(text)
    flat = any(container.items and on_own_line(container, 0) for container in chain)
    return indented[1] if indented else "" if flat else "  "


def _colon(chain: _Chain) -> str:
    """The colon with its blanks, as the nearest member of an object has it."""
    for container in reversed(chain):
        key_start = container.items[-1].key_start if container.items else None
        key = None if key_start is None else _KEY.match(container.text, key_start)
        colon = key and _COLON.match(container.text, key.end())
        if colon and container.items and colon.end() == container.items[-1].start:
            return colon[0]
    return ": "


def _newline(text: str, offset: int) -> str:
    """The last line ending before an offset, else the first one after it."""
    last = max(text.rfind("\n", 0, offset), text.rfind("\r", 0, offset))
    match = LINE_BREAK.search(text, max(last - 1, 0))
    return match[0] if match else "\n"


def _blanks_before(container: Node, index: int, otherwise: str) -> str:
    """The blanks before the item with that index, if there is one and only blanks are there."""
    items = container.items or []
    if not 0 <= index < len(items):
        return otherwise
    between = container.text[before(container, index) : items[index].lead]
    return otherwise if between.strip(" \t") else between
