"""Records as JSON and as CSV, and which of them."""

from __future__ import annotations

import csv
import io
import json

import pytest

from sovereigncode.audit.export import as_csv, as_json
from sovereigncode.audit.record import FIELDS, Record, Stated, chained
from sovereigncode.audit.show import Filter
from tests.unit.sovereigncode.records import START, entry

APPROVED = entry(1, kind="approval", approval_id="ap_1", decision="approved")
BARE = entry(2, reasons=(), obligations=(), audit_tags=(), tenant=None)
RECORDS = (
    *chained([entry(0), APPROVED], seq=0, prev=None, now=START),
    *chained([BARE], seq=2, prev="0" * 64, now=START.replace(day=28)),
)


def rows(records: tuple[Record, ...]) -> list[list[str]]:
    return list(csv.reader(io.StringIO("".join(as_csv(records)), newline="")))


def cells(records: tuple[Record, ...]) -> list[dict[str, str]]:
    return [dict(zip(FIELDS, row, strict=True)) for row in rows(records)[1:]]


def test_json_has_everything_as_it_was_recorded() -> None:
    assert json.loads("".join(as_json(RECORDS))) == [json.loads(record.line) for record in RECORDS]
    assert json.loads("".join(as_json(()))) == []


def test_csv_has_a_column_a_field() -> None:
    assert rows(RECORDS)[0] == list(FIELDS)
    value, _, bare = cells(RECORDS)
    assert value["seq"] == "1"
    assert value["reasons"] == 'purpose_allowed: reason "0"'
    assert value["obligations"] == "audit: keep\\na record"
    assert value["audit_tags"] == "tag"
    assert (value["prev"], value["hash"]) == ("", RECORDS[0].hash)
    assert (bare["tenant"], bare["reasons"]) == ("", "")


@pytest.mark.parametrize(
    "text",
    [
        *("=1+1", "+1", "-1", "@SUM(A1)", "  =1", "\t=1", "\r=1", "\n=1"),
        *("\u00a0=1", "\uff1d1", '=HYPERLINK("x")', "|calc"),
    ],
)
def test_no_cell_is_a_formula(text: str) -> None:
    (record,) = chained([entry(0, purpose=text, audit_tags=(text,))], seq=0, prev=None, now=START)
    (value,) = cells((record,))
    for name in ("purpose", "audit_tags"):
        assert value[name][0] in "'\\", value[name]


@pytest.mark.parametrize(
    ("wanted", "seqs"),
    [
        (Filter(), [1, 2, 3]),
        (Filter(kind="policy"), [1, 3]),
        (Filter(kind="approval", decision="approved"), [2]),
        (Filter(approval_id="ap_1"), [2]),
        (Filter(code="purpose_allowed"), [1, 2]),
        (Filter(code="audit"), [1, 2]),
        (Filter(code="tag"), [1, 2]),
        (Filter(tenant="acme"), [1, 2]),
        (Filter(since="2026-11-28"), [3]),
        (Filter(until="2026-11-27"), [1, 2]),
        (Filter(since="2026-11", until="2026-11"), [1, 2, 3]),
        (Filter(since="2026-12"), []),
        (Filter(after=2), [3]),
        (Filter(decision_id=f"rd_{2:032x}"), [3]),
        (Filter(model="other"), []),
    ],
    ids=str,
)
def test_filters(wanted: Filter, seqs: list[int]) -> None:
    assert [record.seq for record in wanted.among(RECORDS)] == seqs
    assert [record.seq for record in wanted.among(RECORDS, last=1)] == seqs[-1:]


def test_a_reason_without_a_message_that_looks_like_a_formula() -> None:
    (record,) = chained([entry(0, reasons=(Stated("=cmd", "x"),))], seq=0, prev=None, now=START)
    assert cells((record,))[0]["reasons"] == "'=cmd: x"
