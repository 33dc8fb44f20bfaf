"""Whatever is done to a chain is noticed, and the first line that does not hold is named with the reason."""

from __future__ import annotations

import json
import random
from typing import Any, Callable

import pytest

from foundation.errors import Where
from sovereigncode.audit import record, verify
from sovereigncode.audit.verdict import End, Known, Verdict, Why
from sovereigncode.audit.verify import judged
from tests.unit.sovereigncode.records import as_lines, known, with_hash, written

NOWHERE = Where("audit", 1)
CHAIN = written(6)
KNOWN = known(CHAIN)


def verdict(text: bytes, remembered: Known | None = KNOWN) -> Verdict:
    return judged(as_lines(text), remembered, NOWHERE)


def fault(lines: list[bytes], remembered: Known | None = KNOWN) -> tuple[int | None, str] | None:
    """The line and the reason."""
    found = verdict(b"".join(lines), remembered).fault
    return None if found is None else (found.where.line, found.why.value)


def changed(lines: list[bytes], at: int, **fields: Any) -> list[bytes]:
    """The record number `at` (from 0) rewritten, with a hash that fits."""
    return [*lines[:at], with_hash({**json.loads(lines[at]), **fields}), *lines[at + 1 :]]


def test_a_chain_holds() -> None:
    assert verdict(b"".join(CHAIN)) == Verdict(KNOWN.end, None, remembered=True)
    assert verdict(b"", None) == Verdict(End(), None, remembered=False)
    assert verdict(b"".join(CHAIN), None).holds


def test_the_verifier_knows_the_same_fields_and_kinds_as_the_writer() -> None:
    """It shares no code with it, so this is what keeps them together."""
    assert frozenset(record.FIELDS) == verify._ALL
    assert frozenset(record.KINDS) == verify._KINDS
    assert frozenset(record.TEXTS) == verify._NULLABLE
    assert verify._LONGEST == record.LONGEST


def test_every_changed_byte_is_noticed_in_its_line(
    deep: bool, figure: Callable[[str, float, str], None]
) -> None:
    """All 255 other values of every byte with --deep; otherwise four of them."""
    text = b"".join(CHAIN)
    chance = random.Random(16)
    line, changes = 1, 0
    for at, byte in enumerate(text):
        others = [value for value in range(256) if value != byte]
        some = {byte ^ 1, byte ^ 0x20, 10 if byte != 10 else 32, chance.choice(others)}
        for value in others if deep else some:
            found = verdict(text[:at] + bytes([value]) + text[at + 1 :]).fault
            assert found is not None, (at, value)
            assert (found.where.line, found.why) == (line, Why.CHANGED), (at, value)
            changes += 1
        line += byte == 10
    figure("changed bytes noticed, with the right line", changes, f"of {changes}, in {len(text)} bytes")


@pytest.mark.parametrize("at", range(6))
def test_a_line_taken_out(at: int) -> None:
    expected = (at + 1, "missing") if at < 5 else (6, "cut off")
    assert fault(CHAIN[:at] + CHAIN[at + 1 :]) == expected


@pytest.mark.parametrize("left", range(6))
def test_a_cut_end_names_the_line_after_the_last(left: int) -> None:
    assert fault(CHAIN[:left]) == (left + 1, "cut off")
    assert fault(CHAIN[:left], None) is None, "which nobody can see without a remembered end"
    half = CHAIN[left][:-1]
    for length in (1, len(half) // 2, len(half)):
        assert fault([*CHAIN[:left], half[:length]]) == (left + 1, "changed" if length == 0 else "cut off")


@pytest.mark.parametrize(("at", "to"), [(a, b) for a in range(6) for b in range(6) if a != b])
def test_a_line_moved(at: int, to: int) -> None:
    lines = list(CHAIN)
    lines.insert(to, lines.pop(at))
    assert fault(lines) == (min(at, to) + 1, "out of order")


@pytest.mark.parametrize("at", range(6))
def test_a_line_twice(at: int) -> None:
    assert fault([*CHAIN[: at + 1], CHAIN[at], *CHAIN[at + 1 :]]) == (at + 2, "made twice")
    assert fault([*CHAIN, CHAIN[at]]) == (7, "made twice")


@pytest.mark.parametrize("at", range(6))
def test_a_record_rewritten_with_a_hash_that_fits(at: int) -> None:
    """The record after it still names the old hash, and so does what is remembered outside."""
    assert fault(changed(CHAIN, at, decision="allow")) == (at + 1, "changed")


def test_the_last_record_rewritten_is_only_seen_outside() -> None:
    lines = changed(CHAIN, 5, decision="allow")
    assert fault(lines, None) is None
    assert fault(lines) == (6, "changed")


@pytest.mark.parametrize("at", range(1, 6))
def test_a_record_that_names_another_hash(at: int) -> None:
    assert fault(changed(CHAIN, at, prev="0" * 64)) == (at + 1, "changed")


def test_everything_from_a_record_on_rewritten() -> None:
    lines = CHAIN[:2]
    for line in CHAIN[2:]:
        value = {**json.loads(line), "prev": json.loads(lines[-1])["hash"], "decision": "allow"}
        lines.append(with_hash(value))
    assert fault(lines, None) is None
    assert fault(lines) == (6, "changed")


def test_a_record_that_was_not_announced_outside() -> None:
    """Anybody can compute a hash; nobody else writes what is remembered outside."""
    forged = with_hash({**json.loads(CHAIN[5]), "seq": 7, "prev": KNOWN.end.hash, "decision": "approved"})
    assert fault([*CHAIN, forged], None) is None
    assert fault([*CHAIN, forged]) == (7, "changed")
    assert fault([*CHAIN, b"half"]) == (7, "changed")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("seq", True),
        ("seq", 0),
        ("seq", "1"),
        ("seq", 1.0),
        ("kind", "rumour"),
        ("kind", []),
        ("time", "yesterday"),
        ("time", None),
        ("tenant", 5),
        ("reasons", None),
        ("reasons", ["code"]),
        ("reasons", [{"code": "a"}]),
        ("reasons", [{"code": "a", "message": 1}]),
        ("audit_tags", "tag"),
        ("audit_tags", [1]),
        ("prev", "ABC"),
        ("extra", 1),
    ],
    ids=str,
)
def test_a_record_of_another_shape_is_changed_whatever_its_hash(field: str, value: Any) -> None:
    assert fault(changed(CHAIN, 0, **{field: value}), None) == (1, "changed")


