"""Whole payloads: where things are found, and each message judged once."""

from __future__ import annotations

import threading
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sovereigncode.content import (
    Checked,
    Findings,
    Ignored,
    Kind,
    Place,
    Verdicts,
    check,
    checking,
    judging,
)
from tests.support import content_samples as samples
from tests.unit.sovereigncode.content.examples import UNHURRIED

KEY = bytes(range(32))
MAIL = "ada@lovelace.org.nz"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def verdicts(capacity: int = 100) -> Verdicts:
    return Verdicts(KEY, capacity)


def test_every_place_of_a_payload_is_looked_at() -> None:
    payload: dict[str, Any] = {
        "model": "lumynax/auto",
        "messages": [
            {"role": "system", "content": "You are a coding agent."},
            {"role": "user", "content": [{"type": "text", "text": f"mail {MAIL}"}]},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [_call('{"text": "4111\\u00201111 1111 1111"}')],
            },
            {"role": "tool", "tool_call_id": "call_1", "content": f"{MAIL}\n12-3140-0171323-50"},
        ],
        "tools": [{"type": "function", "function": {"name": "x", "description": "call +64 21 123 4567"}}],
        "user": MAIL,
        "metadata": {"ird": "49091850", "account": 102420100194000, "x": {MAIL: True}},
        "stream": True,
    }
    checked = check(payload, verdicts())
    assert [(place.name, place.findings.names) for place in checked.places] == [
        ("messages[1]", {"email_address": 1}),
        ("messages[2]", {"payment_card": 1}),
        ("messages[3]", {"email_address": 1, "bank_account": 1}),
        ("tools", {"phone_number": 1}),
        ("user", {"email_address": 1}),
        ("metadata", {"email_address": 1, "tax_number": 1}),
    ]
    assert checked.findings.names["email_address"] == 4


def _call(arguments: str) -> dict[str, Any]:
    return {"id": "call_1", "type": "function", "function": {"name": "write", "arguments": arguments}}


def test_a_payload_without_findings() -> None:
    assert check({"messages": [{"role": "user", "content": "hello"}]}, verdicts()) == Checked()
    others: list[object] = ["", [], {}, None, 1, "text", [["text"]]]
    assert [check(value, verdicts()) for value in others] == [Checked()] * len(others)


def test_a_field_with_any_name_is_not_named() -> None:
    checked = check({MAIL: 1, "other": MAIL}, verdicts())
    assert [place.name for place in checked.places] == ["a field", "other"]


def test_a_message_is_judged_once(monkeypatch: pytest.MonkeyPatch) -> None:
    judged: list[str] = []
    judge = judging.judge

    def counted(text: str, ignored: Ignored) -> Findings:
        judged.append(text)
        return judge(text, ignored)

    monkeypatch.setattr(checking, "judge", counted)
    kept = verdicts()
    messages = [{"role": "user", "content": f"{number} {MAIL}"} for number in range(5)]
    first = check({"messages": messages}, kept)
    before = len(judged)
    assert check({"messages": messages}, kept) == first
    assert len(judged) == before
    assert check({"messages": [*messages, {"role": "user", "content": "new"}]}, kept) == first
    assert judged[before:] == ["new"]
    # Another allow-list, another verdict.
    assert check({"messages": messages}, kept, Ignored([MAIL])) == Checked()
    assert check({"messages": messages}, kept) == first


def test_the_words_that_are_not_judged_would_be_clean() -> None:
    assert checking.WORDS
    assert not any(judging.judge(word) for word in checking.WORDS)


def test_only_the_whole_text_is_such_a_word() -> None:
    """A word of the protocol beside a detail, or as the name of a field, takes nothing away."""
    checked = check({"messages": [{"role": "user", "content": f"user {MAIL} text"}]}, verdicts())
    assert [place.name for place in checked.places] == ["messages[0]"]
    checked = check({"messages": [{"role": "user", "user": MAIL}]}, verdicts())
    assert [place.name for place in checked.places] == ["messages[0]"]


def test_the_cache_is_bounded_and_drops_the_oldest() -> None:
    kept = verdicts(3)
    digests = [kept.digest([str(number)], Ignored()) for number in range(5)]
    for digest in digests[:3]:
        kept.put(digest, Findings())
    assert kept.get(digests[0]) is not None
    kept.put(digests[3], Findings())
    assert len(kept) == 3
    assert [kept.get(digest) is not None for digest in digests] == [True, False, True, True, False]
    nothing = verdicts(0)
    nothing.put(digests[0], Findings())
    assert len(nothing) == 0


def test_a_digest_depends_on_everything() -> None:
    one = verdicts()
    cases = [
        (["a", "b"], ()),
        (["ab"], ()),
        (["a", "b", ""], ()),
        (["b", "a"], ()),
        (["a", "b"], ("x",)),
        (["\ud800"], ()),
    ]
    digests = {one.digest(texts, Ignored(entries)) for texts, entries in cases}
    assert len(digests) == len(cases)
    assert Verdicts(KEY[::-1]).digest(["a"], Ignored()) != one.digest(["a"], Ignored())


@pytest.mark.parametrize("size", [0, 15, 65])
def test_a_key_of_the_wrong_length(size: int) -> None:
    with pytest.raises(ValueError, match="16 to 64 bytes"):
        Verdicts(bytes(size))


def test_many_threads_share_the_verdicts() -> None:
    kept = verdicts(50)
    random = Random(3)
    payloads = [{"messages": [{"content": samples.email(random)} for _ in range(20)]} for _ in range(8)]
    expected = [check(payload, verdicts()) for payload in payloads]
    wrong: list[int] = []

    def work(number: int) -> None:
        checked = [check(payloads[number], kept) for _ in range(10)]
        wrong.extend(number for one in checked if one != expected[number])

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(kept) <= 50


@UNHURRIED
@given(JSON)
def test_any_json_value_has_a_verdict(value: Any) -> None:
    checked = check(value, verdicts())
    assert check(value, verdicts()) == checked
    for place in checked.places:
        assert isinstance(place, Place)
        assert all(isinstance(kind, Kind) and count > 0 for kind, count in place.findings.counts)


def test_deep_and_large_values() -> None:
    deep: Any = MAIL
    for _ in range(50_000):
        deep = [deep]
    assert check({"messages": [{"content": deep}]}, verdicts()).findings.names == {"email_address": 1}
    assert check({"x": 10**5000, "y": -(10**30), "z": float("nan")}, verdicts()) == Checked()


@pytest.mark.parametrize("value", [b"bytes", {1: "x"}, {"a": object()}, {"messages": [{1, 2}]}])
def test_what_is_no_json_value(value: Any) -> None:
    with pytest.raises(TypeError, match="is of type") as caught:
        check(value, verdicts())
    assert len(str(caught.value)) < 60
