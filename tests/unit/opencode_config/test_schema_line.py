"""The line that opencode adds to a config without `$schema`, and whether it does."""

from __future__ import annotations

import pytest

from opencode_config import schema_line
from opencode_config.jsonc import parse

ADDED = '{\n  "$schema": "https://opencode.ai/config.json",'


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('{"a": 1}', f'{ADDED}"a": 1}}'),
        ("\ufeff \r\n\t{\n}\n", f"{ADDED}\n}}\n"),
        ('{"a": {"b": "\u2028"}}', f'{ADDED}"a": {{"b": "\u2028"}}}}'),
        ("// mine\n{}", "// mine\n{}"),
    ],
)
def test_what_is_added_and_whether_it_is_said(before: str, after: str) -> None:
    assert schema_line.as_opencode_leaves_it(before.encode()) == after.encode()
    assert schema_line.is_added_to(before, parse(before).value) is (before != after)


def test_a_config_that_has_it_stays() -> None:
    text = '{"$schema": "x"}'
    assert not schema_line.is_added_to(text, parse(text).value)


def test_bytes_that_are_no_text_stay() -> None:
    assert schema_line.as_opencode_leaves_it(b"{\xff}") == ADDED.encode() + b"\xff}"
