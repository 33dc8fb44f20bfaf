"""Nothing secret leaves: a known key in any encoding, what looks like a key, what has a secret's name."""

from __future__ import annotations

import base64
import json
import pickle
import textwrap
import urllib.parse

import pytest

from foundation.secrets import MASK, Secret
from foundation.secrets.scrub import scrub

KEY = "gp-test-Ab9xYz.second-Half_4711+/~q"
SECRET = Secret(KEY)
# What stands between the halves of a key that was broken over lines.
SIGNS = (
    "\n> ",
    "\n# ",
    "…\n",
    "\\\n",
    "\\u2502",
    "\\n\\u2502  ",
    "\\u001b[31m",
    "\\x1b[0m\n",
    "\u2551\n\u2551 ",
)


def forms() -> dict[str, str]:
    data = KEY.encode()
    wrapped = {
        f"wrapped at {width}": "\n   │ ".join(textwrap.wrap(KEY, width, break_on_hyphens=False))
        for width in (3, 7, 20)
    }
    return {
        "plain": KEY,
        "in a URL": f"https://x/?k={KEY}&a=b",
        "percent-encoded": urllib.parse.quote(KEY, safe=""),
        "percent-encoded twice": urllib.parse.quote(urllib.parse.quote(KEY, safe=""), safe=""),
        "all percent-encoded": "".join(f"%{byte:02X}" for byte in data),
        "all percent-encoded, lower case": "".join(f"%{byte:02x}" for byte in data),
        "JSON": json.dumps(KEY),
        "JSON with escaped slashes": json.dumps(KEY).replace("/", "\\/"),
        "all JSON-escaped": "".join(f"\\u{byte:04x}" for byte in data),
        "all JSON-escaped twice": "".join(f"\\\\u{byte:04X}" for byte in data),
        "Python escapes": "".join(f"\\x{byte:02x}" for byte in data),
        "HTML entities": "".join(f"&#{byte};" for byte in data),
        "HTML entities in hexadecimal": "".join(f"&#x{byte:x};" for byte in data),
        "hexadecimal": data.hex(),
        "hexadecimal in capitals": data.hex().upper(),
        "hexadecimal with colons": data.hex(":"),
        "base64": base64.b64encode(data).decode(),
        "base64 for URLs": base64.urlsafe_b64encode(data).decode(),
        "base64 of a login": base64.b64encode(b"user:" + data).decode(),
        "base64 of a header": base64.b64encode(b"Authorization: Bearer " + data + b"\r\n").decode(),
        "base64 in lines": base64.encodebytes(b"x" * 50 + data + b"y" * 50).decode(),
        "UTF-16": "\0".join(KEY),
        "with colours": "\x1b[31m".join((KEY[:9], KEY[9:])),
        "in an escaped text": repr("a\n" + KEY[:8] + "\n   " + KEY[8:]),
        "bytes": repr(data),
        "a list of bytes": str(list(data)),
        "decimal bytes": " ".join(map(str, data)),
        "hexadecimal numbers": ", ".join(f"0x{byte:02x}" for byte in data),
        "base32": base64.b32encode(data).decode(),
        "base32 of a header": base64.b32encode(b"Bearer " + data).decode(),
        "base64 of base64": base64.b64encode(base64.b64encode(data)).decode(),
        "base64 of a login in base64": base64.b64encode(b"x:" + base64.b64encode(b"ab" + data)).decode(),
        "base64url of base64url": base64.urlsafe_b64encode(base64.urlsafe_b64encode(data)).decode(),
        "base64 in a URL": urllib.parse.quote(base64.b64encode(data).decode(), safe=""),
        "a link": f"{KEY[:9]}\x1b]8;;https://x/\x1b\\{KEY[9:20]}\x1b]8;;\x07{KEY[20:]}",
        **{f"with {sign!r} in it": KEY[:12] + sign + KEY[12:] for sign in SIGNS},
        **wrapped,
    }


@pytest.mark.parametrize("name", forms())
def test_the_known_key_in_every_form(name: str) -> None:
    for text in (forms()[name], f"before {forms()[name]} after", f'{{"error": "{forms()[name]}"}}'):
        after = scrub(text, [SECRET])
        assert MASK in after
        for part in ("Ab9xYz", "second", "4711"):
            for needle in (part, part.encode().hex(), part.encode().hex().upper(), "\0".join(part)):
                assert needle not in after
        assert base64.b64encode(KEY.encode())[4:20].decode() not in after


