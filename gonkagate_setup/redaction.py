"""Secrets travel as `Secret`, which does not print itself; `scrub` cleans everything that leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Iterable, Iterator, NoReturn

if TYPE_CHECKING:
    import re


class Secret:
    """A value that only `reveal()` shows; its text forms are a constant, and it cannot be pickled."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself: for the one file, an Authorization header, and comparisons."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return self._value == other._value

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is not serialised")


MASK: Final = "***"
# No English word is as long.
_LONG: Final = 20

# Any printable ASCII but quotes and backslashes may follow the prefix (credential.py); a dot does not end it.
# Compiled at first use: most runs print nothing that needs them before the first question.
_KEY_SHAPED: Final = r"(?<![A-Za-z])gp(?:-|%2[Dd]|\\+u002[Dd])[^\s\"'`\\\x00-\x20\x7f-\U0010ffff]+"

# Between two characters of a secret: line ends and indentation of wrapped text (escaped ones too), frames
# of boxes, terminal escapes, and the zero bytes of UTF-16.
_GAP: Final = r"(?:\\+[nrt]|\x1b\[[0-9;?]*[A-Za-z]|[\s\x00\u200b\u2502|])*"

_NAME: Final = (
    r"(?:[A-Za-z0-9]+[_-])*(?:[A-Za-z0-9]*(?:(?:api[_-]?key|secret|password|passwd|credential|private[_-]?key)s?"
    r"|token)|(?:proxy-)?authorization|(?:set-)?cookie)"
)
_NAMED: Final = (
    # A path that ends in such a name, as our own key file's does, names no value.
    rf"(?i)(?<![\w/\\~-])(?P<name>(?:--)?{_NAME}(?P<close>\\*[\"'])?\s*[:=]\s*)"
    r"(?:(?P<quote>[\"'])(?P<quoted>(?:\\.|(?!(?P=quote))[^\\\n])*)(?P<end>(?P=quote)|$)"
    # In a text that is itself quoted, the quotes have backslashes.
    r"|(?P<inner>\\+[\"'])(?P<within>(?:(?!(?<!\\)(?P=inner)).)*)(?P<ending>(?P=inner)|$)"
    r"|(?P<scheme>(?:bearer|basic|token)\s+)?(?P<bare>[^\s,;&\"'{}\[\]\\]+))"
)
_FLAG: Final = r"(?i)(--[\w-]*(?:key|token|secret|password)\s+)(?=\S*\d)\S{8,}"
_REFERENCE: Final = r"\{(?:env|file):[^}]*\}|\*+|Secret\(\*+\)|null|true|false"


def scrub(text: str, secrets: Iterable[Secret] = ()) -> str:
    """`text` with `***` in place of everything secret in it.

    That is: the known `secrets`, also percent-encoded, JSON-escaped, in base64 or hexadecimal, or split over
    wrapped lines; anything with the shape of a GonkaGate key; and values under secret-looking names, where
    references (`{file:...}`, `{env:...}`) stay. JSON stays JSON.
    """
    import re

    for secret in secrets:
        for pattern in _forms(secret.reveal()):
            text = re.sub(pattern, MASK, text)
    text = re.sub(_KEY_SHAPED, MASK, text)
    text = re.sub(_FLAG, rf"\g<1>{MASK}", text)
    return re.sub(_NAMED, _mask_value, text, flags=re.MULTILINE)


def _mask_value(match: re.Match[str]) -> str:
    import re

    name, close = match["name"], match["close"] or ""
    quote = match["quote"] or match["inner"]
    value = match["bare"] or match["quoted"] or match["within"]
    if not value or re.fullmatch(_REFERENCE, value):
        return match[0]
    if quote:
        return f"{name}{quote}{MASK}{match['end'] or match['ending'] or ''}"
    # `name: word` is how sentences are written, ours too; a value has a digit, a scheme or some length.
    sentence = name.rstrip()[-1] == ":" and not close and not match["scheme"]
    if sentence and len(value) < _LONG and not any(character.isdigit() for character in value):
        return match[0]
    return f"{name}{close}{MASK}{close}"


def _forms(value: str) -> Iterator[str]:
    """Regular expressions for the ways in which a text may hold the value."""
    import re
    from base64 import b64encode

    if not value:
        return
    yield _GAP.join(_character(character) for character in value)
    data = value.encode()
    yield "(?i)" + r"[\s:]*".join(re.escape(f"{byte:02x}") for byte in data)
    # The same bytes look different in base64 at each of the three positions within a group.
    for shift, skip in ((0, 0), (1, 2), (2, 3)):
        whole = (shift + len(data)) * 8 // 6
        core = b64encode(bytes(shift) + data).decode()[skip:whole]
        yield _GAP.join({"+": "[+-]", "/": r"(?:\\*/|_)"}.get(letter, letter) for letter in core)


def _character(character: str) -> str:
    import re

    code = f"{ord(character):02x}"
    either = "".join(f"[{digit}{digit.upper()}]" if digit.isalpha() else digit for digit in code)
    entity = rf"&#(?:{ord(character)}|[xX]{either});"
    return rf"(?:{re.escape(character)}|%(?:25)*{either}|\\+(?:u00|x){either}|{entity})"
