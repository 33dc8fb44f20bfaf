"""Approvals as values: calls, digests, and the state that an approval really has."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import product
from typing import Any

import pytest

from sovereigncode.approvals.approval import (
    FIELDS,
    SKEW,
    Approval,
    Proof,
    State,
    is_id,
    judged,
    parsed,
)
from sovereigncode.approvals.call import Call, as_arguments
from tests.unit.sovereigncode.asked import CALL, ID, WAITING
from tests.unit.sovereigncode.records import START, canonical

# The interface's list, in its order.
CONTRACT = [
    *("id", "created", "expires", "state", "tenant", "capsule_id", "session_id", "decision_id", "tool"),
    *("class", "summary", "arguments", "diff", "digest", "decided_at", "decided_by", "note"),
]


def said(*states: str, digest: str = WAITING.digest) -> list[Proof]:
    return [Proof(state, digest) for state in states]


def state(approval: Approval, proofs: list[Proof], now: datetime = START) -> str:
    return judged(approval, proofs, now).state.value


def test_the_fields_are_the_contracts() -> None:
    assert list(FIELDS) == CONTRACT
    assert list(json.loads(WAITING.text())) == CONTRACT
    assert parsed(ID, WAITING.text()) == WAITING


def test_the_digest_covers_all_that_does_not_change() -> None:
    """By hand: canonical JSON without the state, the decision and the digest itself."""
    value = WAITING.as_json()
    for name in ("state", "decided_at", "decided_by", "note", "digest"):
        del value[name]
    assert WAITING.digest == hashlib.sha256(canonical(value)).hexdigest()


@pytest.mark.parametrize(
    "name", [name for name in CONTRACT if name not in {"state", "decided_at", "decided_by", "note"}]
)
def test_a_file_in_which_a_bound_field_was_changed_is_invalid(name: str) -> None:
    value = json.loads(WAITING.text())
    value[name] = (
        {"command": "rm -rf /"} if name == "arguments" else (value[name] or "x").replace("1", "2") + " "
    )
    with pytest.raises(ValueError, match=r"by hand|not the name|written as times|an id"):
        parsed(ID, json.dumps(value).encode())


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"state": "invalid"}, "state"),
        ({"state": "granted"}, "state"),
        ({"state": None}, "type"),
        ({"decided_at": "now"}, "time"),
        ({"decided_at": "9999-99-99T99:99:99.999Z"}, "time"),
        ({"expires": "2026-13-01T00:00:00.000Z"}, "time"),
        ({"decided_by": 1}, "type"),
        ({"note": []}, "type"),
        ({"extra": 1}, "fields"),
        ({"digest": ""}, "by hand"),
    ],
    ids=str,
)
def test_a_file_of_another_shape_is_invalid(change: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parsed(ID, json.dumps({**json.loads(WAITING.text()), **change}).encode())


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"\xff",
        b"[" * 100_000,
        WAITING.text()[:-3],
        WAITING.text() * 2,
        WAITING.text().replace(b'"note": null', b'"note": null, "note": null'),
        WAITING.text().replace(b'"note": null', b'"note": NaN'),
        WAITING.text().replace(b"5", b"9" * 5000),
        WAITING.text().replace(b'"acme"', b'"\\ud800"'),
    ],
    ids=range(12),
)
def test_what_is_no_approval_is_invalid(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parsed(ID, text)


def test_the_name_of_the_file_is_the_id() -> None:
    with pytest.raises(ValueError, match="name of the file"):
        parsed(ID[:-1] + "0", WAITING.text())
    for text in ("", "ap_", ID + "\n", ID.upper(), "../" + ID, "ap_" + "g" * 32):
        assert not is_id(text)


# The table in approval.py, written down a second time: what the chain has, what the file says, what it is.
TABLE = [
    ("", "pending", "invalid"),
    ("", "approved", "invalid"),
    ("", "rejected", "invalid"),
    ("", "used", "invalid"),
    ("approved", "approved", "invalid"),
    ("pending", "pending", "pending"),
    ("pending", "approved", "invalid"),
    ("pending", "rejected", "rejected"),
    ("pending", "expired", "expired"),
    ("pending", "used", "used"),
    ("pending approved", "pending", "pending"),
    ("pending approved", "approved", "approved"),
    ("pending approved", "rejected", "rejected"),
    ("pending approved", "expired", "expired"),
    ("pending approved", "used", "used"),
    ("pending approved used", "pending", "used"),
    ("pending approved used", "approved", "used"),
    ("pending approved used", "rejected", "used"),
    ("pending approved used", "used", "used"),
    ("pending rejected", "pending", "rejected"),
    ("pending rejected", "approved", "rejected"),
    ("pending rejected approved", "approved", "rejected"),
    ("pending expired", "pending", "expired"),
    ("pending approved expired", "approved", "expired"),
]


@pytest.mark.parametrize(("chain", "file", "expected"), TABLE)
def test_the_state_that_an_approval_has(chain: str, file: str, expected: str) -> None:
    approval = replace(WAITING, state=State(file), decided_at=WAITING.created)
    assert state(approval, said(*chain.split())) == expected


def test_approved_needs_three_things() -> None:
    """Over every chain of up to three records and every file: only with both records and the file."""
    states = ["pending", "approved", "rejected", "expired", "used"]
    for length in range(4):
        for chain in product(states, repeat=length):
            for file in states:
                approval = replace(WAITING, state=State(file))
                really = state(approval, said(*chain)) == "approved"
                expected = file == "approved" and {"pending", "approved"} == set(chain)
                assert really == expected, (chain, file)


def test_records_about_another_digest_prove_nothing() -> None:
    approved = replace(WAITING, state=State.APPROVED)
    other = said("pending", "approved", digest="0" * 64)
    assert state(approved, other) == "invalid"
    assert state(approved, [*said("pending"), *other]) == "invalid"


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (START, "approved"),
        (START + timedelta(minutes=59, seconds=59, milliseconds=999), "approved"),
        (START + timedelta(minutes=60), "expired"),
        (START + timedelta(days=10_000), "expired"),
        (START + timedelta(minutes=10) - SKEW, "approved"),
        (START + timedelta(minutes=10) - SKEW - timedelta(milliseconds=1), "expired"),
        (START - timedelta(days=10_000), "expired"),
    ],
)
def test_an_approval_counts_from_the_decision_until_it_expires(now: datetime, expected: str) -> None:
    """Decided after ten minutes; a clock that was set back before that gives it no more time."""
    decided = "2026-11-27T09:40:00.000Z"
    at_once = replace(WAITING, state=State.APPROVED, decided_at=decided)
    if now == START:
        at_once = replace(at_once, decided_at=WAITING.created)
    assert state(at_once, said("pending", "approved"), now) == expected


def test_a_request_expires_too() -> None:
    assert state(WAITING, said("pending"), START + timedelta(minutes=60)) == "expired"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('{"a": 1, "b": [2, {"c": null}]}', '{"b":[2,{"c":null}],"a":1.0}'),
        ('{"a": "\\u00e9"}', '{"a": "é"}'),
        ("{}", " { } "),
    ],
)
def test_the_same_call_is_the_same_whatever_its_spelling(one: str, other: str) -> None:
    assert Call.of("t", one, "c", "s") == Call.of("t", other, "c", "s") or (
        Call.of("t", one, "c", "s").digest == Call.of("t", other, "c", "s").digest
    )


@pytest.mark.parametrize(
    "other",
    [
        Call.of("bash", '{"command": "git push", "timeout": 6}', "shop", "ses_1"),
        Call.of("bash", '{"command": "git push", "timeout": true}', "shop", "ses_1"),
        Call.of("bash", '{"command": "git push", "timeout": "5"}', "shop", "ses_1"),
        Call.of("Bash", '{"command": "git push", "timeout": 5}', "shop", "ses_1"),
        Call.of("bash", '{"command": "git push", "timeout": 5}', "other", "ses_1"),
        Call.of("bash", '{"command": "git push", "timeout": 5}', "shop", "ses_2"),
        Call.of("bash", '{"command": "git push", "timeout": 5}', None, "ses_1"),
        Call.of("bash", '{"command": "git push", "timeout": 5}', "shop", None),
        Call.of("bash", '{"command": "git push", "timeout": 5, "timeout": 5}', "shop", "ses_1"),
    ],
)
def test_another_call_is_another(other: Call) -> None:
    assert other.digest != CALL.digest


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not JSON",
        '{"path": "a", "path": "b"}',
        '{"n": 9007199254740993}',
        '{"n": NaN}',
        '{"n": 1e400}',
        '{"n": "\\ud800"}',
        "[1]",
        "5",
        '{"a": ' * 5000 + "1" + "}" * 5000,
        '{"n": ' + "9" * 5000 + "}",
        "\udc80",
    ],
    ids=range(12),
)
def test_arguments_that_can_be_read_in_two_ways_stay_text(text: str) -> None:
    arguments = as_arguments(text)
    assert isinstance(arguments, str)
    approval = replace(WAITING, call=Call.of("bash", text, "shop", "ses_1")).bound()
    assert parsed(ID, approval.text()) == approval
