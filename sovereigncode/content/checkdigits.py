"""Check digits: whether a number can be one of its kind, by the rules that its issuer publishes.

Separators (blanks, hyphens, points) count for nothing. Each function takes any text.
"""

from __future__ import annotations

import re
from typing import Final, Sequence

_SEPARATORS: Final = re.compile(r"[\s.\-/]")

# Inland Revenue, "Resident withholding tax and non-resident withholding tax certificate filing
# specification": the branches of each bank; then by the bank the weights of 2 digits of bank, 4 of branch,
# 8 of base and 4 of suffix, and the modulus. For E and G the digits of each product are added.
_BRANCHES: Final = {
    1: ((1, 999), (1100, 1199), (1800, 1899)),
    2: ((1, 999), (1200, 1299)),
    3: ((1, 999), (1300, 1399), (1500, 1599), (1700, 1799), (1900, 1999), (7350, 7399)),
    4: ((2020, 2024),),
    6: ((1, 999), (1400, 1499)),
    8: ((6500, 6599),),
    9: ((0, 0),),
    10: ((5165, 5169),),
    11: ((5000, 6499), (6600, 8999)),
    12: ((3000, 3299), (3400, 3499), (3600, 3699)),
    13: ((4900, 4999),),
    14: ((4700, 4799),),
    15: ((3900, 3999),),
    16: ((4400, 4499),),
    17: ((3300, 3399),),
    18: ((3500, 3599),),
    19: ((4600, 4649),),
    20: ((4100, 4199),),
    21: ((4800, 4899),),
    22: ((4000, 4049),),
    23: ((3700, 3799),),
    24: ((4300, 4349),),
    25: ((2500, 2599),),
    26: ((2600, 2699),),
    27: ((3800, 3849),),
    28: ((2100, 2149),),
    29: ((2150, 2299),),
    30: ((2900, 2949),),
    31: ((2800, 2849),),
    33: ((6700, 6799),),
    35: ((2400, 2499),),
    38: ((9000, 9499),),
    88: ((8800, 8805),),
}
_BY_BANK: Final = {8: "D", 9: "E", 25: "F", 33: "F", 26: "G", 28: "G", 29: "G", 31: "X", 88: "X"}
_WEIGHTS: Final = {
    "A": ((0, 0, 6, 3, 7, 9, 0, 0, 10, 5, 8, 4, 2, 1, 0, 0, 0, 0), 11),
    "B": ((0, 0, 0, 0, 0, 0, 0, 0, 10, 5, 8, 4, 2, 1, 0, 0, 0, 0), 11),
    "D": ((0, 0, 0, 0, 0, 0, 0, 7, 6, 5, 4, 3, 2, 1, 0, 0, 0, 0), 11),
    "E": ((0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5, 4, 3, 2, 0, 0, 0, 1), 11),
    "F": ((0, 0, 0, 0, 0, 0, 0, 1, 7, 3, 1, 7, 3, 1, 0, 0, 0, 0), 10),
    "G": ((0, 0, 0, 0, 0, 0, 0, 1, 3, 7, 1, 3, 7, 1, 0, 3, 7, 1), 10),
    "X": ((0,) * 18, 1),
}
_FROM_HERE_B: Final = 990_000
# The length of an IBAN in each country of its registry (SWIFT, ISO 13616).
_IBAN_LENGTHS: Final = {
    country: int(length)
    for length, countries in {
        "15": "NO", "16": "BE", "18": "DK FI FO GL NL SD FK", "19": "MK SI",
        "20": "AT BA EE KZ LT LU MN XK", "21": "CH HR LI LV", "22": "BG BH CR DE GB GE IE ME RS VA",
        "23": "AE GI IL IQ OM SO TL", "24": "AD CZ ES MD PK RO SA SE SK TN VG", "25": "LY PT ST",
        "26": "IS TR", "27": "BI DJ FR GR IT MC MR SM", "28": "AL AZ BY CY DO GT HN HU LB NI PL SV",
        "29": "BR EG PS QA UA", "30": "JO KW MU YE", "31": "MT SC", "32": "LC", "33": "RU",
    }.items()
    for country in countries.split()
}  # fmt: skip
# Numbers that were printed as examples (Social Security Administration) and so belong to nobody.
_SPECIMENS: Final = frozenset({"078051120", "219099999", "457555462"})
_MULTIPLIED: Final = (
    "0123456789", "1234067895", "2340178956", "3401289567", "4012395678",
    "5987604321", "6598710432", "7659821043", "8765932104", "9876543210",
)  # fmt: skip
_PERMUTED: Final = (
    "0123456789", "1576283094", "5803796142", "8916043527",
    "9453126870", "4286573901", "2793806415", "7046913258",
)  # fmt: skip


