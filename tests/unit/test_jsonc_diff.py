"""What preview and --dry-run show: the change, no secret, nothing that steers the terminal."""

from __future__ import annotations

import difflib

import pytest

from gonkagate_setup.core.diff import unified_diff

SECRET = "correct-horse-battery"


def body(before: str | None, after: str | None) -> list[str]:
    """The lines without the two file names and the ranges."""
    lines = unified_diff(before, after, "x.json").splitlines()
    return [line for line in lines[2:] if not line.startswith("@@")]


def test_the_format_is_difflibs_own() -> None:
    before = "{\n" + "".join(f'  "k{n}": {n},\n' for n in range(40)) + '  "z": 0\n}\n'
    for after in (
        before.replace('"k3": 3', '"k3": 4'),
        before.replace('  "k3": 3,\n', "").replace('"k20": 20,', '"k20": 20,\n  "new": 1,'),
        before.replace('  "k0": 0,\n', '  "first": 1,\n  "k0": 0,\n').replace('"z": 0', '"z": 1'),
    ):
        wanted = difflib.unified_diff(
            before.splitlines(keepends=True), after.splitlines(keepends=True), "x.json", "x.json"
        )
        assert unified_diff(before, after, "x.json") == "".join(wanted)


def test_no_difference_is_nothing() -> None:
    for text in (None, "", "{}", "\ufeff", '{"a": 1}\r\n'):
        assert unified_diff(text, text, "x") == ""


def test_a_new_and_an_emptied_file() -> None:
    assert unified_diff(None, "{}\n", "x.json") == "--- /dev/null\n+++ x.json\n@@ -0,0 +1 @@\n+{}\n"
    assert unified_diff("{}\n", None, "x.json") == "--- x.json\n+++ /dev/null\n@@ -1 +0,0 @@\n-{}\n"
    assert body("\ufeff", "\ufeff{\n}\n") == ["-\\ufeff", "\\ No newline at end of file", "+\\ufeff{", "+}"]


def test_a_missing_final_newline_is_said() -> None:
    assert body("{}", "{\n}") == [
        "-{}",
        "\\ No newline at end of file",
        "+{",
        "+}",
        "\\ No newline at end of file",
    ]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_line_end(end: str) -> None:
    before = end.join(["{", '  "a": 1', "}", ""])
    after = end.join(["{", '  "a": 1,', '  "b": 2', "}", ""])
    assert body(before, after) == [" {", '-  "a": 1', '+  "a": 1,', '+  "b": 2', " }"]


@pytest.mark.parametrize(
    "key",
    [
        "apiKey", "api_key", "API-KEY", "clientSecret", "secrets", "password", "PASSWORD2", "GITHUB_TOKEN",
        "token", "authorization", "Proxy-Authorization", "cookie", "set-cookie", "credential", "credentials",
        "privateKey", "private_key", "private.key", "headers", "Headers",
    ],
)  # fmt: skip
def test_strings_under_secret_looking_names_are_masked(key: str) -> None:
    for value in (f'"{SECRET}"', f'["{SECRET}"]', f'{{"x": {{"y": "{SECRET}"}}}}'):
        shown = unified_diff(None, f'{{"a": {{"{key}": {value}}}}}', "x")
        assert SECRET not in shown
        assert '"***"' in shown
        assert f'"{key}"' in shown


def test_the_name_may_be_written_with_escapes() -> None:
    shown = unified_diff(None, f'{{"api\\u004bey": "{SECRET}"}}', "x")
    assert SECRET not in shown


@pytest.mark.parametrize(
    "key", ["model", "max_tokens", "tokenizer", "authorizations", "header", "keybinds", "cookies"]
)
def test_other_names_are_shown(key: str) -> None:
    assert SECRET in unified_diff(None, f'{{"{key}": "{SECRET}"}}', "x")


def test_what_is_no_string_is_shown() -> None:
    text = '{"max_tokens": 4096, "token": true, "password": null, "apiKey": "", "secret": 12345678}'
    assert body(None, text)[0] == "+" + text


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("{file:~/.gonkagate/opencode/api-key}", "{file:~/.gonkagate/opencode/api-key}"),
        ("{env:MY_KEY}", "{env:MY_KEY}"),
        ("{env:A}{file:b}", "{env:A}{file:b}"),
        ("Bearer {env:MY_KEY}", "***{env:MY_KEY}"),
        ("{env:MY_KEY}-abc", "{env:MY_KEY}***"),
        ("{env:}", "***"),
        ("env:MY_KEY", "***"),
    ],
)
def test_references_are_shown(value: str, shown: str) -> None:
    assert body(None, f'{{"apiKey": "{value}"}}')[0] == f'+{{"apiKey": "{shown}"}}'


@pytest.mark.parametrize(
    "text",
    [
        '{"note": "gp-abcdefghijklmnop"}',
        '{"gp-abcdefghijklmnop": 1}',
        '{"note": ["x", "gp-abcdefghijklmnop"]}',
        '{"note": "g\\u0070-abcdefghijklmnop"}',
        "{} // gp-abcdefghijklmnop",
        '{ /* "apiKey": "abcdefghijklmnop" */ }',
        '{\n  // "token": "abcdefghijklmnop",\n}',
        '{"command": ["x", "--api-key abcdefghijklmnop1"]}',
        '{"url": "https://me:abcdefghijklmnop@host/v1"}',
    ],
)
def test_secrets_elsewhere_are_masked(text: str) -> None:
    for shown in (
        unified_diff(None, text, "x"),
        unified_diff(text, "{}", "x"),
        unified_diff(text, text + " ", "x"),
    ):
        assert "abcdefghijklmnop" not in shown
        assert "***" in shown


def test_a_literal_key_that_becomes_the_binding() -> None:
    before = '{\n  "apiKey": "gp-abcdefghijklmnop"\n}\n'
    after = '{\n  "apiKey": "{file:~/.gonkagate/opencode/api-key}"\n}\n'
    assert body(before, after) == [
        " {",
        '-  "apiKey": "***"',
        '+  "apiKey": "{file:~/.gonkagate/opencode/api-key}"',
        " }",
    ]


def test_nothing_steers_the_terminal() -> None:
    # Raw control characters are legal in comments, and those beyond ASCII in strings.
    text = '{"a": "\x7f\x9b\u202e\u2066\u200b\u2028\ufeff\ud800"} // \x1b[2J\x00\x07\x0b\x0c\x85\u2069'
    shown = unified_diff(None, text, "name\x1b[31m\n\r.json")
    assert [character for character in shown if ord(character) > 126 or character < " "] == ["\n"] * 5
    assert "// \\u001b[2J\\u0000\\u0007\\u000b\\u000c\\u0085\\u2069\n" in shown
    assert '"\\u007f\\u009b\\u202e\\u2066\\u200b\\u2028\\ufeff\\ud800"' in shown
    assert "+++ name\\u001b[31m\\u000a\\u000d.json\n" in shown


def test_tabs_and_letters_are_shown() -> None:
    assert body(None, '{\n\t"é": "😀\u00a0"\n}\n')[1] == '+\t"é": "😀\u00a0"'
