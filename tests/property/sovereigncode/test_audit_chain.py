"""What holds for every record and every chain."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Sequence

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from foundation.errors import Refusal, Where
from sovereigncode.audit.export import as_csv
from sovereigncode.audit.log import AuditLog
from sovereigncode.audit.record import FIELDS, TEXTS, Coded, Entry, Stated, chained, parsed
from sovereigncode.audit.verdict import Line
from sovereigncode.audit.verify import Walk, judged
from tests.unit.sovereigncode.records import START, Place, as_lines, canonical, entry, known, written

NOWHERE = Where("audit", 1)
CHAIN = written(6)
KNOWN = known(CHAIN)
# Texts that look like the parts of a line by which its hash is found.
PARTS = (',"kind":', '","kind":"', '"hash":"', f'"hash":"{"0" * 64}",', "hash", "kind", "\\", '"')
# Characters that one writer of JSON escapes and another does not, pairs that are none, and halves of pairs.
HOSTILE = (
    *map(chr, range(32)),
    *(
        '"',
        "\\",
        "/",
        "\x7f",
        "\x80",
        "\x85",
        "\xa0",
        "\xe9",
        "e\u0301",
        "\u200b",
        "\u2028",
        "\u2029",
        "\ufeff",
    ),
    *("\ufffd", "\uffff", "\U0001f600", "\U0010ffff", "\ud83d\ude00", "\ud800", "\udbff", "\udc00", "\udfff"),
    *("</script>", "\\u2028", "\\ud800", "%s", "%(a)s", "{0}", "{}", "\r\n"),
)
TEXT = st.one_of(
    st.text(st.characters(codec=None), max_size=20),
    st.lists(st.sampled_from(HOSTILE), max_size=8).map("".join),
    st.lists(st.sampled_from(PARTS), max_size=4).map("".join),
)


CODED = st.lists(st.builds(Stated, TEXT, TEXT), max_size=3)


ENTRIES = st.builds(
    Entry,
    kind=st.sampled_from(("policy", "route", "content", "tool", "approval", "outcome", "config")),
    reasons=CODED,
    obligations=CODED,
    audit_tags=st.lists(TEXT, max_size=3),
    **{name: st.none() | TEXT for name in TEXTS},
)


@given(ENTRIES)
def test_every_entry_becomes_one_line_that_is_read_back(made: Entry) -> None:
    (record,) = chained([made], seq=0, prev=None, now=START)
    line = record.line
    assert b"\n" not in line
    assert parsed(line) == record
    assert line == rfc8785.dumps(record.as_json())
    body = {name: value for name, value in json.loads(line).items() if name != "hash"}
    assert hashlib.sha256(canonical(body)).hexdigest() == record.hash


@given(ENTRIES, st.integers(0, 2**53 - 2), st.none() | st.text("0123456789abcdef", min_size=64, max_size=64))
def test_a_line_is_the_canonical_json_of_what_was_given(made: Entry, seq: int, prev: str | None) -> None:
    """Written by another writer (rfc8785) from the entry itself; half a pair is recorded as its escape."""
    (record,) = chained([made], seq=seq, prev=prev, now=START)
    given_texts = {name: spelled(getattr(made, name)) for name in (*TEXTS, "kind")}
    body = {
        **given_texts,
        **{name: said(getattr(made, name)) for name in ("reasons", "obligations")},
        "audit_tags": [spelled(tag) for tag in made.audit_tags],
        "seq": seq + 1,
        "prev": prev,
        "time": "2026-11-27T09:30:00.000Z",
    }
    digest = hashlib.sha256(rfc8785.dumps(body)).hexdigest()
    assert record.hash == digest
    assert record.line == rfc8785.dumps({**body, "hash": digest})


def spelled(text: str | None) -> str | None:
    if text is None:
        return None
    return "".join(f"\\u{ord(one):04x}" if "\ud800" <= one <= "\udfff" else one for one in text)


def said(some: Sequence[Coded]) -> list[dict[str, str | None]]:
    return [{"code": spelled(one.code), "message": spelled(one.message)} for one in some]


@given(st.integers(1, 6), st.data())
def test_any_other_text_does_not_hold(number: int, data: st.DataObject) -> None:
    """Whatever is cut out and put in: if the text is another one, the chain does not hold."""
    lines = CHAIN[:number]
    text = b"".join(lines)
    start = data.draw(st.integers(0, len(text)))
    stop = data.draw(st.integers(start, len(text)))
    pieces = st.one_of(st.binary(max_size=40), st.sampled_from([*CHAIN, b"\n", b"{}", b"{}\n"]))
    other = text[:start] + b"".join(data.draw(st.lists(pieces, max_size=3))) + text[stop:]
    assert judged(as_lines(other), known(lines), NOWHERE).holds == (other == text)


@given(st.lists(st.integers(0, 6), max_size=4))
def test_a_walk_can_be_continued(cuts: list[int]) -> None:
    walk = Walk()
    lines = as_lines(b"".join(CHAIN))
    places = [0, *sorted(cuts), 6]
    seen: list[Line] = []
    for start, stop in pairwise(places):
        part = lines[start:stop]
        seen += walk.feed(part, None)
    assert seen == lines
    assert walk.judged(KNOWN, NOWHERE) == judged(lines, KNOWN, NOWHERE)


@given(st.text(st.characters(codec="utf-8"), max_size=30))
def test_a_cell_begins_with_nothing_that_a_spreadsheet_runs_and_has_no_control(text: str) -> None:
    (record,) = chained([entry(0, purpose=text)], seq=0, prev=None, now=START)
    _, row = csv.reader(io.StringIO("".join(as_csv((record,))), newline=""))
    cell = row[FIELDS.index("purpose")]
    assert not cell.strip().startswith(("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20"))
    assert not any(ord(char) < 32 or 127 <= ord(char) < 160 for char in cell)


@settings(deadline=None, max_examples=30)
@given(st.data())
def test_what_follows_a_chain_sees_what_a_new_reader_sees(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """One object looks after every step, a new one each time: the same records, or the same refusal."""
    place = Place(tmp_path_factory.mktemp("chain"))
    log = place.log
    for number in range(data.draw(st.integers(1, 8))):
        act = data.draw(st.sampled_from(["append", "append", "append", "month", "cut", "restore", "swap"]))
        if act == "append":
            with suppress(Refusal):
                place.log.append([entry(number, kind="approval", approval_id=f"ap_{number % 2}")])
        elif act == "month":
            place.clock.pass_by(days=31)
        elif place.files:
            meddle(place.files[-1], act, data.draw(st.integers(1, 40)))
        assert what_it_sees(log) == what_it_sees(place.log)


def meddle(file: Path, act: str, length: int) -> None:
    kept = file.with_name("kept")
    if act == "restore" and not kept.exists():
        return
    text = kept.read_bytes() if act == "restore" else file.read_bytes()
    if act == "swap":
        file.rename(file.with_name("moved"))
    if act == "cut":
        kept.write_bytes(text)
    file.write_bytes(text[:-length] if act == "cut" else text)
    file.chmod(0o600)


def what_it_sees(log: AuditLog) -> object:
    try:
        return log.approvals()
    except Refusal as refusal:
        return refusal.kind, refusal.where, refusal.message
