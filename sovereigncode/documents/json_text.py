"""JSON as its standard has it: no comment, no trailing comma, no NaN, and no key twice."""

from __future__ import annotations

import json
import re
from typing import Any, Final, NoReturn

from opencode_config import jsonc
from sovereigncode.core.shapes import Place
from sovereigncode.documents.placed import Document, DocumentError, Position

DEEPEST: Final = 64
# A longer number is not turned into an integer by Python itself.
_LONG_NUMBER: Final = re.compile(r"\d{1000,}")
_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]]', re.DOTALL)


def read(data: bytes) -> Document:
    """The document of a file's bytes; DocumentError with the place of what is wrong."""
    text = decoded(data)
    _refuse_depth(text)
    long = _LONG_NUMBER.search(text)
    if long is not None:
        raise DocumentError("this number has too many digits", *_place(text, long.start()))
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as problem:
        raise DocumentError(_sentence(problem), problem.lineno, problem.colno) from None
    except ValueError:
        raise DocumentError("NaN and Infinity are not JSON", 1, 1) from None
    return _placed(text, value)


def decoded(data: bytes) -> str:
    """The text of UTF-8 bytes, without a byte order mark; DocumentError for other bytes."""
    if not data.strip():
        raise DocumentError("this file is empty", 1, 1)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        before = data[: problem.start]
        raise DocumentError(
            "this file is not UTF-8 text",
            before.count(b"\n") + 1,
            problem.start - (before.rfind(b"\n") + 1) + 1,
        ) from None


def _refuse_depth(text: str) -> None:
    depth = 0
    for token in _TOKEN.finditer(text):
        depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(token[0], 0)
        if depth > DEEPEST:
            raise DocumentError(f"more than {DEEPEST} levels are nested here", *_place(text, token.start()))


def _placed(text: str, value: Any) -> Document:
    if not isinstance(value, dict):
        return Document(value, {}, {})
    # What is JSON is JSONC too, so this finds the places of what was just read.
    document = jsonc.parse(text)
    values: dict[Place, Position] = {}
    keys: dict[Place, Position] = {}
    pending: list[tuple[Place, jsonc.Node]] = [] if document.root is None else [((), document.root)]
    while pending:
        place, node = pending.pop()
        values[place] = document.location(node.start)
        for index, item in enumerate(node.items or ()):
            inner = (*place, index if item.key is None else item.key)
            if inner in keys:
                raise DocumentError("this key appears a second time", *document.location(item.lead))
            if item.key is not None:
                keys[inner] = document.location(item.lead)
            pending.append((inner, item))
    return Document(value, values, keys)


def _place(text: str, offset: int) -> Position:
    return text.count("\n", 0, offset) + 1, offset - (text.rfind("\n", 0, offset) + 1) + 1


def _refuse_constant(_: str) -> NoReturn:
    raise ValueError


def _sentence(problem: json.JSONDecodeError) -> str:
    # Python's words name what is expected, never what is there.
    return f"this is not JSON: {problem.msg[:1].lower()}{problem.msg[1:]}"
