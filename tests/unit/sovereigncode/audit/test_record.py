"""One line: its fields, its bytes, its hash."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from foundation.errors import Refusal
from sovereigncode.audit.record import FIELDS, LONGEST, Entry, Stated, chained, moment, parsed, stamp
from tests.unit.sovereigncode.records import START, entry

# The interface's list, in its order.
CONTRACT = [
    *("seq", "time", "kind", "tenant", "capsule_id", "actor", "purpose", "action", "model", "decision"),
    *("reasons", "obligations", "audit_tags", "decision_id", "approval_id", "request_hash", "prev", "hash"),
]
FIRST = (
    b'{"action":"model_call","actor":null,"approval_id":null,"audit_tags":["t"],"capsule_id":"shop",'
    b'"decision":"deny","decision_id":null,'
    b'"hash":"HASH","kind":"policy","model":null,"obligations":[],"prev":null,"purpose":"x",'
    b'"reasons":[{"code":"purpose_denied","message":"no \\"x\\"\\n\xc3\xa9"}],"request_hash":null,"seq":1,'
    b'"tenant":null,"time":"2026-11-27T09:30:00.000Z"}'
)


def test_the_fields_are_the_contracts() -> None:
    assert list(FIELDS) == CONTRACT
    (record,) = chained([entry()], seq=0, prev=None, now=START)
    assert list(record.as_json()) == CONTRACT
    assert set(json.loads(record.line)) == set(CONTRACT)


def test_the_bytes_and_the_hash_of_a_line() -> None:
    """Written out by hand, and hashed without the hash's own text."""
    made = Entry(
        kind="policy",
        decision="deny",
        capsule_id="shop",
        purpose="x",
        action="model_call",
        reasons=[Stated("purpose_denied", 'no "x"\né')],
        audit_tags=["t"],
    )
    (record,) = chained([made], seq=0, prev=None, now=START)
    digest = hashlib.sha256(FIRST.replace(b'"hash":"HASH",', b"")).hexdigest()
    assert record.hash == digest
    assert record.line == FIRST.replace(b"HASH", digest.encode())


def test_records_are_linked() -> None:
    records = chained([entry(1), entry(2), entry(3)], seq=7, prev="a" * 64, now=START)
    assert [record.seq for record in records] == [8, 9, 10]
    assert [record.prev for record in records] == ["a" * 64, records[0].hash, records[1].hash]


def test_bytes_of_a_header_that_are_not_utf_8_are_recorded_as_escapes() -> None:
    header = b"caf\xe9".decode("utf-8", "surrogateescape")
    (record,) = chained([entry(purpose=header)], seq=0, prev=None, now=START)
    assert json.loads(record.line)["purpose"] == "caf\\udce9"


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "rumour"},
        {"purpose": "x" * LONGEST},
        {"tenant": 5},
        {"audit_tags": (b"bytes",)},
        {"reasons": (Stated("code", None),)},  # type: ignore[arg-type]
    ],
    ids=str,
)
def test_what_no_line_can_have_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(Refusal) as caught:
        chained([entry(1), entry(2, **wrong)], seq=0, prev=None, now=START)
    assert caught.value.kind == "request_invalid"
    assert "x" * 100 not in caught.value.message


def test_a_number_that_canonical_json_does_not_have_is_refused() -> None:
    """RFC 8785 writes whole numbers up to 2**53 - 1: beyond it readers do not agree what is meant."""
    (last,) = chained([entry(1)], seq=2**53 - 2, prev="a" * 64, now=START)
    assert b'"seq":9007199254740991,' in last.line
    with pytest.raises(Refusal) as caught:
        chained([entry(1)], seq=2**53 - 1, prev="a" * 64, now=START)
    assert caught.value.kind == "request_invalid"


class Told(str):
    """A text of a type of its own."""

    __slots__ = ()

    def __str__(self) -> str:
        return "something else"


def test_a_text_of_another_type_is_recorded_as_what_it_is() -> None:
    made = Entry(kind=Told("route"), tenant=Told("acme"), reasons=[Stated(Told("code"), Told("said"))])
    (record,) = chained([made], seq=0, prev=None, now=START)
    assert b'"tenant":"acme"' in record.line
    assert b'"kind":"route"' in record.line
    assert b'{"code":"code","message":"said"}' in record.line
    assert type(record.entry.tenant) is str


def test_times_are_utc_with_milliseconds() -> None:
    east = datetime(2026, 11, 28, 0, 0, 0, 999_999, tzinfo=timezone(timedelta(hours=13)))
    assert stamp(east) == "2026-11-27T11:00:00.999Z"
    assert moment(stamp(east)) == east.replace(microsecond=999_000)
    for text in ("", "2026-11-27T11:00:00Z", "2026-13-27T11:00:00.000Z", "2026-11-27T11:00:00.000Z "):
        with pytest.raises(ValueError, match=r"not a time|month must be|Invalid"):
            moment(text)


def hashed(line: bytes) -> bytes:
    """The line with the hash that fits its other bytes."""
    digest = hashlib.sha256(line.replace(b'"hash":"HASH",', b"")).hexdigest()
    return line.replace(b"HASH", digest.encode())


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"\xff",
        b"[" * 60_000,
        b"[" * 100_000,
        b"9" * 5000,
        FIRST,
        hashed(FIRST).replace(b"deny", b"allo"),
        hashed(FIRST).replace(b'"seq":1', b'"seq": 1'),
        hashed(FIRST.replace(b'"seq":1', b'"seq":1.0')),
        hashed(FIRST.replace(b'"seq":1', b'"seq":"1"')),
        hashed(FIRST.replace(b'{"code":"purpose_denied",', b"{")),
        hashed(FIRST.replace(b'"tenant":null', b'"tenant":5')),
    ],
    ids=range(15),
)
def test_other_lines_are_no_records(line: bytes) -> None:
    with pytest.raises(ValueError, match=r"not a record|codec|JSON|Expecting|limit"):
        parsed(line)


def test_a_line_written_by_hand_is_read() -> None:
    assert parsed(hashed(FIRST)).as_json() == json.loads(hashed(FIRST))
