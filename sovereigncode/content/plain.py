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
_DASHES: Final = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63"
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
_ESCAPED: Final = {"n": "\n", "r": "\n", "t": " ", "f": " ", "b": ""}
# The digits after \\u, \\u{ and \\x.
_CODE: Final = re.compile(r"u([0-9a-fA-F]{4})|u\{([0-9a-fA-F]{1,6})\}|x([0-9a-fA-F]{2})")
_BACKSLASHES: Final = re.compile(r"\\{3,}")
_COLOUR: Final = re.compile("\x1b(?:\\[[0-9;:?]*[A-Za-z]|\\][^\x07\x1b]{0,2000}(?:\x07|\x1b\\\\))")
# The percent-encoded characters that addresses and numbers contain.
_PERCENT: Final = {"40": "@", "2B": "+", "2b": "+", "2D": "-", "2d": "-", "20": " ", "3A": ":", "3a": ":"}


def plain(text: str) -> bytes:
    """UTF-8 of the text in its plain form. Total: lone surrogates are kept as three bytes."""
    if "\\" in text:
        text = _unescaped(text)
    if "%" in text:
        text = _without_percent(text)
    if "\x00" in text:
        text = text.replace("\x00", "")
    if "\x1b" in text:
        text = _COLOUR.sub("", text)
    if not text.isascii():
        text = _usual(text)
    return text.encode("utf-8", "surrogatepass")


def _usual(text: str) -> str:
    others = text.encode("utf-8", "surrogatepass").translate(None, _ASCII)
    unusual = _PLAIN.keys() & set(others.decode("utf-8", "ignore"))
    if len(unusual) > _MANY:
        some = "".join(map(re.escape, sorted(unusual)))
        return re.sub(f"[{some}]", lambda match: _PLAIN[match[0]], text)
    for character in unusual:
        text = text.replace(character, _PLAIN[character])
    return text


def _unescaped(text: str) -> str:
    # Text in JSON in JSON has two, four, eight backslashes: all of them go.
    if "\\" * 8 in text:
        text = _BACKSLASHES.sub(r"\\\\", text)
    first, *rest = text.split("\\")
    parts, halves = [first], False
    for part in rest:
        letter = part[:1]
        if letter in _ESCAPED:
            parts.append(_ESCAPED[letter])
            parts.append(part[1:])
        elif letter in "ux" and (code := _CODE.match(part)):
            parts.append(_character(code))
            parts.append(part[code.end() :])
            halves = halves or "\ud800" <= parts[-2] <= "\udbff"
        else:
            parts.append(part)
    text = "".join(parts)
    # Two escapes of JSON may be the halves of one character.
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass") if halves else text


def _character(code: re.Match[str]) -> str:
    number = int(code[1] or code[2] or code[3], 16)
    return chr(number) if number <= 0x10FFFF else ""  # noqa: PLR2004 - Unicode's last


def _without_percent(text: str) -> str:
    first, *rest = text.split("%")
    if not any(part[:2] in _PERCENT for part in rest):
        return text
    return first + "".join(
        _PERCENT[part[:2]] + part[2:] if part[:2] in _PERCENT else f"%{part}" for part in rest
    )
