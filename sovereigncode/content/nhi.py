"""New Zealand's National Health Index numbers: HISO 10046, with check digit or check letter."""

from __future__ import annotations

import re
from typing import Final

# The standard counts A to Z without I and O from 1.
_VALUES: Final = {letter: number for number, letter in enumerate("ABCDEFGHJKLMNPQRSTUVWXYZ", start=1)}
_OLD: Final = re.compile(r"[A-HJ-NP-Z]{3}[0-9]{4}")
_NEW: Final = re.compile(r"[A-HJ-NP-Z]{3}[0-9]{2}[A-HJ-NP-Z]{2}")
# Names that have the form of an old number begin so: standards (RFC2045), rules of linters (PLC0415),
# codes of errors and deprecations (DEP0174), parts and processors.
_NAMES: Final = frozenset(
    {
        *(
            "RFC",
            "SHA",
            "AES",
            "DES",
            "RSA",
            "PEP",
            "CVE",
            "CWE",
            "UTF",
            "TLS",
            "SSL",
            "GPT",
            "USB",
            "LTE",
            "GCC",
        ),
        *(
            "MSC",
            "BSC",
            "MSB",
            "DEP",
            "ERR",
            "BLE",
            "DTZ",
            "EXE",
            "FBT",
            "FLY",
            "LPY",
            "NPY",
            "PGH",
            "PLC",
            "PLE",
        ),
        *(
            "PLR",
            "PLW",
            "PTH",
            "PYD",
            "RET",
            "RSE",
            "RUF",
            "SLF",
            "SLT",
            "TCH",
            "TRY",
            "UPX",
            "SEC",
            "BGA",
            "LGA",
        ),
    }
)


def is_valid(number: str) -> bool:
    """Whether the check digit (old form) or letter (new form) is right; either case."""
    number = number.upper()
    if not _OLD.fullmatch(number) and not _NEW.fullmatch(number):
        return False
    values = [_VALUES.get(character) or int(character) for character in number]
    total = sum(value * weight for value, weight in zip(values, range(7, 1, -1), strict=False))
    if number[-1].isdigit():
        return total % 11 != 0 and (11 - total % 11) % 10 == values[-1]
    return 23 - total % 23 == values[-1]


def is_typical(number: str) -> bool:
    """Whether it needs no word before it: in upper case, and not a name that has the same form."""
    return number.isupper() and not (number[3:].isdigit() and number[:3] in _NAMES)
