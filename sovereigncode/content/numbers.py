"""Payment cards, bank accounts, tax and health numbers: their forms. The check digits are in `checkdigits`.

Most numbers in source text are none of these. A number counts if its check digits are right and its form is
one in which people write it, or if a word before it says what it is.
"""

from __future__ import annotations

import re
from typing import Callable, Final, Iterator, NamedTuple

from sovereigncode.content import checkdigits, nhi
from sovereigncode.content.context import before, label
from sovereigncode.content.kinds import Kind
from sovereigncode.content.view import Span, View


class _Number(NamedTuple):
    """The fewest digits, the form, the check, and the words that must be before it (None: none)."""

    kind: Kind
    digits: int
    form: re.Pattern[bytes]
    check: Callable[[str], object]
    words: re.Pattern[bytes] | None


# Not part of a longer number, a name, a version, a date or a path.
_BEGIN: Final = r"(?<![\w.\-+/$])"
_END: Final = r"(?![\w\-/]|\.\d)"


def _form(text: str) -> re.Pattern[bytes]:
    return re.compile(f"{_BEGIN}(?:{text}){_END}".encode())


_CARD_LENGTHS: Final = re.compile(
    r"4\d{15}|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}|3(?:0[0-5]|[689]\d)\d{11}"
    r"|35(?:2[89]|[3-8]\d)\d{12}|6(?:011|5\d\d|4[4-9]\d)\d{12}|62\d{14,17}|(?:50|5[6-9]|6[37])\d{14}"
)


def _is_card(number: str) -> bool:
    digits = number.translate(_SEPARATORS)
    return bool(_CARD_LENGTHS.fullmatch(digits)) and checkdigits.luhn(digits)


_SEPARATORS: Final = {ord(character): None for character in " -\n."}


def _is_us_number(number: str) -> bool:
    return checkdigits.us_ssn(number) or checkdigits.us_itin(number)


_CARDS: Final = (
    _Number(
        Kind.PAYMENT_CARD,
        14,
        _form(r"\d{4}([ \-\n])\d{4}\1\d{4}\1\d{4}(?:\1\d{1,3})?|3\d{3}([ \-])\d{6}\2\d{4,5}|\d{14,19}"),
        _is_card,
        None,
    ),
)
_NZ: Final = (
    _Number(
        Kind.BANK_ACCOUNT, 15, _form(r"\d\d([ \-])\d{4}\1\d{7}\1\d{2,3}"), checkdigits.nz_bank_account, None
    ),
    _Number(
        Kind.BANK_ACCOUNT,
        15,
        _form(r"\d\d[ \-]?\d{4}[ \-]?\d{7}[ \-]?\d{2,3}"),
        checkdigits.nz_bank_account,
        label("bank", "(?:bank ?)?account", "acct", "acc", "a/c", "direct debit"),
    ),
    _Number(Kind.TAX_NUMBER, 8, _form(r"\d{2,3}-\d{3}-\d{3}"), checkdigits.nz_ird, None),
    _Number(
        Kind.TAX_NUMBER,
        8,
        _form(r"\d{2,3}([ \-.]?)\d{3}\1\d{3}"),
        checkdigits.nz_ird,
        label("ird", "inland revenue", "(?:[a-z]*tax)", "gst"),
    ),
)
_OTHERS: Final = (
    _Number(
        Kind.TAX_NUMBER,
        9,
        _form(r"\d{3}-\d\d-\d{4}"),
        _is_us_number,
        None,
    ),
    _Number(
        Kind.TAX_NUMBER,
        9,
        _form(r"\d{3}[ -]?\d\d[ -]?\d{4}"),
        checkdigits.us_ssn,
        label("ssn", "social security"),
    ),
    _Number(
        Kind.TAX_NUMBER, 8, _form(r"\d{2,3} ?\d{3} ?\d{3}"), checkdigits.au_tfn, label("tfn", "tax file")
    ),
    _Number(
        Kind.TAX_NUMBER,
        9,
        _form(r"\d{3}[ -]?\d{3}[ -]?\d{3}"),
        checkdigits.ca_sin,
        label("sin", "social insurance"),
    ),
    _Number(
        Kind.TAX_NUMBER,
        12,
        _form(r"\d{4} ?\d{4} ?\d{4}"),
        checkdigits.in_aadhaar,
        label("aadhaar", "aadhar", "uidai"),
    ),
    _Number(Kind.HEALTH_NUMBER, 10, _form(r"\d{3}[ -]?\d{3}[ -]?\d{4}"), checkdigits.gb_nhs, label("nhs")),
)
_NUMBERS: Final = (*_CARDS, *_NZ, *_OTHERS)
_ANY_WORD: Final = re.compile(b"|".join(one.words.pattern for one in _NUMBERS if one.words is not None))

# In a shape: three digits, not those of a decimal fraction, then enough others, with or without separators.
_CANDIDATE: Final = re.compile(rb"000(?<![0.]000)(?:0{4}|0?[ \-\n.]0{3}|[ \-]00[ \-]0000)")
_BACKWARDS: Final = re.compile(rb"[0 \-.\n]{0,12}")
_ONWARDS: Final = re.compile(rb"[0 \-.\n]{0,40}")


def groups_of_digits(view: View) -> Iterator[tuple[int, int]]:
    """Where there are enough digits near each other for a number of any kind, with what is around them."""
    shape, at = view.shape, 0
    while (match := _CANDIDATE.search(shape, at)) is not None:
        before = _BACKWARDS.match(shape[max(0, match.start() - 12) : match.start()][::-1])
        after = _ONWARDS.match(shape, match.end())
        start = max(at, match.start() - (before.end() if before else 0))
        at = after.end() if after else match.end()
        yield start, at


def numbers(view: View, start: int, end: int) -> Iterator[Span]:
    """Numbers that begin in one group of digits."""
    digits = view.shape.count(b"0", start, end)
    words = before(view, start)
    labelled = _ANY_WORD.search(words) is not None
    for one in _NUMBERS:
        if digits < one.digits or (one.words is not None and not (labelled and one.words.search(words))):
            continue
        for match in one.form.finditer(view.data, start, min(len(view.data), end + 2)):
            if one.check(match[0].decode()):
                yield Span(one.kind, match.start(), match.end())


# An NHI number begins with letters, and so does an IBAN: letters, then two digits.
_LETTERS_FIRST: Final = re.compile(
    rb"00(?:(?<=[Aa]{3}00)(?<![0Aa_][Aa]{3}00)(?:00|[Aa]{2})(?![0Aa_])"
    rb"|(?<=AA00)(?<![0Aa_]AA00)(?= ?[0A]{4}))"
)
_NHI_WORDS: Final = label("nhi", "national health", "patient", "health index", "hospital")
_IBAN: Final = re.compile(rb"[A-Z]{2}\d\d(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![A-Za-z0-9])")


def letters_first(view: View) -> Iterator[Span]:
    """New Zealand's NHI numbers, old and new, and IBANs by their country's own structure."""
    for match in _LETTERS_FIRST.finditer(view.shape):
        start, end = match.start() - 3, match.end()
        if end - start == 7:  # noqa: PLR2004 - an NHI number's
            number = view.data[start:end].decode()
            if nhi.is_valid(number) and (nhi.is_typical(number) or _NHI_WORDS.search(before(view, start))):
                yield Span(Kind.HEALTH_NUMBER, start, end)
        elif (found := _IBAN.match(view.data, start + 1)) is not None and checkdigits.iban(found[0].decode()):
            yield Span(Kind.BANK_ACCOUNT, *found.span())
