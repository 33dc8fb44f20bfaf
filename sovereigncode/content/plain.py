"""A text as the detectors read it: escapes undone, invisible characters removed, one form for each digit.

One pass over the text, and no second view of it: a new line and its escape are the same to every detector.
"""

from __future__ import annotations

import re
from typing import Final

# First digits of the decimal systems that people type: Arabic, Persian, those of India, Thai, Lao, Tibetan,
# Burmese, Khmer, Mongolian, and the five mathematical alphabets. Unicode keeps the ten digits of a system in
# one row.
_ZEROS: Final = (
    *(0x660, 0x6F0, 0x7C0, 0x966, 0x9E6, 0xA66, 0xAE6, 0xB66, 0xBE6, 0xC66, 0xCE6, 0xD66),
    *(0xE50, 0xED0, 0xF20, 0x1040, 0x17E0, 0x1810, 0x1D7CE, 0x1D7D8, 0x1D7E2, 0x1D7EC, 0x1D7F6),
)
_SPACES: Final = (
    "\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
)
_DASHES: Final = "\u2010\u2011\u2012\u2013\u2212\ufe58\ufe63"
# Soft hyphen, zero-width characters, marks of direction, joiners, variation selectors, byte order mark.
_INVISIBLE: Final = (
    *(0xAD, 0x34F, 0x61C, 0x180E, 0xFEFF),
    *range(0x200B, 0x2010),
    *range(0x202A, 0x202F),
    *range(0x2060, 0x2070),
    *range(0xFE00, 0xFE10),
)
_PLAIN: Final = {
    **{chr(zero + digit): str(digit) for zero in _ZEROS for digit in range(10)},
    **{chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)},
    **dict.fromkeys(_SPACES, " "),
    **dict.fromkeys(_DASHES, "-"),
    **{chr(code): "" for code in _INVISIBLE},
}
_ASCII: Final = bytes(range(128))
# From here on one pass for all is quicker than one pass for each character.
_MANY: Final = 24
# What a letter after a backslash means; every other character means itself.
_ESCAPED: Final = {b"n": b"\n", b"r": b"\n", b"t": b" ", b"f": b" ", b"b": b""}
# The digits after \\u, \\u{ and \\x.
_CODE: Final = re.compile(rb"u([0-9a-fA-F]{4})|u\{([0-9a-fA-F]{1,6})\}|x([0-9a-fA-F]{2})")
_BACKSLASHES: Final = re.compile(rb"\\{3,}")
_COLOUR: Final = re.compile(b"\x1b(?:\\[[0-9;:?]*[A-Za-z]|\\][^\x07\x1b]{0,2000}(?:\x07|\x1b\\\\))")
# The percent-encoded characters that addresses and numbers contain.
_PERCENT: Final = dict(
    zip(b"40 20 2B 2b 2D 2d 3A 3a".split(), (b"@", b" ", b"+", b"+", b"-", b"-", b":", b":"), strict=True)
)


def plain(text: str) -> bytes:
    """UTF-8 of the text in its plain form. Total: lone surrogates are kept as three bytes."""
    data = text.encode("utf-8", "surrogatepass")
    if b"\\" in data:
        data = _unescaped(data)
    if b"%" in data:
        data = _without_percent(data)
    if b"\x00" in data:
        data = data.replace(b"\x00", b"")
    if b"\x1b" in data:
        data = _COLOUR.sub(b"", data)
    return data if data.isascii() else _usual(data)


def _usual(data: bytes) -> bytes:
    others = data.translate(None, _ASCII).decode("utf-8", "ignore")
    unusual = _PLAIN.keys() & set(others)
    if len(unusual) > _MANY:
        some = b"|".join(sorted(character.encode() for character in unusual))
        return re.sub(some, lambda match: _PLAIN[match[0].decode()].encode(), data)
    for character in unusual:
        data = data.replace(character.encode(), _PLAIN[character].encode())
    return data


def _unescaped(data: bytes) -> bytes:
    # Text in JSON in JSON has two, four, eight backslashes: all of them go.
    if b"\\" * 8 in data:
        data = _BACKSLASHES.sub(rb"\\\\", data)
    first, *rest = data.split(b"\\")
    parts, halves = [first], False
    for part in rest:
        letter = part[:1]
        if letter in _ESCAPED:
            parts.append(_ESCAPED[letter])
            parts.append(part[1:])
        elif letter in (b"u", b"x") and (code := _CODE.match(part)):
            number = int(code[1] or code[2] or code[3], 16)
            halves = halves or number >> 10 == 0xD800 >> 10
            if number <= 0x10FFFF:  # noqa: PLR2004 - Unicode's last
                parts.append(chr(number).encode("utf-8", "surrogatepass"))
            parts.append(part[code.end() :])
        else:
            parts.append(part)
    data = b"".join(parts)
    return _whole(data) if halves else data


def _whole(data: bytes) -> bytes:
    """Two escapes of JSON may be the halves of one character."""
    halves = data.decode("utf-8", "surrogatepass").encode("utf-16", "surrogatepass")
    return halves.decode("utf-16", "surrogatepass").encode("utf-8", "surrogatepass")


def _without_percent(data: bytes) -> bytes:
    first, *rest = data.split(b"%")
    if not any(part[:2] in _PERCENT for part in rest):
        return data
    return first + b"".join(
        _PERCENT[part[:2]] + part[2:] if part[:2] in _PERCENT else b"%" + part for part in rest
    )