def luhn(number: str) -> bool:
    """Payment cards: ISO/IEC 7812-1, annex B."""
    digits = _digits(number)
    doubled = (int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits)))
    return bool(digits) and sum(map(_digit_sum, doubled)) % 10 == 0


def iban(number: str) -> bool:
    """ISO 13616: the length of its country, and 1 modulo 97."""
    text = _SEPARATORS.sub("", number).upper()
    if not re.fullmatch(r"[A-Z]{2}\d\d[A-Z0-9]+", text, re.ASCII) or _IBAN_LENGTHS.get(text[:2]) != len(text):
        return False
    return int("".join(str(int(character, 36)) for character in text[4:] + text[:4])) % 97 == 1


def nz_bank_account(number: str) -> bool:
    """Bank, branch, base and suffix."""
    parts = re.fullmatch(r"(\d\d)(\d{4})(\d{7})(\d{2,3})", _SEPARATORS.sub("", number), re.ASCII)
    if parts is None:
        return False
    bank, branch, base = (int(parts[place]) for place in (1, 2, 3))
    if not any(low <= branch <= high for low, high in _BRANCHES.get(bank, ())):
        return False
    name = _BY_BANK.get(bank) or ("A" if base < _FROM_HERE_B else "B")
    weights, modulus = _WEIGHTS[name]
    whole = f"{parts[1]}{parts[2]}{parts[3]:>08}{parts[4]:>04}"
    products = [int(digit) * weight for digit, weight in zip(whole, weights, strict=True)]
    if name in "EG":
        products = [_digit_sum(_digit_sum(product)) for product in products]
    return sum(products) % modulus == 0


def nz_ird(number: str) -> bool:
    """Inland Revenue's number: a second set of weights if the first gives 10."""
    digits = _digits(number)
    if not 8 <= len(digits) <= 9 or not 10_000_000 < int(digits) < 150_000_000:  # noqa: PLR2004 - as published
        return False
    digits = digits.zfill(9)
    check = -_weighted(digits, (3, 2, 7, 6, 5, 4, 3, 2)) % 11
    if check == 10:  # noqa: PLR2004 - not a digit
        check = -_weighted(digits, (7, 4, 3, 2, 5, 2, 7, 6)) % 11
    return str(check) == digits[8]


def us_ssn(number: str) -> bool:
    """A Social Security number has no check digit; some parts are never given out."""
    parts = re.fullmatch(r"(\d{3})(\d\d)(\d{4})", _SEPARATORS.sub("", number), re.ASCII)
    if parts is None or parts[0] in _SPECIMENS:
        return False
    return parts[1] not in ("000", "666") and parts[1] < "900" and parts[2] != "00" and parts[3] != "0000"


def us_itin(number: str) -> bool:
    """An individual's taxpayer number: 9, and a group that is given out."""
    parts = re.fullmatch(r"9\d\d(\d\d)\d{4}", _SEPARATORS.sub("", number), re.ASCII)
    return parts is not None and "70" <= parts[1] <= "99" and parts[1] not in ("89", "93")


def au_tfn(number: str) -> bool:
    """A tax file number of Australia."""
    digits = _digits(number)
    return 8 <= len(digits) <= 9 and _weighted(digits, (1, 4, 3, 7, 5, 8, 6, 9, 10)) % 11 == 0  # noqa: PLR2004


def ca_sin(number: str) -> bool:
    """A social insurance number of Canada; those that begin with 0 or 8 are not given to people."""
    return re.fullmatch(r"[1-79]\d{8}", _digits(number)) is not None and luhn(number)


def in_aadhaar(number: str) -> bool:
    """India's number for residents: Verhoeff's check digit, and never a palindrome."""
    digits = _digits(number)
    if not re.fullmatch(r"[2-9]\d{11}", digits) or digits == digits[::-1]:
        return False
    check = 0
    for place, digit in enumerate(reversed(digits)):
        check = int(_MULTIPLIED[check][int(_PERMUTED[place % 8][int(digit)])])
    return check == 0


def gb_nhs(number: str) -> bool:
    """A number of the National Health Service."""
    digits = _digits(number)
    if len(digits) != 10:  # noqa: PLR2004
        return False
    check = -_weighted(digits, tuple(range(10, 1, -1))) % 11
    return str(check) == digits[9]


def _digits(number: str) -> str:
    text = _SEPARATORS.sub("", number)
    return text if text.isascii() and text.isdigit() else ""


def _weighted(digits: str, weights: Sequence[int]) -> int:
    return sum(int(digit) * weight for digit, weight in zip(digits, weights))  # noqa: B905 - the rest is the check


def _digit_sum(number: int) -> int:
    return number // 10 + number % 10