@pytest.mark.parametrize(
    "spelled",
    [
        lambda line: line.replace(b":", b": ", 1),
        lambda line: b" " + line,
        lambda line: line[:-1] + b"\r\n",
        lambda line: line.replace(b"acme", b"\\u0061cme"),
        lambda line: line.replace(b"\xc3\xa9", b"\\u00e9"),
        lambda line: json.dumps(dict(reversed(json.loads(line).items()))).encode() + b"\n",
        lambda line: line.replace(b'"seq":1', b'"seq":1,"seq":1'),
    ],
)
def test_the_same_record_in_another_spelling_is_changed(spelled: Callable[[bytes], bytes]) -> None:
    """Its hash is the same, because it is made from what the line means."""
    other = spelled(CHAIN[0])
    assert json.loads(other) == json.loads(CHAIN[0])
    assert other != CHAIN[0]
    assert fault([other, *CHAIN[1:]]) == (1, "changed")


def test_hostile_lines_are_changed_lines() -> None:
    hostile = [
        b"[" * 60_000,
        b"{" + b" " * 100_000,
        b'{"seq":' + b"9" * 5000 + b"}",
        b"\xff\xfe",
        b"null",
        b"",
    ]
    hostile += [b'{"a":"\\ud800"}', b"NaN", b'{"seq":1,"seq":1}']
    for line in hostile:
        assert fault([line + b"\n", *CHAIN]) == (1, "changed"), line[:20]


def test_what_a_killed_writer_leaves_holds() -> None:
    """It announced the records 5 and 6 and wrote some of them."""
    announced = Known(End(4, json.loads(CHAIN[3])["hash"]), KNOWN.end)
    for number in (4, 5, 6):
        assert verdict(b"".join(CHAIN[:number]), announced) == Verdict(
            End(number, json.loads(CHAIN[number - 1])["hash"]), None, remembered=True
        )
    for length in range(1, len(CHAIN[4])):
        found = verdict(b"".join(CHAIN[:4]) + CHAIN[4][:length], announced)
        assert (found.holds, found.unfinished, found.end.seq) == (True, True, 4)
    assert fault(CHAIN[:3], announced) == (4, "cut off")
    assert fault([*CHAIN, b"{"], announced) == (7, "changed")
    assert fault(changed(CHAIN, 5, decision="allow"), announced) == (6, "changed")
    assert fault(changed(CHAIN[:4], 3, decision="allow"), announced) == (4, "changed")


def test_the_files_of_a_chain_follow_each_other() -> None:
    first = as_lines(b"".join(CHAIN[:3]), "audit-202610.jsonl")
    second = as_lines(b"".join(CHAIN[3:]), "audit-202611.jsonl")
    assert judged([*first, *second], KNOWN, NOWHERE).holds
    found = judged(first, KNOWN, NOWHERE).fault
    assert found is not None
    assert (str(found.where), found.seq, found.why) == ("audit-202610.jsonl:4", 4, Why.CUT_OFF)
    found = judged(second, KNOWN, NOWHERE).fault
    assert found is not None
    assert (str(found.where), found.seq, found.why) == ("audit-202611.jsonl:1", 1, Why.MISSING)
    found = judged([*second, *first], KNOWN, NOWHERE).fault
    assert found is not None
    assert (str(found.where), found.why) == ("audit-202611.jsonl:1", Why.OUT_OF_ORDER)
    cut = as_lines(b"".join(CHAIN[:3])[:-1], "audit-202610.jsonl")
    found = judged([*cut, *second], KNOWN, NOWHERE).fault
    assert found is not None
    assert (str(found.where), found.why) == ("audit-202610.jsonl:3", Why.CHANGED)
    found = judged([], KNOWN, NOWHERE).fault
    assert found is not None
    assert (found.where, found.why) == (NOWHERE, Why.CUT_OFF)


def test_the_verdict_as_json() -> None:
    assert verdict(b"".join(CHAIN)).as_json() == {
        "holds": True,
        "records": 6,
        "head": KNOWN.end.hash,
        "remembered": True,
        "unfinished": False,
        "fault": None,
    }
    assert verdict(b"".join(CHAIN[:5])).as_json()["fault"] == {
        "file": "audit-202611.jsonl",
        "line": 6,
        "seq": 6,
        "why": "cut off",
        "message": "the newest 1 of 6 records is cut off",
    }
