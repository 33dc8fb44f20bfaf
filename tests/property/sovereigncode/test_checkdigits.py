"""Check digits against python-stdnum, which knows the same rules and is never shipped."""

from __future__ import annotations

import random
from typing import Any, Callable

import pytest

from sovereigncode.content import checkdigits as ours

stdnum = pytest.importorskip("stdnum", reason="python-stdnum is pinned for Python 3.10 and newer")

from stdnum import iban, luhn  # noqa: E402 - after the check above
from stdnum.au import tfn  # noqa: E402
from stdnum.ca import sin  # noqa: E402
from stdnum.exceptions import InvalidComponent, ValidationError  # noqa: E402
from stdnum.gb import nhs  # noqa: E402
from stdnum.in_ import aadhaar  # noqa: E402
from stdnum.nz import bankaccount, ird  # noqa: E402
from stdnum.us import itin, ssn  # noqa: E402

Check = Callable[[str], bool]
Make = Callable[[random.Random], str]
PAIRS: dict[str, tuple[Check, Any, Make]] = {
    "luhn": (ours.luhn, luhn, lambda chance: digits(chance, chance.choice([9, 13, 15, 16, 19]))),
    "nz_ird": (ours.nz_ird, ird, lambda chance: str(chance.randrange(9_000_000, 160_000_000))),
    "us_ssn": (ours.us_ssn, ssn, lambda chance: digits(chance, 9)),
    "us_itin": (ours.us_itin, itin, lambda chance: f"9{digits(chance, 8)}"),
    "au_tfn": (ours.au_tfn, tfn, lambda chance: digits(chance, chance.choice([8, 9]))),
    "ca_sin": (ours.ca_sin, sin, lambda chance: digits(chance, 9)),
    "in_aadhaar": (ours.in_aadhaar, aadhaar, lambda chance: digits(chance, 12)),
    "gb_nhs": (ours.gb_nhs, nhs, lambda chance: digits(chance, 10)),
}


def digits(chance: random.Random, count: int) -> str:
    return "".join(chance.choices("0123456789", k=count))


@pytest.mark.parametrize("name", PAIRS)
def test_both_know_the_same_numbers(name: str) -> None:
    check, other, make = PAIRS[name]
    chance, valid, wrong = random.Random(name), 0, []
    for _ in range(20_000):
        number = make(chance)
        expected = other.is_valid(number)
        valid += expected
        if check(number) != expected:
            wrong.append((number, expected))
    assert wrong[:5] == []
    assert valid > 50


def test_both_know_the_same_bank_accounts_of_new_zealand() -> None:
    chance, valid = random.Random("accounts"), 0
    banks = [(bank, *one) for bank, branches in ours._BRANCHES.items() for one in branches]
    for _ in range(20_000):
        bank, low, high = chance.choice([*banks, (chance.randrange(100), 0, 9999)])
        base, suffix = digits(chance, 7), digits(chance, chance.choice([2, 3]))
        if ours._BY_BANK.get(bank) in ("E", "G"):
            continue  # it takes 0 for the sum of the digits of 18, 27, and so on; the examples below decide
        number = f"{bank:02}-{chance.randint(low, high):04}-{base}-{suffix}"
        try:
            bankaccount.validate(number)
        except InvalidComponent:
            continue  # it has a list of the branches that there are; we have the ranges of each bank
        except ValidationError:
            assert not ours.nz_bank_account(number), number
        else:
            valid += 1
            assert ours.nz_bank_account(number), number
    assert valid > 50
    assert not ours.nz_bank_account("05-0001-0000000-00")


@pytest.mark.parametrize(
    ("number", "wrong"),
    [
        ("01-0902-0068389-00", "01-0902-0068398-00"),
        ("08-6523-1954512-001", "08-6523-1954152-001"),
        ("26-2600-0320871-032", "26-2600-0320871-033"),
    ],
)
def test_the_examples_of_inland_revenue_are_accounts(number: str, wrong: str) -> None:
    assert ours.nz_bank_account(number)
    assert not ours.nz_bank_account(wrong)


def test_every_country_of_the_registry_has_its_length() -> None:
    from stdnum.iban import _ibandb

    lengths = {}
    for country in (a + b for a in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" for b in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"):
        (_, properties), *_ = _ibandb.info(country + "00")
        if "bban" in properties:
            parts = properties["bban"].replace("!", " ").replace("n", " ").replace("a", " ").replace("c", " ")
            lengths[country] = 4 + sum(map(int, parts.split()))
    missing = {name: length for name, length in lengths.items() if ours._IBAN_LENGTHS.get(name) != length}
    assert missing == {}


@pytest.mark.parametrize(
    "number",
    [
        "GB82 WEST 1234 5698 7654 32", "DE89 3704 0044 0532 0130 00", "FR14 2004 1010 0505 0001 3M02 606",
        "NO93 8601 1117 947", "GB82 WEST 1234 5698 7654 33", "DE89 3704 0044 0532 0130", "XX00 1234",
    ],
)  # fmt: skip
def test_an_iban_is_one_for_both(number: str) -> None:
    assert ours.iban(number) == iban.is_valid(number)


@pytest.mark.parametrize(
    "check", [pair[0] for pair in PAIRS.values()] + [ours.iban], ids=lambda one: one.__name__
)
@pytest.mark.parametrize("text", ["", " ", "x", "\uff11" * 8, "12-3x", "\x00", "9" * 500, "\u0663" * 9])
def test_any_text_has_an_answer(check: Check, text: str) -> None:
    assert check(text) in (True, False)
