"""Phone numbers: forms in which people write them, judged by phonenumbers.

With a plus and a country code, a number counts wherever it is. Without, it counts in a form that only phone
numbers have, or after a word that says what it is, if it is a number of one of `REGIONS`. Numbers that belong
to no person (free, premium, shared cost) do not count.
"""

from __future__ import annotations

import re
from typing import Final, Iterator

import phonenumbers
from phonenumbers import PhoneNumberType

from sovereigncode.content.context import label, words_before
from sovereigncode.content.kinds import Kind
from sovereigncode.content.view import Span, View

# Where a number without a country code is looked up, in this order.
REGIONS: Final = ("NZ", "AU", "GB", "US")

_PLUS: Final = re.compile(rb"\+(?<![\w+\-.)\]*/]\+)\(?[1-9](?:[ \-.]{0,2}\(?\d\)?){6,14}(?![\w\-]|[.,]\d)")
_LEADING_ZERO: Final = re.compile(
    rb"(?<![\w.\-+#/$])\(?0[2-9]\d{0,3}\)?[ \-]\d{2,4}[ \-]?\d{3,4}(?:[ \-]\d{3})?(?![\w\-/]|[.:]\d)"
)
_NORTH_AMERICAN: Final = re.compile(rb"(?<![\w.\-+#/$])\([2-9]\d\d\) ?\d{3}-\d{4}(?![\w\-/]|[.:]\d)")
_ANY: Final = re.compile(rb"(?<![\w.\-+#/$])(?:\(?\d{2,5}\)?[ .\-]?)?\d{3,4}[ .\-]?\d{3,4}(?![\w\-/]|[.:]\d)")
_WORDS: Final = label(
    "phones?", "telephone", "tel", "mobile", "cell", "cellphone", "ph", "fax", "sms", "whatsapp", "landline"
)
_NOBODYS: Final = frozenset(
    {
        PhoneNumberType.TOLL_FREE,
        PhoneNumberType.PREMIUM_RATE,
        PhoneNumberType.SHARED_COST,
        PhoneNumberType.UAN,
    }
)
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
        if _is_number(match[0].decode(), None):
            yield Span(Kind.PHONE, start, match.end())


def national(view: View, start: int, end: int) -> Iterator[Span]:
    """Numbers without a country code, in one group of digits."""
    first, last = max(0, start - 1), min(len(view.data), end + 2)
    for form, needs_words in ((_LEADING_ZERO, False), (_NORTH_AMERICAN, False), (_ANY, True)):
        for match in form.finditer(view.data, first, last):
            if needs_words and not words_before(view, match.start(), _WORDS):
                continue
            if any(_is_number(match[0].decode(), region) for region in REGIONS):
                yield Span(Kind.PHONE, match.start(), match.end())


def _is_number(text: str, region: str | None) -> bool:
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return False
    return phonenumbers.is_valid_number(number) and phonenumbers.number_type(number) not in _NOBODYS