@pytest.mark.parametrize("shift", range(5))
def test_base32_and_base64_twice_wherever_the_key_begins(shift: int) -> None:
    for once in (base64.b64encode, base64.urlsafe_b64encode):
        for pad in range(3):
            inner = once(b"x" * (30 + pad) + KEY.encode() + b"y" * 30)
            core = once(b"x" * pad + KEY.encode())[4:40]
            twice = base64.b64encode(b"z" * shift + inner).decode()
            left = base64.b64decode(scrub(twice, [SECRET]).split(MASK)[0] + "===")
            assert MASK in scrub(twice, [SECRET])
            assert core not in left
    encoded = base64.b32encode(b"x" * (30 + shift) + KEY.encode() + b"y" * 30).decode()
    core = base64.b32encode(b"x" * shift + KEY.encode())[8:48]
    assert core.decode() in encoded
    assert core.decode() not in scrub(encoded, [SECRET])


@pytest.mark.parametrize("key", ["gp-a>b#c|d", "gp-ab#>c|d"])
def test_a_key_with_signs_that_also_mark_lines(key: str) -> None:
    for text in (key, f"-{urllib.parse.quote(key)}-", json.dumps(key), f"{key[:5]}\n> {key[5:]}"):
        assert key[5:] not in scrub(text, [Secret(key)])
        assert MASK in scrub(text, [Secret(key)])


def test_no_more_than_the_key_goes() -> None:
    text = f"a\n{KEY}\nb > {KEY[:9]}\n> {KEY[9:]} # c"
    assert scrub(text, [SECRET]) == f"a\n{MASK}\nb > {MASK} # c"
    escaped = "".join(f"\\u{byte:04x}" for byte in KEY.encode())
    assert scrub(f'"{escaped}"', [SECRET]) == f'"{MASK}"'


@pytest.mark.parametrize("shift", [0, 1, 2])
def test_base64_wherever_the_key_begins_in_a_group(shift: int) -> None:
    encoded = base64.b64encode(b"x" * (30 + shift) + KEY.encode() + b"y" * 30).decode()
    core = base64.b64encode(b"x" * shift + KEY.encode()).decode()[4:40]
    assert core in encoded
    assert core not in scrub(encoded, [SECRET])


@pytest.mark.parametrize(
    "key",
    [
        "gp-a",
        "gp-unknown-to-us",
        "gp-with.a.dot",
        "gp-a.b-c_d+e/f~g%h!i@j#k$l^m&n*o(p)q",
        "gp%2Dabcdef",
        "gp\\u002dabc",
    ],
)
def test_an_unknown_key_goes_by_its_shape(key: str) -> None:
    for text in (
        key,
        f"Incorrect API key provided: {key}.",
        f'"{key}"',
        f"({key})",
        f"?k={key}",
        f"?k%3D{key}",
        f"%0a{key}",
        f"Bearer {key}\n",
        f"keys:\\n{key}",
        f"\\u000a{key}",
        f"\\x0a{key}",
        f"\x1b[31m{key}\x1b[0m",
        f"\x1b[1;38:5:9m{key}",
    ):
        after = scrub(text)
        assert MASK in after
        assert key[4:] == "" or key[5:] not in after or len(key) < 6


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('"apiKey": "hunter2"', "hunter2"),
        ('"apiKey":"hunter2', "hunter2"),
        ("'api_key' : 'hun\\'ter2'", "ter2"),
        ('{\\"apiKey\\": \\"hunter2\\"}', "hunter2"),
        ('"OPENAI_API_KEY": "hunter2"', "hunter2"),
        ("OPENAI_API_KEY=hunter2 other=1", "hunter2"),
        ("api-key=hunter2", "hunter2"),
        ("apikey = hunter", "hunter"),
        ("password: hunter2", "hunter2"),
        ("clientSecret=hunter2;x", "hunter2"),
        ("access_token=hunter2&next=1", "hunter2"),
        ('"Authorization": "Bearer hunter2 and more"', "more"),
        ("Authorization: Bearer hunter", "hunter"),
        ("authorization: Basic aHVudGVyMg==", "aHVudGVyMg"),
        ("Proxy-Authorization: Basic aHVudGVyMg==", "aHVudGVyMg"),
        ("Set-Cookie: sid=hunter2", "hunter2"),
        ('"private_key": "-----BEGIN"', "BEGIN"),
        ("--api-key hunter2000", "hunter2000"),
        ("--apikey=hunter2", "hunter2"),
        ('"password": 12345', "12345"),
        ("credentials=hunter2", "hunter2"),
    ],
)
def test_values_under_secret_names_go(text: str, value: str) -> None:
    after = scrub(text)
    assert value not in after
    assert MASK in after


