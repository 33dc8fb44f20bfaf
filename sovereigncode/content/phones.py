"""Phone numbers: forms in which people write them, judged by phonenumbers.

With a plus and a country code, a number counts wherever it is. Without, it counts in a form that only phone
numbers have, or after a word that says what it is, if it is a number of one of `REGIONS`. Numbers that belong
to no person (free, premium, shared cost) do not count.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, Iterator

import phonenumbers
from phonenumbers import PhoneMetadata, PhoneNumberType

from sovereigncode.content.context import before, label
from sovereigncode.content.kinds import Kind
from sovereigncode.content.view import Span, View

# Where a number without a country code is looked up, in this order.
REGIONS: Final = ("NZ", "AU", "GB", "US", "CA")

_PLUS: Final = re.compile(rb"\+(?<![\w+\-.)\]*/]\+)\(?[1-9](?:[ \-.]{0,2}\(?\d\)?){6,14}(?![\w\-]|\.\d)")
_LEADING_ZERO: Final = re.compile(
    rb"(?<![\w.\-+#/$])\(?0[2-9]\d{0,3}\)?[ \-]\d{2,4}[ \-]?\d{3,4}(?:[ \-]\d{3})?(?![\w\-/]|[.:]\d)"
)
_NORTH_AMERICAN: Final = re.compile(rb"(?<![\w.\-+#/$])\([2-9]\d\d\) ?\d{3}-\d{4}(?![\w\-/]|[.:]\d)")
_ANY: Final = re.compile(rb"(?<![\w.\-+#/$])(?:\(?\d{2,5}\)?[ .\-]?)?\d{3,4}[ .\-]?\d{3,4}(?![\w\-/]|[.:]\d)")
_WORDS: Final = label(
    "[a-z]*phones?", "[a-z]*mobile", "tel", "cell", "ph", "fax", "sms", "whatsapp", "landline"
)
_NOBODYS: Final = frozenset(
    {
        PhoneNumberType.TOLL_FREE,
        PhoneNumberType.PREMIUM_RATE,
        PhoneNumberType.SHARED_COST,
        PhoneNumberType.UAN,
    }
)
_NOT_DIGITS: Final = re.compile(rb"[^0-9]+")
_DIFF: Final = b"\n@@ -"


def with_country_code(view: View) -> Iterator[Span]:
    """`+64 21 123 4567`. In a diff, a plus at the start of a line is not part of a number."""
    is_diff = None
    for match in _PLUS.finditer(view.data):
        start = match.start()
        if view.data[start - 1 : start] in (b"", b"\n"):
            is_diff = _DIFF in view.data if is_diff is None else is_diff
            if is_diff:
                continue
        if _is_number(match[0].decode()):
            yield Span(Kind.PHONE, start, match.end())


def national(view: View, start: int, end: int) -> Iterator[Span]:
    """Numbers without a country code, in one group of digits."""
    first, last = max(0, start - 1), min(len(view.data), end + 2)
    labelled = _WORDS.search(before(view, start)) is not None
    for form in (_LEADING_ZERO, _NORTH_AMERICAN, _ANY) if labelled else (_LEADING_ZERO, _NORTH_AMERICAN):
        for match in form.finditer(view.data, first, last):
            digits = _NOT_DIGITS.sub(b"", match[0]).decode()
            if any(_is_personal(digits, region) for region in REGIONS):
                yield Span(Kind.PHONE, match.start(), match.end())


def _is_personal(digits: str, region: str) -> bool:
    """What the library's own check comes to, without its parsing, which takes a hundred times as long."""
    prefix, form = _national_form(region)
    return form.fullmatch(digits.removeprefix(prefix)) is not None


@lru_cache(maxsize=len(REGIONS))
def _national_form(region: str) -> tuple[str, re.Pattern[str]]:
    """The region's prefix, and the numbers of those kinds that may be a person's, from the library's data."""
    data = PhoneMetadata.metadata_for_region(region, None)
    kinds = (data.fixed_line, data.mobile, data.personal_number, data.voip, data.pager) if data else ()
    patterns = [kind.national_number_pattern for kind in kinds if kind and kind.national_number_pattern]
    return (data.national_prefix if data else None) or "", re.compile("|".join(patterns) or "(?!)")


def _is_number(text: str) -> bool:
    try:
        number = phonenumbers.parse(text)
    except phonenumbers.NumberParseException:
        return False
    return phonenumbers.is_valid_number(number) and phonenumbers.number_type(number) not in _NOBODYS
