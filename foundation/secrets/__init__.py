"""Secrets are passed as `Secret`, which does not print itself; `scrub` cleans everything that is printed."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final, Iterable, Iterator, NoReturn

if TYPE_CHECKING:
    import re


class Secret:
    """A value that only `reveal()` shows; as text it is always `***`, and it cannot be pickled."""

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
# No English word is that long.
LONGEST_WORD: Final = 20

# Any printable ASCII except quotes and backslashes may follow the prefix; a dot does not end it.
# A letter before it is part of another word, unless it ends an escape: %0A, \n, \u003d, a colour.
# Compiled at first use, because most runs do not need them before the first question.
_KEY_SHAPED: Final = (
    r"(?P<lead>\[[0-9;:]*m|(?<![A-Za-z])|(?<=%[0-9A-Fa-f]{2})|(?<=\\[nrt])|(?<=\\[ux][0-9A-Fa-f]{2})"
    r"|(?<=\\u[0-9A-Fa-f]{4}))"
    r"gp(?:-|%2[Dd]|\\+u002[Dd])[^\s\"'`\\\x00-\x20\x7f-\U0010ffff]+"
)

# What may be between two characters of a secret: line ends, continuations, quote marks and indentation of
# wrapped text (escaped ones too), frames of boxes, terminal escapes, hyperlinks (OSC 8), UTF-16's zero bytes.
_GAPS: Final = (
    r"(?:\\(?:[nrt]|(?:x1[bB]|u001[bB]|033|e)\[[0-9;:?]*[A-Za-z]"
    r"|u(?:00(?:0[0-9a-fA-F]|20|23|3[eE]|7[cC]|[aA]0)|2[0-9a-fA-F]{3}))?"
    r"|\x1b(?:\[[0-9;:?]*[A-Za-z]|\][^\x07\x1b]*(?:\x07|\x1b\\))"
    r"|[\s\x00\u200b\u2026\u2500-\u257f|>#]+)"
)

_NAME: Final = (
    r"(?:[A-Za-z0-9]+[_-])*(?:[A-Za-z0-9]*(?:(?:api[_-]?key|secret|password|passwd|credential|private[_-]?key)s?"
    r"|token)|(?:proxy-)?authorization|(?:set-)?cookie)"
)
_NAMED: Final = (
    # A path that ends in such a name, as our own key file's does, is not followed by a value.
    rf"(?i)(?<![\w/\\~-])(?P<name>(?:--)?{_NAME}(?P<close>\\*[\"'])?\s*[:=]\s*)"
    r"(?:(?P<quote>[\"'])(?P<quoted>(?:\\.|(?!(?P=quote))[^\\\n])*)(?P<end>(?P=quote)|$)"
    # In quoted text, the inner quotes have backslashes.
    r"|(?P<inner>\\+[\"'])(?P<within>(?:(?!(?<!\\)(?P=inner)).)*)(?P<ending>(?P=inner)|$)"
    r"|(?P<scheme>(?:bearer|basic|token)\s+)?(?P<bare>[^\s,;&\"'{}\[\]\\]+))"
)
# On one line, and without terminal colours: the next line is another sentence.
_FLAG: Final = r"(?i)(--[\w-]*(?:key|token|secret|password)[ \t]+)(?=[^\s\x1b]*\d)[^\s\x1b]{8,}"
_REFERENCE: Final = r"\{(?:env|file):[^}]*\}|\*+|Secret\(\*+\)|null|true|false"


def scrub(text: str, secrets: Iterable[Secret] = ()) -> str:
    """`text` with `***` in place of everything secret in it.

    That is: the known `secrets` as `replace_known` finds them; anything shaped like an API key (`gp-…`); and
    values under secret-looking names, except references (`{file:...}`, `{env:...}`). JSON stays JSON.
    """
    import re

    text = replace_known(text, secrets, MASK)
    text = re.sub(_KEY_SHAPED, rf"\g<lead>{MASK}", text)
    text = re.sub(_FLAG, rf"\g<1>{MASK}", text)
    return re.sub(_NAMED, _mask_value, text, flags=re.MULTILINE)


def replace_known(text: str, secrets: Iterable[Secret], replacement: str) -> str:
    """`text` with `replacement` instead of the secrets, in whatever form they appear.

    Plain, percent-encoded, JSON-escaped, as HTML entities, in hexadecimal, as decimal bytes, in base64 (also
    twice), base64url or base32, as UTF-16, with colours or links in it, or split over wrapped lines.
    """
    done, parts = 0, []
    for start, end in find_known(text, secrets):
        parts += [text[done:start], replacement]
        done = end
    return "".join([*parts, text[done:]])


def find_known(text: str, secrets: Iterable[Secret]) -> list[tuple[int, int]]:
    """Start and end of every secret in the text, as `replace_known` finds them, in order."""
    values = [secret.reveal() for secret in secrets if secret.reveal()]
    if not values:
        return []
    dense = _Dense(text)
    spans: list[tuple[int, int]] = []
    for value in values:
        forms, as_text = _patterns(value)
        for form in forms:
            spans += [dense.original(*match.span()) for match in form.finditer(dense.text)]
        spans += [match.span() for match in as_text.finditer(text)]
    apart: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if apart and start < apart[-1][1]:
            start, end = apart[-1][0], max(end, apart.pop()[1])  # noqa: PLW2901
        apart.append((start, end))
    return apart


def find_shaped(text: str) -> list[tuple[int, int]]:
    """Start and end of all that has the shape of an API key (`gp-…`)."""
    import re

    return [(match.end("lead"), match.end()) for match in re.finditer(_KEY_SHAPED, text)]


class _Dense:
    """A text without the gaps that may be within a secret, and where each of its characters was."""

    def __init__(self, text: str) -> None:
        import re

        self._text = text
        self._starts: list[int] = []
        self._origins: list[int] = []
        parts, at, length = [], 0, 0
        for gap in [*re.finditer(_GAPS, text), None]:
            start, end = (len(text), len(text)) if gap is None else gap.span()
            if start > at:
                self._starts.append(length)
                self._origins.append(at)
                parts.append(text[at:start])
                length += start - at
            at = end
        self.text = "".join(parts)

    def original(self, start: int, end: int) -> tuple[int, int]:
        """Where `self.text[start:end]` is in the original text, including the backslashes of an escape."""
        first, last = self._origin(start), self._origin(end - 1) + 1
        while self._text[first] in "ux" and first and self._text[first - 1] == "\\":
            first -= 1
            if not first or self._text[first - 1] != "\\":
                break
        return first, last

    def _origin(self, index: int) -> int:
        from bisect import bisect_right

        part = bisect_right(self._starts, index) - 1
        return self._origins[part] + index - self._starts[part]


def _mask_value(match: re.Match[str]) -> str:
    import re

    name, close = match["name"], match["close"] or ""
    quote = match["quote"] or match["inner"]
    value = match["bare"] or match["quoted"] or match["within"]
    if not value or re.fullmatch(_REFERENCE, value):
        return match[0]
    if quote:
        return f"{name}{quote}{MASK}{match['end'] or match['ending'] or ''}"
    # `name: word` also appears in ordinary sentences; a value has a digit, a scheme or a certain length.
    sentence = name.rstrip()[-1] == ":" and not close and not match["scheme"]
    if sentence and len(value) < LONGEST_WORD and not any(character.isdigit() for character in value):
        return match[0]
    return f"{name}{close}{MASK}{close}"


# A report has dozens of texts, each searched for the same one or two keys.
@lru_cache(maxsize=8)
def _patterns(value: str) -> tuple[tuple[re.Pattern[str], ...], re.Pattern[str]]:
    """What finds the value in a dense text, and in a text as it is."""
    import re

    decimal = r"[\s,;]+".join(str(byte) for byte in value.encode())
    return tuple(_forms(value)), re.compile(rf"{re.escape(value)}|(?<!\d){decimal}(?!\d)")


def _forms(value: str) -> Iterator[re.Pattern[str]]:
    """Regular expressions for the forms in which a dense text may contain the value."""
    import re

    if not re.sub(_GAPS, "", value):
        return
    yield re.compile("".join(_character(character) for character in value))
    data = value.encode()
    yield re.compile(r"(?:[:,;-]|0?x)*".join(f"{byte:02x}" for byte in data), re.IGNORECASE)
    for core in {
        *_base64(data),
        *_base32(data),
        *(twice for once in _base64(data) for twice in _base64(once)),
    }:
        yield re.compile("".join(_BASE64.get(letter, letter) for letter in core.decode()))


def _base64(data: bytes) -> Iterator[bytes]:
    """The base64 text of the bytes for each position within a group of three, in both alphabets."""
    from base64 import b64encode, urlsafe_b64encode

    for shift in range(3):
        for encode in (b64encode, urlsafe_b64encode):
            yield encode(bytes(shift) + data)[-(-shift * 8 // 6) : (shift + len(data)) * 8 // 6]


def _base32(data: bytes) -> Iterator[bytes]:
    from base64 import b32encode

    for shift in range(5):
        yield b32encode(bytes(shift) + data)[-(-shift * 8 // 5) : (shift + len(data)) * 8 // 5]


_BASE64: Final = {"+": r"(?:\+|%2[bB]|u002[bB])", "/": r"(?:/|%2[fF])"}


def _character(character: str) -> str:
    import re

    code = f"{ord(character):02x}"
    either = "".join(f"[{digit}{digit.upper()}]" if digit.isalpha() else digit for digit in code)
    encoded = rf"%(?:25)*{either}|u00{either}|x{either}|&(?:{ord(character)}|[xX]{either});"
    # A gap character can appear in a dense text only in an encoded form; so can the `#` of an entity.
    if re.fullmatch(_GAPS, character):
        return f"(?:{encoded})?"
    return f"(?:{re.escape(character)}|{encoded})"