@pytest.mark.parametrize(
    "text",
    [
        "",
        '"apiKey": "{file:~/.gonkagate/opencode/api-key}"',
        '"apiKey": "{env:MY_KEY}"',
        '"apiKey": "***"',
        "/home/me/.gonkagate/opencode/api-key: there is a folder where a file should be",
        r"C:\Users\me\.gonkagate\opencode\api-key: access denied",
        "~/.gonkagate/opencode/api-key has mode 0644 instead of 0600",
        "provider.gonkagate.options.apiKey: defined in two files",
        "the key must start with gp-",
        "Keys start with gp- and you get one at https://gonkagate.com/en/register",
        "--api-key is refused: use --api-key-stdin or GONKAGATE_API_KEY",
        '"max_tokens": 32000, "tokens": 5',
        '{"errorCode": "secret_stdin_empty", "ok": false}',
        '{"model": "gonkagate/kimi-k2.6"}',
        "the password: ask your administrator",
        "bgp-routes and mygp-thing",
        '"apiKey": null, "token": true',
        'sort keys: "monkey": "bananas", "keyboard": "qwerty"',
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert scrub(text, [SECRET]) == text


def test_json_stays_json() -> None:
    value = {
        "message": f'the key "{KEY}" in \\ "apiKey": "hunter2"',
        "apiKey": KEY,
        "list": [KEY, {"password": 5, "secret": 'a"b\\'}],
        "path": f"/x/{KEY}/y",
    }
    for indent in (None, 2):
        after = json.loads(scrub(json.dumps(value, indent=indent), [SECRET]))
        assert after.keys() == value.keys()
        assert after["apiKey"] == MASK
        assert after["list"][1] == {"password": MASK, "secret": MASK}
        assert KEY not in json.dumps(after)


def test_several_secrets_and_an_empty_one() -> None:
    assert scrub("one two", [Secret("one"), Secret(""), Secret("two")]) == f"{MASK} {MASK}"


def test_signs_of_regular_expressions_are_only_signs() -> None:
    assert scrub("a.*b aXXb", [Secret("a.*b")]) == f"{MASK} aXXb"


LONG = ("g", "gp-", "%67", "\n", "api_key", "a_", "\\", "\\n", "g\x1b]8;;", "103, ", "%25", "67", "g\\\\n")


@pytest.mark.large
@pytest.mark.parametrize("text", LONG)
def test_long_texts_take_no_long(text: str) -> None:
    """A text of 100,000 signs that nearly matches ends within the test's own time-out of nature."""
    assert isinstance(scrub(text * 10**5, [SECRET]), str)


def test_a_secret_never_shows_itself() -> None:
    for text in (
        repr(SECRET),
        str(SECRET),
        f"{SECRET}",
        f"{SECRET!r:>40}",
        "".join(map(str, [SECRET])),
        repr([SECRET]),
    ):
        assert "test" not in text
    with pytest.raises(TypeError):
        pickle.dumps(SECRET)
    assert Secret("a") == Secret("a") != Secret("b")
    assert len({Secret("a"), Secret("a")}) == 1


def test_an_option_at_the_end_of_a_line_has_no_value_on_the_next_one() -> None:
    said = "name it with --api-key\n\x1b[1mnext:\x1b[0m gonkagate-setup1"
    assert scrub(said) == said
    assert scrub("--keep-key\nnext12345678") == "--keep-key\nnext12345678"
    assert scrub("--api-key \t abcdefgh12345") == "--api-key \t ***"
    assert scrub("--token abcdefgh12345\x1b[0m") == "--token ***\x1b[0m"
