"""What a copy that stays holds: the file as it was, without a key."""

from __future__ import annotations

import json

import pytest

from gonkagate_setup.core.catalog import GONKAGATE
from gonkagate_setup.system.transaction.backups import without_key

KEY = "gp-secret.of-a_user+/~1"
BINDING = GONKAGATE.key_binding


def with_key(value: str) -> str:
    return (
        "// my notes\r\n{\n\t"
        '"provider": {"other": {"options": {"apiKey": "sk-theirs"}}, '
        '"gonkagate": { "options" : {"apiKey" :' + json.dumps(value) + ", /* here */ }, }, },\r\n}\n"
    )


def test_a_literal_makes_way_for_the_binding_and_no_other_byte_changes() -> None:
    text = with_key(KEY)
    assert without_key(text.encode(), GONKAGATE).decode() == text.replace(KEY, BINDING)


@pytest.mark.parametrize("value", [BINDING, "{env:MY_KEY}", "{file:./key}", ""])
def test_references_stay(value: str) -> None:
    data = with_key(value).encode()
    assert without_key(data, GONKAGATE) == data


@pytest.mark.parametrize(
    "value", ["Bearer {env:X}", "{env:A}{env:B}", "x", "sk-any-other-secret", "{file:a} "]
)
def test_whatever_else_stands_there_goes(value: str) -> None:
    assert json.dumps(value) not in without_key(with_key(value).encode(), GONKAGATE).decode()


def test_the_same_literal_goes_elsewhere_too() -> None:
    text = f"// old: {KEY}\n" + with_key(KEY)
    assert KEY.encode() not in without_key(text.encode(), GONKAGATE)


def test_an_escaped_literal_goes() -> None:
    text = with_key("x").replace('"x"', '"\\u0067p-secret"')
    after = without_key(text.encode(), GONKAGATE).decode()
    assert "secret" not in after
    assert BINDING in after


def test_a_shadowed_duplicate_goes() -> None:
    """opencode reads only the last of two equal keys; the first may hold a key all the same."""
    text = '{"provider": {"gonkagate": {"options": {"apiKey": "KEY", "apiKey": "{env:X}"}}}}'.replace(
        "KEY", KEY
    )
    assert KEY.encode() not in without_key(text.encode(), GONKAGATE)
    text = '{"provider": {"gonkagate": {"options": {"apiKey": "KEY"}}}, "provider": {}}'.replace("KEY", KEY)
    assert KEY.encode() not in without_key(text.encode(), GONKAGATE)


@pytest.mark.parametrize("text", ["{%s", '{"a": "%s"', "{'k': '%s'}", '\ufeff{"x" %s}', "\udcff{%s}"])
def test_in_what_cannot_be_parsed_all_that_is_shaped_like_a_key_goes(text: str) -> None:
    data = (text % KEY).encode(errors="surrogateescape")
    after = without_key(data, GONKAGATE)
    assert KEY.encode() not in after
    assert b"secret" not in after


@pytest.mark.parametrize("text", ["", "{}", '{"model": "gonkagate/gp-like"}', '\ufeff{"provider": {}}\r\n'])
def test_nothing_to_do(text: str) -> None:
    assert without_key(text.encode(), GONKAGATE) == text.encode()


@pytest.mark.parametrize(
    "value", ['"provider": 5', '"provider": {"gonkagate": []}', '"provider": {"gonkagate": "x"}']
)
def test_places_that_are_no_objects(value: str) -> None:
    text = "{" + value + "}"
    assert without_key(text.encode(), GONKAGATE) == text.encode()
