"""Any text gives a configuration or mistakes with places, and never both; so does any request a result."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from marama_route.core.config import read
from marama_route.core.errors import RequestRefusal
from marama_route.core.request import read as read_request
from marama_route.core.tool_calls import Assembler, ToolCallError
from tests.unit.marama_route.test_config import EXAMPLE

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=12),
    st.sampled_from(
        ["~", "NZ", "b", "m", "lumynax/code", "sqlite", "https://h/v1", "read", "1e999", "http://[", "mit"]
    ),
)
WORDS = """
version listen store tenants workspaces backends models aliases tools cors id keys hash role
base_url residency context_tokens backend task messages model route routing metadata content
type role tools choices delta tool_calls index function name arguments
"""
KEYS = st.one_of(st.text(max_size=6), st.sampled_from(WORDS.split()))
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=5)),
    max_leaves=20,
)


def judged(data: bytes) -> None:
    config, mistakes = read(data, "config.yaml")
    assert (config is None) == bool(mistakes)
    lines = data.count(b"\n") + data.count(b"\r") + 2
    for mistake in mistakes:
        assert mistake.where.line is not None
        assert 1 <= mistake.where.line <= lines
        assert mistake.where.column is not None
        assert mistake.where.column >= 1


@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    judged(data)


@given(VALUES)
def test_any_value(value: Any) -> None:
    judged(yaml.safe_dump(value, allow_unicode=True).encode("utf-8", "replace"))
    judged(json.dumps(value).encode())


@given(
    st.lists(
        st.sampled_from(
            [
                "a: ",
                "- ",
                "{",
                "}",
                "[",
                "]",
                ",",
                ": ",
                "? ",
                "\n",
                "  ",
                "a",
                '"',
                "'",
                "&x ",
                "*x",
                "#",
                "| ",
                "!t ",
            ]
        ),
        max_size=40,
    )
)
def test_any_pieces_of_yaml(pieces: list[str]) -> None:
    judged("".join(pieces).encode())


@given(st.data(), VALUES)
def test_the_example_with_any_one_value_replaced(data: st.DataObject, value: Any) -> None:
    document = yaml.safe_load(EXAMPLE)
    inner: Any = document
    while True:
        keys = list(inner) if isinstance(inner, dict) else list(range(len(inner)))
        key = data.draw(st.sampled_from(keys))
        if not isinstance(inner[key], (dict, list)) or not inner[key] or data.draw(st.booleans()):
            break
        inner = inner[key]
    inner[key] = value
    judged(json.dumps(document).encode())


def test_the_example_without_any_one_of_its_characters() -> None:
    data = EXAMPLE.encode()
    for index in range(0, len(data), 7):
        judged(data[:index] + data[index + 1 :])
        judged(data[:index])


@given(st.lists(st.sampled_from(["id", "i", '"id"', "name", "''"]), min_size=1, max_size=12))
def test_each_key_that_appears_twice_is_found_where_it_is(keys: list[str]) -> None:
    text = "aliases:\n" + "".join(f"  {key}: {{}}\n" for key in keys)
    seen: set[str] = set()
    twice = []
    for number, key in enumerate(keys):
        name = key.strip("\"'")
        if name in seen:
            twice.append((number + 2, 3))
        seen.add(name)
    _, mistakes = read(text.encode(), "c")
    found = [
        (one.where.line, one.where.column)
        for one in mistakes
        if one.message == "this key appears a second time"
    ]
    assert found == twice


@given(VALUES, st.booleans())
def test_any_request_is_understood_or_refused(payload: Any, routing: bool) -> None:
    with suppress(RequestRefusal):
        read_request(payload, routing=routing)


@given(VALUES, st.sampled_from(["delta", "message"]))
def test_any_chunk_is_taken_or_refused(chunk: Any, part: str) -> None:
    assembler = Assembler()
    with suppress(ToolCallError):
        assembler.take(chunk, part)
        assembler.calls()


@pytest.mark.parametrize("opening", ["[", "{a: ", "- "])
def test_deep_nesting_is_refused(opening: str) -> None:
    judged((opening * 5000).encode())
