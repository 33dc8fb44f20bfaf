"""Whether a value looks drawn at random, or is a word, a name, a path or a placeholder."""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import Final

# What people write where a secret would be.
_PLACEHOLDER: Final = re.compile(
    rb"(?i)x{4,}|\*{3,}|\.{3,}|_{4,}|-{4,}|0{8,}|<|>|\$[{(]|\{\{|%[({]|\A%[sdr]\Z|process\.env|environ|getenv|changeme"
    rb"|(?<![a-z])(?:your|example|placeholder|change|replace|insert|dummy|redacted|sample|fake|todo)(?![a-z])"
)
_ROW: Final = re.compile(rb"(?i)123456789|abcdefgh|qwertyui|deadbeef")
# Alphabets, their sizes, and the least share of the bits a character that a text of the length can have.
_HEX: Final = 16
_ALPHABETS: Final[tuple[tuple[re.Pattern[bytes], int, float], ...]] = (
    (re.compile(rb"[0-9]*"), 10, 0.72),
    (re.compile(rb"[0-9a-f\-]*|[0-9A-F\-]*"), _HEX, 0.62),
    (re.compile(rb"[a-z0-9_\-]*|[A-Z0-9_\-]*"), 36, 0.72),
)
_LARGEST: Final = (62, 0.72)
# Words and short numbers with signs between: `s3_access_key_id`, `AWS_S3_KEY`, `new-password2`.
_SEGMENT: Final = rb"(?:[A-Za-z]{2,}[0-9]{0,5}|[A-Za-z]?[0-9]{1,4}|[A-Za-z])?"
_NAME: Final = re.compile(_SEGMENT + rb"(?:[_\-./]" + _SEGMENT + rb")+")
_PIECE: Final = re.compile(rb"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+")
# Letters of one case and digits change every 1.6 to 2.5 characters in a random text, in a name every 3.5.
_LONGEST_PIECES: Final = 3.3
_LONGEST_WITH_SIGNS: Final = 2.6
# No name has digits in so many places.
_MANY_DIGITS: Final = 3


def is_placeholder(value: bytes) -> bool:
    """Whether the value says that it is not one: `your-key-here`, `xxxx`, `${KEY}`."""
    return _PLACEHOLDER.search(value) is not None


def is_filled(value: bytes) -> bool:
    """Whether it may be the rest of a token: not a placeholder, not the same few characters."""
    return len(set(value)) >= 6 and not is_placeholder(value)  # noqa: PLR2004


def is_varied(value: bytes) -> bool:
    """The same where a name may have such a beginning too: and not a name."""
    return is_filled(value) and not is_name(value)


def looks_random(value: bytes) -> bool:
    """Whether at least ten characters look drawn at random from an alphabet of letters and digits."""
    if len(value) < 10 or is_placeholder(value) or _ROW.search(value):  # noqa: PLR2004 - see above
        return False
    size, share = _alphabet(value)
    if _entropy(value) < share * math.log2(min(size, len(value))):
        return False
    return size == _HEX or not _is_words(value)


def _alphabet(value: bytes) -> tuple[int, float]:
    for form, size, share in _ALPHABETS:
        if form.fullmatch(value):
            return size, share
    return _LARGEST


def is_name(value: bytes) -> bool:
    """Whether it is made of words and short numbers with signs between."""
    pieces = _PIECE.findall(value)
    return _NAME.fullmatch(value) is not None and _letters(pieces) > _LONGEST_WITH_SIGNS * len(pieces)


def _is_words(value: bytes) -> bool:
    """Whether it is made of words, as names are: `max_connections_per_host`, `Ed25519PrivateKey`."""
    pieces: list[bytes] = _PIECE.findall(value)
    if _letters(pieces) > _LONGEST_PIECES * len(pieces):
        return len([piece for piece in pieces if piece.isdigit()]) < _MANY_DIGITS
    return is_name(value)


def _letters(pieces: list[bytes]) -> int:
    return sum(map(len, pieces))


def _entropy(value: bytes) -> float:
    """Bits a character, by how often each one is in the value."""
    size = len(value)
    return -sum(count / size * math.log2(count / size) for count in Counter(value).values())
