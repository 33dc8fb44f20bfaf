"""Cleans everything that is printed or kept: known secrets, and what looks like one."""

from __future__ import annotations

import re
from typing import Final, Iterable

from foundation.secrets import MASK, Secret
from foundation.secrets.encoded import replace_known

# No English word is that long.
LONGEST_WORD: Final = 20

# The prefix of the keys that programs of this repository handle. Any printable ASCII except quotes and
# backslashes may follow it; a dot does not end it.
# A letter before it is part of another word, unless it ends an escape: %0A, \n, \u003d, a colour.
_KEY_SHAPED: Final = (
    r"(?P<lead>\[[0-9;:]*m|(?<![A-Za-z])|(?<=%[0-9A-Fa-f]{2})|(?<=\\[nrt])|(?<=\\[ux][0-9A-Fa-f]{2})"
    r"|(?<=\\u[0-9A-Fa-f]{4}))"
    r"gp(?:-|%2[Dd]|\\+u002[Dd])[^\s\"'`\\\x00-\x20\x7f-\U0010ffff]+"
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
    text = replace_known(text, secrets, MASK)
    text = re.sub(_KEY_SHAPED, rf"\g<lead>{MASK}", text)
    text = re.sub(_FLAG, rf"\g<1>{MASK}", text)
    return re.sub(_NAMED, _mask_value, text, flags=re.MULTILINE)


def find_shaped(text: str) -> list[tuple[int, int]]:
    """Start and end of all that has the shape of an API key (`gp-…`)."""
    return [(match.end("lead"), match.end()) for match in re.finditer(_KEY_SHAPED, text)]


def _mask_value(match: re.Match[str]) -> str:
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
