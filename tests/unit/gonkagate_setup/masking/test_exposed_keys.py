"""Where a key stands in a text, and under which name; never what it is."""

from __future__ import annotations

import base64

import pytest

from foundation.secrets import Secret
from gonkagate_setup.masking.exposed_keys import keys_in
from opencode_config import jsonc

KEY = "gp-secret.of-a_user"
SECRETS = [Secret(KEY)]


def found(text: str) -> list[tuple[int, int, str | None, bool]]:
    try:
        document = jsonc.parse(text)
    except jsonc.JsoncError:
        document = None
    return [(one.line, one.column, one.key, one.known) for one in keys_in(text, document, SECRETS)]


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ('{\n  "a": {"b": ["x", "KEY"]}\n}', [(2, 21, "a.b.1", True)]),
        ('{\n  "a": {"b": "Bearer KEY"}}', [(2, 22, "a.b", True)]),
        ('{"a": "BASE64"}', [(1, 8, "a", True)]),
        ('{"a": "gp-some-other-key"}', [(1, 8, "a", False)]),
        ('{"a": "?k%3Dgp-some-other-key"}', [(1, 13, "a", False)]),
        ("{} // KEY", [(1, 7, None, True)]),
        ('{"a": { /* KEY */ }}', [(1, 12, "a", True)]),
        ('{"KEY": 1}', [(1, 3, "***", True)]),
        ("---\nkey: KEY\n---\n", [(2, 6, None, True)]),
        ('{"a": KEY', [(1, 7, None, True)]),
        ('{"a": "KEY", "b": "gp-some-other-key"}', [(1, 8, "a", True), (1, 36, "b", False)]),
    ],
)
def test_each_place_is_found(text: str, places: object) -> None:
    text = text.replace("BASE64", base64.b64encode(KEY.encode()).decode()).replace("KEY", KEY)
    assert found(text) == places


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        '{"apiKey": "{file:~/.gonkagate/opencode/api-key}"}',
        '{"model": "gonkagate/gp-tiny", "x": "keys start with gp-"}',
        '{"x": "bgp-routes-of-the-office"}',
    ],
)
def test_what_is_no_key(text: str) -> None:
    assert found(text) == []


def test_a_file_full_of_keys_is_told_twenty_times() -> None:
    assert len(found("[" + KEY + ",\n" * 100 + (KEY + " ") * 1000)) == 20
