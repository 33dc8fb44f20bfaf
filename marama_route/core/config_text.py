"""The text of config.yaml read so that a key that appears twice does not hide what else is wrong.

The reader of sovereigncode stops at the first such key. Here each one is noted, and read under a name that is
as long and not in use, so that every place stays where it is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Iterator

import yaml

from foundation.errors import Where
from sovereigncode.documents import yaml_text
from sovereigncode.documents.json_text import DEEPEST, decoded
from sovereigncode.documents.placed import Document, DocumentError, Position

TWICE: Final = "this key appears a second time"
_MOST: Final = 100
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Mistake:
    """One thing that is wrong with the configuration, and where. The message has no value of it."""

    message: str
    where: Where


@dataclass(frozen=True)
class _Repeated:
    start: int
    end: int
    position: Position
    replacement: str


@dataclass
class _Level:
    """A mapping or list that is open; `awaits_key` is None in a list."""

    awaits_key: bool | None
    keys: set[str] = field(default_factory=set)


def read(data: bytes, name: str) -> tuple[Document | None, tuple[Mistake, ...]]:
    """The document, and the keys that appear twice; no document for a text that is not one."""
    repeated: list[_Repeated] = []
    document: Document | None = None
    last: tuple[Mistake, ...] = ()
    try:
        text = decoded(data)
        repeated.extend(_repeated(text))
        document = yaml_text.read(_renamed(text, repeated).encode("utf-8"))
    except DocumentError as problem:
        last = (Mistake(problem.message, Where(name, problem.line, problem.column)),)
    return document, (*(Mistake(TWICE, Where(name, *one.position)) for one in repeated), *last)


def _renamed(text: str, repeated: list[_Repeated]) -> str:
    for one in reversed(repeated):
        text = text[: one.start] + one.replacement + text[one.end :]
    return text


def _repeated(text: str) -> Iterator[_Repeated]:
    """Every key that appears twice, as far as the text can be read and a replacement has room."""
    levels: list[_Level] = []
    count = 0
    for event in _events(text):
        if isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            levels.pop()
        if not isinstance(event, yaml.NodeEvent):
            continue
        level = levels[-1] if levels else None
        is_key = level is not None and level.awaits_key is True
        if level is not None and level.awaits_key is not None:
            level.awaits_key = not level.awaits_key
        if isinstance(event, yaml.CollectionStartEvent):
            levels.append(_Level(True if isinstance(event, yaml.MappingStartEvent) else None))
        elif is_key and level is not None and isinstance(event, yaml.ScalarEvent):
            found = _judged(event, level.keys)
            if found is not None:
                count += 1
                yield found
        if count == _MOST or len(levels) > DEEPEST:
            return


def _events(text: str) -> Iterator[yaml.Event]:
    """The events of a text up to the first thing that is not YAML, which the other reader reports."""
    try:
        loader = yaml.SafeLoader(text)
        while loader.check_event():
            yield loader.get_event()  # type: ignore[no-untyped-call]
    except yaml.YAMLError:
        return


def _judged(event: yaml.ScalarEvent, keys: set[str]) -> _Repeated | None:
    key: str = event.value
    start, end = event.start_mark, event.end_mark
    if key not in keys or start is None or end is None:
        keys.add(key)
        return None
    length = end.index - start.index
    replacement = next((name for name in _names(length) if name not in keys), None)
    if replacement is None or start.line != end.line:
        return None
    keys.add(replacement)
    return _Repeated(start.index, end.index, (start.line + 1, start.column + 1), replacement)


def _names(length: int) -> Iterator[str]:
    if length <= 0:
        return
    for number in range(len(_LETTERS) ** min(length, 2)):
        first, second = divmod(number, len(_LETTERS)) if length > 1 else (number, 0)
        yield (_LETTERS[first] + _LETTERS[second] * (length - 1))[:length]
