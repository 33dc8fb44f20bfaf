"""What must hold for every text: a verdict, always the same one, and no text beside a value that hides it."""

from __future__ import annotations

import base64
import json
import re
from random import Random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sovereigncode.content import Findings, Ignored, judge
from tests.support import content_samples as samples

# Without backslashes, percent signs, escapes of terminals and diffs, which change what the next line means.
PROSE = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\\%@"), max_size=60
)
# What is not looked at (docs/content-check.md): one token in several thousand has neither a digit in a word
# nor a small letter between capitals, or has a row of signs in it that placeholders have.
NOT_SEEN = re.compile(
    r"(?!.*(?:[A-Za-z_-][0-9]+[A-Za-z]|[A-Z][a-z][A-Z]))|.*(?:[xX]{4}|[-_]{4}|0{8})", re.DOTALL
)
ANY = st.text(st.characters(), max_size=300)
MAKERS = {
    "payment_card": samples.card,
    "bank_account": samples.bank,
    "tax_number": samples.ird,
    "health_number": samples.nhi_new,
    "email_address": samples.email,
    "phone_number": samples.phone,
    "private_key": samples.private_key,
    "service_token": samples.token,
}


@given(ANY)
def test_every_text_has_a_verdict(text: str) -> None:
    verdict = judge(text)
    assert isinstance(verdict, Findings)
    assert judge(text) == verdict
    assert all(text not in name and count > 0 for name, count in verdict.names.items() if len(text) > 14)


@given(st.binary(max_size=300))
def test_every_sequence_of_bytes_has_one_too(data: bytes) -> None:
    judge(data.decode("utf-8", "surrogateescape"))
    judge(data.decode("utf-16", "surrogatepass" if len(data) % 2 == 0 else "ignore"))


@given(ANY, st.lists(st.text(max_size=20), max_size=4))
def test_an_allow_list_only_takes_away(text: str, entries: list[str]) -> None:
    without = judge(text).names
    assert all(count <= without.get(kind, 0) for kind, count in judge(text, Ignored(entries)).names.items())


@pytest.mark.parametrize("kind", MAKERS)
@given(before=PROSE, after=PROSE, seed=st.integers(0, 10**9))
def test_a_value_is_found_beside_any_text(kind: str, before: str, after: str, seed: int) -> None:
    value = MAKERS[kind](Random(seed))
    assume(kind != "service_token" or not NOT_SEEN.match(value))
    text = f"{before}\n\n{value}\n\n{after}"
    assert kind in judge(text).names
    assert kind in judge(json.dumps({"content": text})).names
    assert kind in judge(json.dumps({"content": text}, ensure_ascii=False)).names


@pytest.mark.large
def test_sixteen_mebibytes() -> None:
    size = 16 * 1024 * 1024
    picture = base64.b64encode(Random(1).randbytes(300_000)).decode()
    for piece in ("def f(x):\n    return x\n", "\ud800", "\\", "漢字", picture):
        text = piece * (size // len(piece))
        assert judge(f"{text}\n\nada@lovelace.org.nz").names == {"email_address": 1}
