"""What is an identifier, and what only looks like one."""

from __future__ import annotations

from random import Random

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sovereigncode.content import Findings, Kind, judge, phones
from sovereigncode.content import nhi as nhi_numbers
from tests.support import content_samples as samples
from tests.unit.sovereigncode.content.examples import UNHURRIED


def found(text: str) -> dict[str, int]:
    return judge(text).names


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("write to ada@lovelace.org.nz", Kind.EMAIL),
        ("<mailto:a.b+c@dept.govt.nz>", Kind.EMAIL),
        ("ewa@żółw.pl", Kind.EMAIL),
        ("„żółw@dept.govt.nz”", Kind.EMAIL),
        ("https://host/login?user=ada%40lovelace.org", Kind.EMAIL),
        ("4111 1111 1111 1111", Kind.PAYMENT_CARD),
        ("card=4242424242424242", Kind.PAYMENT_CARD),
        ("5555-5555-5555-4444", Kind.PAYMENT_CARD),
        ("3782 822463 10005", Kind.PAYMENT_CARD),
        ("4111\n1111\n1111\n1111", Kind.PAYMENT_CARD),
        ("12-3140-0171323-50", Kind.BANK_ACCOUNT),
        ("01 0242 0100194 000", Kind.BANK_ACCOUNT),
        ("account number: 0102420100194000", Kind.BANK_ACCOUNT),
        ("GB82 WEST 1234 5698 7654 32", Kind.BANK_ACCOUNT),
        ("DE89370400440532013000", Kind.BANK_ACCOUNT),
        ("49-091-850", Kind.TAX_NUMBER),
        ("136-410-132", Kind.TAX_NUMBER),
        ('{"irdNumber": 49091850}', Kind.TAX_NUMBER),
        ("IRD no. 49 091 850", Kind.TAX_NUMBER),
        ("078-05-1121", Kind.TAX_NUMBER),
        ("TFN: 123 456 782", Kind.TAX_NUMBER),
        ("Aadhaar 2341 2341 2346", Kind.TAX_NUMBER),
        ("patient ZAC5361 was seen", Kind.HEALTH_NUMBER),
        ("WLD9413", Kind.HEALTH_NUMBER),
        ("ZBN77VL", Kind.HEALTH_NUMBER),
        ("nhi: zsc21tn", Kind.HEALTH_NUMBER),
        ("NHS number 943 476 5919", Kind.HEALTH_NUMBER),
        ("+64 21 123 4567", Kind.PHONE),
        ("+64211234567", Kind.PHONE),
        ("ring (04) 472 0000", Kind.PHONE),
        ("021-123-4567", Kind.PHONE),
        ("03 3711259", Kind.PHONE),
        ("(415) 555-2671", Kind.PHONE),
        ('"customerPhone": "0211234567"', Kind.PHONE),
        ("tel: 4155552671", Kind.PHONE),
    ],
)
def test_identifiers(text: str, kind: Kind) -> None:
    assert found(text) == {kind.value: 1}


@pytest.mark.parametrize(
    "text",
    [
        # Not addresses.
        "import x from '@scope/pkg'; @decorator\ndef f(): a@b",
        "git clone git@github.com:org/repo.git && npm i lodash@4.17.21 react@next",
        "background: url(icon@2x.png), https://ada@host.example/x",
        "Co-Authored-By: Bot <noreply@anthropic.com>, 1+me@users.noreply.github.com",
        "aes256-gcm@openssh.com svc@project.iam.gserviceaccount.com",
        "+@app.route('/') \u3010\u201d\u3001\u201c@\u201d.\u201c\u3001",
        # Wrong check digits.
        "4111 1111 1111 1112 12-3140-0171324-50 49-091-851 GB83 WEST 1234 5698 7654 32 ZAC5362 ZBN77VM",
        # A bank that does not exist, an IRD number out of range.
        "99-3140-0171323-50 IRD 950-091-850",
        # Right check digits, and still none: no form and no word says so.
        "49091850 136410132 0102420100194000 9434765919",
        "0.4111111111111111 v4111111111111111 a4111111111111111 4111111111111111.5",
        "RFC2045 PLC0415 DEP0174 zac5361",
        # Timestamps, versions, dates, addresses, hexadecimal.
        "1700000000000 1732700000000000000 2024-05-17 17-05-2024 10.123.456.789 0xdeadbeef4111",
        # Nobody's phone numbers, and numbers that are none.
        "0800 838 383, +64 800 838 383, 1-800-555-0199, +1234, +99 999 999 999",
        "x = a+12345678901 and 021 + 123 - 4567",
        "e = e.min.call(e, 2147483648)",
    ],
)
def test_what_is_none(text: str) -> None:
    assert judge(text) == Findings()


def test_a_number_with_a_plus_at_the_start_of_a_line_of_a_diff_is_data() -> None:
    number = "+6421234567\n"
    assert found(f"call\n{number}") == {"phone_number": 1}
    assert judge(f"diff --git a/x b/x\n@@ -1,2 +1,2 @@\n-6421234567\n{number}") == Findings()


@pytest.mark.parametrize("make", [samples.nhi_old, samples.nhi_new])
def test_nhi_numbers_by_the_standard(make: samples.Sample) -> None:
    random = Random(1)
    for _ in range(500):
        number = make(random)
        assert nhi_numbers.is_valid(number)
        others = set("ABCDEFGHJKLMNPQRSTUVWXYZ" if number[-1].isalpha() else "0123456789") - {number[-1]}
        assert not any(nhi_numbers.is_valid(number[:-1] + other) for other in others)


@UNHURRIED
@given(st.text("0123456789", min_size=7, max_size=11))
def test_a_national_number_counts_only_if_the_library_agrees(digits: str) -> None:
    for region in phones.REGIONS:
        if phones._is_personal(digits, region):
            assert phonenumbers.is_valid_number(phonenumbers.parse(digits, region))


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (samples.card, Kind.PAYMENT_CARD),
        (samples.bank, Kind.BANK_ACCOUNT),
        (samples.iban, Kind.BANK_ACCOUNT),
        (samples.ird, Kind.TAX_NUMBER),
        (samples.nhi_new, Kind.HEALTH_NUMBER),
        (samples.email, Kind.EMAIL),
        (samples.phone, Kind.PHONE),
    ],
)
def test_made_ones_are_found_and_counted(make: samples.Sample, kind: Kind) -> None:
    random = Random(2)
    values = [make(random) for _ in range(200)]
    assert [value for value in values if kind not in dict(judge(f"x: {value}").counts)] == []
    assert found("\n\n".join(f"- {value} is one" for value in values)) == {kind.value: len(values)}
