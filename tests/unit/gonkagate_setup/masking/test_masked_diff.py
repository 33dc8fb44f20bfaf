"""What preview and --dry-run show: the change, no secret, nothing that steers the terminal."""

from __future__ import annotations

import difflib
import time

import pytest

from gonkagate_setup.masking.masked_diff import unified_diff

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


# Made up, each in the shape that its service gives them, and none of them in one piece.
SHAPED = [
    "sk-ant-api03-" + "Zx9" * 8, "sk-" + "proj-" + "a1B2" * 6, "ghp" + "_" + "a1B2" * 6,
    "gho" + "_" + "a1B2" * 6, "github" + "_pat_" + "11AB" * 6, "xoxb" + "-1234567890-" + "abcd" * 3,
    "xoxp" + "-1-A0" * 4, "AK" + "IA" + "ABCDEFGH12345678", "AI" + "za" + "Sy0123456789" * 3,
    "glpat" + "-" + "x1Y2" * 5, "ey" + "J" + "hbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiIxIn0." + "c2lnbmF0dXJl",
    "hf" + "_" + "AbCd" * 8, "gsk" + "_" + "AbC1" * 8, "npm" + "_" + "AbC1" * 8,
    "ya29" + ".a0AfH6SMBx-" + "1234567890",
]  # fmt: skip


@pytest.mark.parametrize("secret", SHAPED, ids=range(len(SHAPED)))
@pytest.mark.parametrize(
    "text",
    [
        '{"note": "%s"}',
        '{"note": ["see %s, please"]}',
        "{} // %s",
        "{\n/* was\n%s\n*/}",
        '{"%s": 1}',
        '{"u": "http://h/?x=%s"}',
    ],
)
def test_known_shapes_are_masked_everywhere(text: str, secret: str) -> None:
    shown = unified_diff(None, text.replace("%s", secret), "x")
    assert secret[-8:] not in shown
    assert "***" in shown


@pytest.mark.parametrize(
    "key",
    [
        "passwd", "DB_PASSWD", "pwd", "PWD", "passphrase", "OPENAI_KEY", "TOKEN_X", "tokens", "signing_key",
        "accessKey", "AWS_ACCESS_KEY_ID", "GITHUB_PAT", "auth", "npmAuth", "DB_PASS", "jwt", "SSHKey",
        "accesskey", "env", "environment", "Env", "creds", "sessionToken", "x-auth-key", "encryption.key",
        "bearer",
    ],
)  # fmt: skip
def test_more_names_are_masked(key: str) -> None:
    for value in (f'"{SECRET}"', f'["{SECRET}"]', f'{{"x": "{SECRET}"}}'):
        shown = unified_diff(None, f'{{"{key}": {value}}}', "x")
        assert SECRET not in shown
        assert f'"{key}"' in shown


@pytest.mark.parametrize(
    "text",
    [
        '{"note": "Bearer correct-horse-battery"}',
        '{"note": "basic correct-horse-battery"}',
        '{"command": ["npx", "-y", "x", "--api-key", "correct-horse-battery"]}',
        '{"command": ["npx", "--token", "correct-horse-battery", "run"]}',
        '{"command": ["sh", "-c", "x --auth-token correct-horse-battery"]}',
        '{"command": ["x", "--password=correct-horse-battery"]}',
        '{"command": ["x", "-key", "correct-horse-battery"]}',
        '{"url": "https://h/v1?key=correct-horse-battery"}',
        '{"url": "https://h/v1?a=b&access_token=correct-horse-battery&c=d"}',
        '{"url": "https://h/cb#auth=correct-horse-battery"}',
        "{} // old key: correct-horse-battery",
        "{} // the token was correct-horse-battery, I think",
        "{} // password correctHorseBattery9",
        "{\n/* keys:\n my passphrase is correct-horse-battery\n*/}",
    ],
)
def test_secrets_without_a_shape_are_masked_by_what_stands_before_them(text: str) -> None:
    shown = unified_diff(None, text, "x")
    assert "orse" not in shown.lower().replace("--- ", "")
    assert "***" in shown


@pytest.mark.parametrize(
    "line",
    [
        '{"command": ["npx", "-y", "@scope/server", "--port", "8080", "--keyring"]}',
        '{"url": "https://host/v1?page=2&sort=name"}',
        '{"command": ["x", "--api-key", "{env:MY_KEY}", "--verbose"]}',
        '{"command": ["x", "--api-key={env:MY_KEY}"]}',
        "{} // the key file is {file:~/.gonkagate/opencode/api-key}, another key comes later",
        "{} // monkeys and tokenizers: nothing to hide here",
        '{"options": {"baseURL": "https://x.com/v1", "max_tokens": "4096", "maxOutputTokens": "x"}}',
        '{"model": "task-runner/desk-1234567890", "npm": "@ai-sdk/openai-compatible"}',
        '{"provider": {"x": {"options": {"apiKey": "{file:~/k}{env:A}"}}}}',
    ],
)
def test_what_is_no_secret_is_shown(line: str) -> None:
    assert body(None, line)[0] == "+" + line


@pytest.mark.large
@pytest.mark.parametrize("piece", ["{env:", "://", "?a=", "--a ", "eyJ", "sk-", "key ", "a1", "bearer "])
@pytest.mark.parametrize("text", ['{"apiKey": "%s"}', '{"x": "%s"}', "{} // key %s", '{"%s": 1}'])
def test_a_large_text_takes_no_minutes(text: str, piece: str) -> None:
    started = time.process_time()
    assert unified_diff(None, text.replace("%s", piece * (100_000 // len(piece))), "x")
    assert time.process_time() - started < 8


@pytest.mark.large
@pytest.mark.parametrize("line", ["1,", '"a",', "// c", '{"x": "y"},'])
def test_a_large_file_of_equal_lines_takes_no_minutes(line: str) -> None:
    lines = [line] * (300_000 // len(line)) + [f"{number % 300}," for number in range(40_000)]
    before = '{\n"a": [\n' + "\n".join(lines) + '\n1],\n"z": 1\n}\n'
    started = time.process_time()
    shown = body(before, before.replace('"z": 1', '"z": 2'))
    assert shown == [" 98,", " 99,", " 1],", '-"z": 1', '+"z": 2', " }"]
    assert time.process_time() - started < 8
