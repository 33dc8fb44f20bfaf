"""The safe subset of YAML: what is refused, with its place, and what the words mean."""

from __future__ import annotations

from typing import Any

import pytest

from sovereigncode.documents import yaml_text
from sovereigncode.documents.placed import DocumentError

BOMB = "a: &a [x, x]\n" + "".join(
    f"{name}: &{name} [*{before}, *{before}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ("", 1, 1, "empty"),
        (" \n\n", 1, 1, "empty"),
        ("a: 1\na: 2\n", 2, 1, "second time"),
        ("a: {b: 1, b: 2}\n", 1, 11, "second time"),
        ("a: &x 1\nb: *x\n", 1, 4, "anchor"),
        ("b: *x\n", 1, 4, "alias"),
        (BOMB, 1, 4, "anchor"),
        ("a: !!python/object/apply:os.system [ls]\n", 1, 4, "tag"),
        ("a: !secret x\n", 1, 4, "tag"),
        ("! a: 1\n", 1, 1, "tag"),
        ("a: 1\n---\nb: 2\n", 2, 1, "second document"),
        ("%TAG ! tag:x,2000:\n---\na: 1\n", 1, 1, "directive"),
        ("? [a]\n: 1\n", 1, 3, "plain text"),
        ("a: [1, 2\n", 2, 1, "not YAML"),
        ("\ta: 1\n", 1, 1, "not YAML"),
        ("a: 1\n b: 2\n", 2, 3, "not YAML"),
        ("a: \x07\n", 1, 4, "not allowed in YAML"),
        ("[" * 5000, 1, 65, "levels"),
        ("a: " + "9" * 1001, 1, 4, "digits"),
        ("a: " + "1" * 3000 + "." + "1" * 3000, 1, 4, "digits"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_what_is_refused_has_its_place(text: str, line: int, column: int, words: str) -> None:
    with pytest.raises(DocumentError, match=words) as caught:
        yaml_text.read(text.encode())
    assert (caught.value.line, caught.value.column) == (line, column)


@pytest.mark.parametrize("data", [b"\xff\xfea\x00", b"a: \xe9\n", b"\x00\x01\x02", bytes(range(256))])
def test_bytes_that_are_not_text_are_refused(data: bytes) -> None:
    with pytest.raises(DocumentError):
        yaml_text.read(data)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("NO", "NO"),
        ("no", "no"),
        ("on", "on"),
        ("yes", "yes"),
        ("true", True),
        ("False", False),
        ("~", None),
        ("null", None),
        ("", None),
        ("'null'", "null"),
        ('"1"', "1"),
        ("12", 12),
        ("-0", 0),
        ("012", 12),
        ("0o17", 15),
        ("0x1F", 31),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("1_000", "1_000"),
        ("2026-11-27", "2026-11-27"),
        ("12:30", "12:30"),
        ("<<", "<<"),
        ("=", "="),
        ("|\n  a\n  b\n", "a\nb\n"),
        ("{}", {}),
        ("[]", []),
        ("[a, {b: c}]", ["a", {"b": "c"}]),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_a_word_means_what_yaml_1_2_says(text: str, value: Any) -> None:
    read = yaml_text.read(f"a: {text}".encode()).value["a"]
    assert read == value
    assert type(read) is type(value)


def test_a_byte_order_mark_is_not_content() -> None:
    assert yaml_text.read(b"\xef\xbb\xbfa: 1\n").value == {"a": 1}


def test_every_part_has_its_place() -> None:
    document = yaml_text.read(b"a:\n  - b: [c,\n      d]\n")
    assert document.keys[("a", 0, "b")] == (2, 5)
    assert document.values[("a", 0, "b", 1)] == (3, 7)
