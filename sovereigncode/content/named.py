"""Secrets by what they are called.

`DB_PASSWORD=…`, `"apiKey": "…"`, `Authorization: Bearer …`, `--token …`, `<secret>…`: a name that says so,
and a value that looks drawn at random. Without such a name a random-looking value is not a credential: source
text is full of digests, commit ids, UUIDs, fonts and test vectors.
"""

from __future__ import annotations

import re
from typing import Final, Iterator

from sovereigncode.content.kinds import Kind
from sovereigncode.content.randomness import is_name, is_placeholder, looks_random
from sovereigncode.content.view import Span, View

# How far a name, its sign and its quote reach back from the value.
_REACH: Final = 80
_NAME: Final = (
    rb"(?:secret|passw(?:or)?d|passphrase|pwd|token|credentials?|(?<![a-z])auth|authorization|bearer|cookie"
    rb"|(?:api|access|auth|private|secret|signing|encryption|encrypt|master|account|service|storage|shared|client"
    rb"|session|deploy|admin|crypt|hmac|jwt|license)[_\- ]?key)"
)
# The last word decides: `token_url`, `secret_name` and `password_hash` are no secrets.
_TAIL: Final = (
    rb"(?:[_\-]?(?:value|val|str|string|prod|dev|test|staging|live|default|old|new|base64|b64|hex|plain|text|header"
    rb"|v?\d{1,2}))?"
)
# What every such name has in it.
_STEM: Final = re.compile(rb"key|token|secret|pass|pwd|auth|cred|bearer|cookie")
_IS_SECRET: Final = re.compile(_NAME + _TAIL + rb"\Z")
# Read from the value backwards: a quote, a call such as `SecretStr(`, a scheme, a sign, the end of the name.
_BACKWARDS: Final = re.compile(
    rb"(?:[\"'`]?[bruf]{0,2}(?:\([\w.]{1,40})?(?:\s{1,2}(?:reraeb|cisab|nekot|yekipa|tob))?[\"'`]?"
    rb"(?:\s{0,3}(?:=?:|[>:]?=|=:|(?<=[\"'`]),|(?<=[\"'`]\s),))\s{0,3}[\"'\]]{0,2}"
    rb"|[\"']?[ =](?=[a-z0-9\-]{1,40}--?)|>(?=[a-z0-9_\-.:]{2,60}<)|[\"'`]?\s(?:si|saw)\s)"
    rb"([a-z0-9_\- ]{2,60})"
)
_BEFORE_VALUE: Final = frozenset(b"\"'`=: >")
_INSIDE_VALUE: Final = frozenset(b"/+")
_VALUE: Final = re.compile(rb"[A-Za-z0-9_\-+/.~=]*")
_VALUE_BACKWARDS: Final = re.compile(rb"[A-Za-z0-9+/]*")
_LONGEST: Final = 200

# The sign after a name, read forwards.
_SIGN: Final = (
    rb"[\"'\]]{0,2}\s{0,3}(?::=|=>|[:=]|,\s?(?=[\"']))\s{0,3}(?:[\w.]{1,40}\(\s?(?=[bruf]{0,2}[\"'`]))?"
    rb"(?:[bruf]{0,2}[\"'`])?"
)
_FORWARDS: Final = tuple(
    re.compile(stem + _TAIL + _SIGN)
    for stem in (rb"pass(?:w(?:or)?d|phrase)", rb"pwd", rb"secret(?:[_\-]?(?:access[_\-]?)?key)?")
)
_QUOTED: Final = re.compile(rb"[^\s\"'`,;()\[\]{}<>\\]{10,200}(?=[\"'`])")
_BARE: Final = re.compile(rb"[^\s\"'`,;&()\[\]{}<>]{10,200}")
# After anything else it is the beginning of an expression.
_AFTER_BARE: Final = (b"", b" ", b"\t", b"\r", b"\n", b",", b";", b"&", b"}", b"]", b"<", b'"', b"'", b"`")
_KINDS: Final = tuple(
    re.compile(kind) for kind in (rb"[a-z]", rb"[A-Z]", rb"[0-9]", rb"[!@#$%^&*+~?\-_.:=|]")
)
_DIGIT: Final = _KINDS[2]

_UUID: Final = re.compile(rb"(?i)[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
# An algorithm's prefix, as lock files have it.
_DIGEST: Final = re.compile(
    rb"(?i)(?:sha-?(?:1|224|256|384|512)|sha3-\d+|md5|blake2[bs]|blake3|h1|crc32c?|xxh\d*)[-:=_]"
)


def named_secrets(view: View) -> Iterator[Span]:
    """Values that look random under a name that says that they are secret."""
    for run, _ in view.runs:
        start = _start_of_value(view.data, run)
        if start < 0:
            continue
        before = view.lower[max(0, start - _REACH) : start]
        if _STEM.search(before) is None:
            continue
        name = _BACKWARDS.match(before[::-1])
        if name is None or _IS_SECRET.search(name[1][::-1]) is None:
            continue
        value = _VALUE.match(view.data, start)
        if value is not None and view.data[value.end() : value.end() + 1] != b"(" and _is_secret(value[0]):
            yield Span(Kind.NAMED_SECRET, *value.span())
    for form in _FORWARDS:
        yield from _after_names(view, form)


def _after_names(view: View, form: re.Pattern[bytes]) -> Iterator[Span]:
    """Shorter values too, and those with other characters in them."""
    data, lower, at = view.data, view.lower, 0
    while (label := form.search(lower, at)) is not None:
        quoted = label[0][-1] in b"\"'`"
        value = (_QUOTED if quoted else _BARE).match(data, label.end())
        at = label.end() if value is None else value.end()
        if value is None or (not quoted and data[at : at + 1] not in _AFTER_BARE):
            continue
        if _is_password(value[0]) or _is_secret(value[0]):
            yield Span(Kind.NAMED_SECRET, *value.span())


def _start_of_value(data: bytes, run: int) -> int:
    """Where the value begins that the run is in; -1 if nothing is before it that may end a name."""
    if not run:
        return -1
    if data[run - 1] in _INSIDE_VALUE:
        before = _VALUE_BACKWARDS.match(data[max(0, run - _LONGEST) : run][::-1])
        run -= before.end() if before else 0
    return run if run and data[run - 1] in _BEFORE_VALUE else -1


def _is_secret(value: bytes) -> bool:
    if _UUID.fullmatch(value) or _DIGEST.match(value) or _VALUE.fullmatch(value) is None:
        return False
    return looks_random(value.rstrip(b"=").rstrip(b"."))


def _is_password(value: bytes) -> bool:
    """Three of lower case, capitals, digits and signs, digits among them: `Tr0ub4dor&3!`."""
    if is_placeholder(value) or is_name(value) or _UUID.fullmatch(value) or b"://" in value:
        return False
    kinds = sum(kind.search(value) is not None for kind in _KINDS)
    return kinds >= 3 and _DIGIT.search(value) is not None and len(set(value)) >= 7  # noqa: PLR2004 - see above
