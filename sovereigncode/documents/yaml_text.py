"""The safe subset of YAML 1.2: maps with plain keys, lists, and the scalars of its core schema.

Anchors, aliases, tags, directives and a second document are refused: a policy needs none of them, and each
can hide something from its reader. A text is a text if YAML 1.2 says so: `NO` is not a boolean here.
"""

from __future__ import annotations

import re
from typing import Any, Final, Iterator, Union

import yaml

from sovereigncode.core.shapes import Place
from sovereigncode.documents.json_text import DEEPEST, decoded
from sovereigncode.documents.placed import Document, DocumentError, Position

_INTEGER: Final = re.compile(r"[-+]?[0-9]{1,1000}")
_OTHER_BASE: Final = re.compile(r"0o[0-7]{1,1000}|0x[0-9a-fA-F]{1,1000}")
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]{1,3})?")
_CONSTANTS: Final = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_Container = Union["dict[str, Any]", "list[Any]"]


def read(data: bytes) -> Document:
    """The document of a file's bytes; DocumentError with the place of what is wrong."""
    text = decoded(data)
    reader = _Reader()
    try:
        for event in _events(text):
            reader.take(event)
    except yaml.reader.ReaderError as problem:
        before = text[: problem.position]
        raise DocumentError(
            "this character is not allowed in YAML",
            before.count("\n") + 1,
            problem.position - (before.rfind("\n") + 1) + 1,
        ) from None
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        line, column = (1, 1) if mark is None else (mark.line + 1, mark.column + 1)
        raise DocumentError("this is not YAML: the line cannot be understood", line, column) from None
    return Document(reader.value, reader.values, reader.keys)


def _events(text: str) -> Iterator[yaml.Event]:
    # The pure loader: the same on every machine, and its events come one by one.
    loader = yaml.SafeLoader(text)
    try:
        while loader.check_event():
            yield loader.get_event()  # type: ignore[no-untyped-call]
    finally:
        loader.dispose()


class _Reader:
    """Events made into a value, with an explicit stack: no recursion at any depth."""

    def __init__(self) -> None:
        self.value: Any = None
        self.values: dict[Place, Position] = {}
        self.keys: dict[Place, Position] = {}
        self._open: list[tuple[_Container, Place]] = []
        self._key: str | None = None
        self._documents = 0

    def take(self, event: yaml.Event) -> None:
        """One event; DocumentError if it is not of the subset."""
        mark = event.start_mark
        position = (1, 1) if mark is None else (mark.line + 1, mark.column + 1)
        if isinstance(event, yaml.DocumentStartEvent):
            self._begin(event, position)
        elif isinstance(event, yaml.AliasEvent):
            raise DocumentError("an alias is not allowed here: write the value out", *position)
        elif isinstance(event, yaml.NodeEvent):
            self._node(event, position)
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            self._open.pop()

    def _begin(self, event: yaml.DocumentStartEvent, position: Position) -> None:
        self._documents += 1
        if self._documents > 1:
            raise DocumentError("a second document begins here, and only one is read", *position)
        if event.tags or event.version not in (None, (1, 2)):
            raise DocumentError("a directive is not allowed here", *position)

    def _node(self, event: yaml.NodeEvent, position: Position) -> None:
        if event.anchor is not None:
            raise DocumentError("an anchor is not allowed here", *position)
        if getattr(event, "tag", None) is not None:
            raise DocumentError("a tag is not allowed here", *position)
        inside = self._open[-1] if self._open else None
        if inside is not None and isinstance(inside[0], dict) and self._key is None:
            self._take_key(event, inside[0], inside[1], position)
            return
        place: Place = ()
        if inside is not None:
            place = (*inside[1], len(inside[0]) if self._key is None else self._key)
        value: Any
        if isinstance(event, yaml.ScalarEvent):
            value = _scalar(event, position)
        else:
            value = {} if isinstance(event, yaml.MappingStartEvent) else []
        self.values[place] = position
        self._add(value, inside)
        if isinstance(value, (dict, list)):
            if len(self._open) >= DEEPEST:
                raise DocumentError(f"more than {DEEPEST} levels are nested here", *position)
            self._open.append((value, place))

    def _add(self, value: Any, inside: tuple[_Container, Place] | None) -> None:
        if inside is None:
            self.value = value
        elif isinstance(inside[0], list):
            inside[0].append(value)
        elif self._key is not None:
            inside[0][self._key] = value
        self._key = None

    def _take_key(
        self, event: yaml.NodeEvent, container: dict[str, Any], place: Place, position: Position
    ) -> None:
        if not isinstance(event, yaml.ScalarEvent):
            raise DocumentError("a key must be a plain text", *position)
        key = event.value
        if key in container:
            raise DocumentError("this key appears a second time", *position)
        self.keys[(*place, key)] = position
        self._key = key


def _scalar(event: yaml.ScalarEvent, position: Position) -> Any:
    text: str = event.value
    if event.style is not None:
        return text
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _OTHER_BASE.fullmatch(text):
        return int(text, 0)
    if _FLOAT.fullmatch(text):
        if len(text) > 1000:  # noqa: PLR2004 - no number that means something
            raise DocumentError("this number has too many digits", *position)
        return float(text)
    return text
