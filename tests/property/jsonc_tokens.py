"""A second tokenizer and tree for JSONC, written for the tests: character by character, recursive, no regex.

It only has to read texts that are valid; it shares nothing with the code under test.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, NamedTuple


class Token(NamedTuple):
    kind: str  # blank, comment, comma, mark, string, scalar, bom
    text: str

    @property
    def breaks_line(self) -> bool:
        return self.kind in ("blank", "comment") and ("\n" in self.text or "\r" in self.text)


def tokenize(text: str) -> list[Token]:
    tokens, position = [], 0
    while position < len(text):
        end = _end(text, position)
        tokens.append(Token(_kind(text[position], text[position:end]), text[position:end]))
        position = end
    return tokens


def _end(text: str, start: int) -> int:
    first = text[start]
    end = start + 1
    if text.startswith(("{env:", "{file:"), start):
        return text.index("}", start) + 1
    if first in "{}[]:,\ufeff":
        return end
    if first == '"':
        while text[end] != '"':
            end += 2 if text[end] == "\\" else 1
        return end + 1
    if text.startswith("//", start):
        while end < len(text) and text[end] not in "\r\n":
            end += 1
        return end
    if text.startswith("/*", start):
        return text.index("*/", start + 2) + 2
    blank = first in " \t\r\n"
    while end < len(text) and (text[end] in " \t\r\n") == blank and text[end] not in '{}[]:,/"':
        end += 1
    return end


def _kind(first: str, whole: str) -> str:
    if whole.startswith(("//", "/*")):
        return "comment"
    kinds = {'"': "string", ",": "comma", "\ufeff": "bom", **dict.fromkeys(" \t\r\n", "blank")}
    return kinds.get(first, "mark" if whole in "{}[]:" else "scalar")


class Bare(str):
    """A reference outside strings, as a value or a key."""

    __slots__ = ()


def _plain(source: str) -> Any:
    return Bare(source) if source.startswith("{") else json.loads(source, parse_int=float)


@dataclass
class Part:
    """A value with the indexes of its tokens: [first, last]; for members `key` and the key's index too."""

    first: int
    last: int = -1
    key: str | None = None
    key_at: int = -1
    comma_at: int = -1
    parts: list[Part] = field(default_factory=list)
    value: Any = None

    @property
    def lead(self) -> int:
        return self.first if self.key is None else self.key_at

    def effective(self, key: str) -> Part | None:
        if not isinstance(self.value, dict):
            return None
        return next((part for part in reversed(self.parts) if part.key == key), None)


class Tree:
    """The parts of a valid text."""

    def __init__(self, text: str) -> None:
        self.tokens = tokenize(text)
        self._at = 0
        self.root = self._value()

    def find(self, path: tuple[str, ...]) -> Part | None:
        part: Part | None = self.root
        for key in path:
            part = part and part.effective(key)
        return part

    def count(self, path: tuple[str, ...]) -> int:
        """How often the last key of a path stands in its object."""
        parent = self.find(path[:-1])
        return 0 if parent is None else sum(part.key == path[-1] for part in parent.parts)

    def _skip(self) -> Token:
        while self._at < len(self.tokens) and self.tokens[self._at].kind in ("blank", "comment", "bom"):
            self._at += 1
        return self.tokens[self._at]

    def _value(self) -> Part:
        token = self._skip()
        part = Part(self._at)
        self._at += 1
        if token.text in "{[":
            self._container(part, "}" if token.text == "{" else "]")
        else:
            part.value = _plain(token.text)
        part.last = self._at - 1
        return part

    def _container(self, part: Part, closing: str) -> None:
        part.value = {} if closing == "}" else []
        while self._skip().text != closing:
            key_at, key = -1, None
            if closing == "}":
                key_at, key = self._at, _plain(self.tokens[self._at].text)
                self._at += 1
                assert self._skip().text == ":"
                self._at += 1
            item = self._value()
            item.key, item.key_at = key, key_at
            part.parts.append(item)
            if key is None:
                part.value.append(item.value)
            elif key != "__proto__":
                part.value[key] = item.value
            if self._skip().kind == "comma":
                item.comma_at = self._at
                self._at += 1
        self._at += 1

    def own_comments(self, part: Part) -> set[int]:
        """The comments behind a part on its line: all, if it ends there, else those before the comma."""
        seen: list[int] = []
        before_comma: int | None = None
        for index in range(part.last + 1, len(self.tokens)):
            token = self.tokens[index]
            if token.kind == "blank" and token.breaks_line:
                return set(seen)
            if token.kind == "comma" and before_comma is None:
                before_comma = len(seen)
            elif token.kind == "comment" and not token.breaks_line:
                seen.append(index)
            elif token.kind == "mark" and token.text in "}]":
                return set(seen)
            elif token.kind != "blank":
                break
        return set(seen[:before_comma])


def whole_value(text: str) -> Any:
    """The value of a text that may be broken: AssertionError, IndexError or ValueError where it is."""
    tree = Tree(text)
    rest = tree.tokens[tree.root.last + 1 :]
    assert all(token.kind in ("blank", "comment") for token in rest), "something follows the value"
    return tree.root.value
