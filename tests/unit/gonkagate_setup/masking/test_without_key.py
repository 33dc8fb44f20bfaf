"""What a copy that stays holds: the file as it was, without a key."""

from __future__ import annotations

import base64
import json
import urllib.parse
from pathlib import Path
from typing import Iterable

import pytest

from foundation.secrets import Secret
from gonkagate_setup.catalog import GONKAGATE
from gonkagate_setup.store import Store

KEY = "gp-secret.of-a_user+/~1"
BINDING = GONKAGATE.key_binding


def kept(data: bytes, secrets: Iterable[Secret] = ()) -> bytes:
    return Store(Path("/home/me"), None, GONKAGATE).kept_copy(data, secrets)


def with_key(value: str) -> str:
    return (
        "// my notes\r\n{\n\t"
        '"provider": {"other": {"options": {"apiKey": "sk-theirs"}}, '
        '"gonkagate": { "options" : {"apiKey" :' + json.dumps(value) + ", /* here */ }, }, },\r\n}\n"
    )


def test_a_literal_makes_way_for_the_binding_and_no_other_byte_changes() -> None:
    text = with_key(KEY)
    assert kept(text.encode()).decode() == text.replace(KEY, BINDING)


@pytest.mark.parametrize("value", [BINDING, "{env:MY_KEY}", "{file:./key}", ""])
def test_references_stay(value: str) -> None:
    data = with_key(value).encode()
    assert kept(data) == data


@pytest.mark.parametrize(
    "value", ["Bearer {env:X}", "{env:A}{env:B}", "x", "sk-any-other-secret", "{file:a} "]
)
def test_whatever_else_stands_there_goes(value: str) -> None:
    assert json.dumps(value) not in kept(with_key(value).encode()).decode()


def test_the_same_literal_goes_elsewhere_too() -> None:
    text = f"// old: {KEY}\n" + with_key(KEY)
    assert KEY.encode() not in kept(text.encode())


def test_an_escaped_literal_goes() -> None:
    text = with_key("x").replace('"x"', '"\\u0067p-secret"')
    after = kept(text.encode()).decode()
    assert "secret" not in after
    assert BINDING in after


def test_a_shadowed_duplicate_goes() -> None:
    """opencode reads only the last of two equal keys; the first may hold a key all the same."""
    text = '{"provider": {"gonkagate": {"options": {"apiKey": "KEY", "apiKey": "{env:X}"}}}}'.replace(
        "KEY", KEY
    )
    assert KEY.encode() not in kept(text.encode())
    text = '{"provider": {"gonkagate": {"options": {"apiKey": "KEY"}}}, "provider": {}}'.replace("KEY", KEY)
    assert KEY.encode() not in kept(text.encode())


@pytest.mark.parametrize("text", ["{%s", '{"a": "%s"', "{'k': '%s'}", '\ufeff{"x" %s}', "\udcff{%s}"])
def test_in_what_cannot_be_parsed_all_that_is_shaped_like_a_key_goes(text: str) -> None:
    data = (text % KEY).encode(errors="surrogateescape")
    after = kept(data)
    assert KEY.encode() not in after
    assert b"secret" not in after


@pytest.mark.parametrize("text", ["", "{}", '{"model": "gonkagate/gp-like"}', '\ufeff{"provider": {}}\r\n'])
def test_nothing_to_do(text: str) -> None:
    assert kept(text.encode()) == text.encode()


@pytest.mark.parametrize(
    "value", ['"provider": 5', '"provider": {"gonkagate": []}', '"provider": {"gonkagate": "x"}']
)
def test_places_that_are_no_objects(value: str) -> None:
    text = "{" + value + "}"
    assert kept(text.encode()) == text.encode()


@pytest.mark.parametrize(
    "text",
    [
        '{"provider": {"other": {"options": {"apiKey": "KEY"}}}}',
        '{"provider": {"other": {"options": {"headers": {"Authorization": "Bearer KEY"}}}}}',
        '{"x": "KEY"} // KEY',
        '{"x": "ESCAPED"}',
        '{"x": "PERCENT"}',
        '{"x": "BASE64"}',
        '{"x": [KEY',
    ],
)
def test_a_key_that_is_known_goes_wherever_it_stands(text: str) -> None:
    escaped = KEY.replace("/", "\\/").replace("g", "\\u0067")
    for name, form in (
        ("KEY", KEY),
        ("ESCAPED", escaped),
        ("PERCENT", urllib.parse.quote(KEY, safe="")),
        ("BASE64", base64.b64encode(KEY.encode()).decode()),
    ):
        text = text.replace(name, form)
    after = kept(text.encode(), [Secret("gp-another"), Secret(KEY)]).decode()
    assert BINDING in after
    for part in (KEY, "secret", "of-a_user", base64.b64encode(KEY.encode()).decode()[4:20]):
        assert part not in after


@pytest.mark.parametrize(
    "value",
    [
        '["KEY"]',
        '{"a": {"b": ["KEY"]}}',
        '"{env:KEY}"',
        '"{file:KEY}"',
        '["sk-not-of-our-shape"]',
        '{"value": "sk-not-of-our-shape"}',
        "12345678",
        '"gp-secret.of-a_user+\\/~1"',
    ],
)
def test_what_stands_there_in_another_form_goes_and_its_text_elsewhere_too(value: str) -> None:
    text = with_key("x").replace('"x"', value.replace("KEY", KEY)) + f"// {KEY} sk-not-of-our-shape"
    after = kept(text.encode()).decode()
    assert f'"apiKey" :"{BINDING}", /* here */' in after
    assert "12345678" not in after
    assert ("sk-not-of-our-shape" if "sk-" in value else KEY) not in after or value == "12345678"


@pytest.mark.parametrize("first", ['"sk-other-shape"', '["sk-other-shape"]', '{"a": "sk-other-shape"}'])
def test_a_shadowed_duplicate_of_any_shape_goes(first: str) -> None:
    for text in (
        '{"provider": {"gonkagate": {"options": {"apiKey": FIRST, "apiKey": "{env:X}"}}}}',
        '{"provider": {"gonkagate": {"options": {"apiKey": FIRST}, "options": {}}}}',
        '{"provider": {"gonkagate": {"options": {"apiKey": FIRST}}}, "provider": {}}',
    ):
        after = kept(text.replace("FIRST", first).encode()).decode()
        assert after == text.replace("FIRST", f'"{BINDING}"')
