"""Lossless JSONC: read a config as opencode does, set and remove keys, keep every other byte.

    document = parse(decode(data))
    document = apply(document, [Set(("model",), "a/b"), Remove(("provider", "acme", "api"))])
    data = document.text.encode()

What is accepted is described in scan.py, how edits look in edit.py and in docs/lossless.md.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Iterable, NamedTuple

from opencode_config.jsonc import edit, scan
from opencode_config.jsonc.edit import same
from opencode_config.jsonc.operations import Operation, Remove, Set
from opencode_config.jsonc.scan import BOM, JsoncError, Node
from opencode_config.substitution import env_references, file_references

__all__ = [
    "Document",
    "Duplicate",
    "JsoncError",
    "Node",
    "Token",
    "apply",
    "decode",
    "parse",
    "reference_tokens",
    "render",
    "same",
]

Path = tuple[str, ...]


class Duplicate(NamedTuple):
    """A key that appears more than once in one object; opencode reads only the last, at `effective`.

    `path` leads to the key, with the index (as text) for array elements. Both places are offsets.
    """

    path: Path
    first: int
    effective: int


def render(value: dict[str, Any]) -> str:
    """A value as the text of a new file, which `parse` reads as the same value."""
    return apply(parse(""), [Set((key,), item) for key, item in value.items()]).text


def decode(data: bytes) -> str:
    """The text of a config file, a byte order mark included; `.encode()` gives the same bytes back.

    Raises JsoncError for UTF-16 and for bytes that are not UTF-8: opencode reads them as U+FFFD, so they
    could not be kept as they are.
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise JsoncError("the file is UTF-16; opencode reads UTF-8 only", "", 0)
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        head, at = data[: error.start].decode(), error.start
    raise JsoncError(f"the byte 0x{data[at]:02x} here is not UTF-8", head, len(head))


@lru_cache(maxsize=4)
def parse(text: str) -> Document:
    """The document of a text; JsoncError with the place if opencode would refuse it.

    An empty text (apart from a byte order mark) is read as `{}`, as opencode does.
    """
    return Document(text, None if text in ("", BOM) else scan.scan(text))


class Document:
    """A config text with its tree; never changed, every edit returns a new document."""

    __slots__ = ("_duplicates", "_lines", "root", "text")

    def __init__(self, text: str, root: Node | None) -> None:
        self.text: Final = text
        self.root: Final = root
        self._lines: list[int] | None = None
        self._duplicates: tuple[Duplicate, ...] | None = None

    @property
    def value(self) -> dict[str, Any]:
        """The plain value as opencode reads it; shared with the tree, so treat it as read-only."""
        value: dict[str, Any] = {} if self.root is None else self.root.value
        return value

    def find(self, path: Path) -> Node | None:
        """The effective node at a path (the last one of duplicates), or None; `()` is the root."""
        node = self.root
        for key in path:
            node = None if node is None else node.member(key)
        return node

    def shadowed(self, path: Path) -> tuple[Node, ...]:
        """The earlier ones of a key that appears more than once, in source order; opencode ignores them."""
        parent = self.find(path[:-1]) if path else None
        items = () if parent is None else parent.items or ()
        return tuple([item for item in items if item.key is not None and item.key == path[-1]][:-1])

    def set(self, path: Path, value: Any) -> Document:
        """The document with `value` at `path`; see `apply`."""
        return apply(self, [Set(path, value)])

    def remove(self, path: Path) -> Document:
        """The document without the key at `path`; see `apply`."""
        return apply(self, [Remove(path)])

    def location(self, offset: int) -> tuple[int, int]:
        """1-based line and column of an offset."""
        if self._lines is None:
            self._lines = scan.line_starts(self.text)
        line = bisect_right(self._lines, offset)
        return max(line, 1), max(offset - self._lines[max(line, 1) - 1], 0) + 1

    @property
    def duplicates(self) -> tuple[Duplicate, ...]:
        """Every key that appears more than once in what opencode reads, in source order."""
        if self._duplicates is None:
            self._duplicates = self._find_duplicates()
        return self._duplicates

    def _find_duplicates(self) -> tuple[Duplicate, ...]:
        found: list[Duplicate] = []
        pending: list[tuple[Path, Node]] = [] if self.root is None else [((), self.root)]
        while pending:
            path, node = pending.pop()
            first: dict[str, int] = {}
            last: dict[str, Node] = {}
            for index, item in enumerate(node.items or ()):
                key = str(index) if item.key is None else item.key
                first.setdefault(key, item.lead)
                last[key] = item
            found += (
                Duplicate((*path, key), first[key], item.lead)
                for key, item in last.items()
                if first[key] != item.lead
            )
            pending.extend(((*path, key), item) for key, item in last.items() if item.items)
        return tuple(sorted(found, key=lambda duplicate: duplicate.effective))


def apply(document: Document, operations: Iterable[Operation]) -> Document:
    """The document after all operations, by the smallest edits; the same document when nothing changes.

    The operations are applied in order. Raises JsoncError if something would have to be set below a value
    that is not an object, or if a key that appears more than once would be removed without `every`.
    """
    value = target = document.value
    for operation in operations:
        target = _changed(document, target, operation)
    if same(value, target):
        return document
    edited = parse(document.text + "{}\n") if document.root is None else document
    if edited.root is not None and (edits := edit.fill(edited.root, target)):
        edited = parse(edit.splice(edited.text, edits))
    if edited.root is not None and (edits := edit.drop(edited.root, target)):
        edited = parse(edit.splice(edited.text, edits))
    return edited


def _changed(document: Document, value: dict[str, Any], operation: Operation) -> dict[str, Any]:
    """The value after one operation; unchanged parts are shared with the old value."""
    *above, last = operation.path
    changed = here = dict(value)
    for depth, key in enumerate(above, 1):
        if key not in here and isinstance(operation, Remove):
            return value
        child = here.get(key, {})
        if not isinstance(child, dict):
            if isinstance(operation, Remove):
                return value
            raise _not_an_object(document, operation.path[:depth])
        below = dict(child)
        here[key] = below
        here = below
    if isinstance(operation, Set):
        if last not in here or not same(here[last], operation.value):
            here[last] = operation.value
    elif last in here:
        if not operation.every and document.shadowed(operation.path):
            raise _stands_twice(document, operation.path)
        del here[last]
    return changed


def _stands_twice(document: Document, path: Path) -> JsoncError:
    node = document.find(path)
    return JsoncError(
        f"{'.'.join(path)} appears more than once; removing this one would activate an earlier one",
        document.text,
        node.lead if node else 0,
    )


def _not_an_object(document: Document, path: Path) -> JsoncError:
    node = document.find(path)
    return JsoncError(
        f"{'.'.join(path)} is not an object, so nothing can be set in it",
        document.text,
        node.start if node else 0,
    )


@dataclass(frozen=True)
class Token:
    """A `{file:…}` or `{env:…}` that opencode replaces before it parses; `text[offset:]` begins with it."""

    text: str
    offset: int


def reference_tokens(document: Document) -> tuple[Token, ...]:
    """Every reference that opencode resolves, comments included, in source order.

    opencode replaces text, not values: it skips a `{file:…}` only if `//` is the first thing on the line,
    so one after code, or in a block comment, is resolved, and a missing file is then fatal. An `{env:…}`
    is replaced everywhere, even inside the path of a `{file:…}`.
    """
    text = document.text
    found = sorted((*env_references(text), *file_references(text)))
    return tuple(Token(text[one.start : one.end], one.start) for one in found)
