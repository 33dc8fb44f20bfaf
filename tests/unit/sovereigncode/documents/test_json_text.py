"""JSON as its standard has it: what is refused, with its place."""

from __future__ import annotations

import json

import pytest

from sovereigncode.documents import json_text
from sovereigncode.documents.placed import DocumentError


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ("", 1, 1, "empty"),
        ("\n \n", 1, 1, "empty"),
        ('{"a": 1,\n "a": 2}', 2, 2, "second time"),
        ('{"a": {"b": 1, "\\u0062": 2}}', 1, 16, "second time"),
        ('{"__proto__": 1, "__proto__": 2}', 1, 18, "second time"),
        ('{"a": 1} // x', 1, 10, "not JSON"),
        ("{'a': 1}", 1, 2, "not JSON"),
        ('{"a": {env:X}}', 1, 8, "not JSON"),
        ('{"a": NaN}', 1, 1, "NaN"),
        ('{"a": -Infinity}', 1, 1, "NaN"),
        ('{"a":\n' + "[" * 100 + "]" * 100 + "}", 2, 64, "levels"),
        ('{"a": ' + "9" * 5000 + "}", 1, 7, "digits"),
        ('{"a": "' + "x" * 70000, 1, 7, "not JSON"),
        ("{" * 200_000, 1, 65, "levels"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_what_is_refused_has_its_place(text: str, line: int, column: int, words: str) -> None:
    with pytest.raises(DocumentError, match=words) as caught:
        json_text.read(text.encode())
    assert (caught.value.line, caught.value.column) == (line, column)


def test_a_trailing_comma_is_refused() -> None:
    # Python 3.13 points at the comma, older ones behind it.
    with pytest.raises(DocumentError, match="not JSON"):
        json_text.read(b'{"a": 1,}')


@pytest.mark.parametrize("data", [b"\xff", b'{"a": "\xe9"}', b"\x00" * 100, "{}".encode("utf-16")])
def test_bytes_that_are_not_text_are_refused(data: bytes) -> None:
    with pytest.raises(DocumentError):
        json_text.read(data)


def test_the_message_repeats_nothing_of_the_text() -> None:
    with pytest.raises(DocumentError) as caught:
        json_text.read(b'{"a": hunter2}')
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "value", [[], 1, "x", None, True, {}, {"__proto__": {"a": 1}}, {"a": ["{[", {"b": '\\"'}]}]
)
def test_everything_else_is_read_as_it_is(value: object) -> None:
    assert json_text.read(json.dumps(value).encode()).value == value


def test_a_byte_order_mark_is_not_content() -> None:
    assert json_text.read(b'\xef\xbb\xbf{"a": 1}').value == {"a": 1}


def test_every_part_has_its_place() -> None:
    document = json_text.read(b'{"a":\n  [1, {"b": 2}]}')
    assert document.values[("a", 1, "b")] == (2, 13)
    assert document.keys[("a", 1, "b")] == (2, 8)
