"""Records for other programs: JSON with everything as it was recorded, CSV for spreadsheets."""

from __future__ import annotations

import csv
import io
import json
from typing import Final, Iterable, Iterator, Sequence

from foundation.terminal.text import visible
from sovereigncode.audit.record import FIELDS, Coded, Record

# What makes a spreadsheet run a cell's text as a formula, also in full width (OWASP, CSV Injection).
_FORMULA: Final = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20", "|", "%")


def as_json(records: Iterable[Record]) -> Iterator[str]:
    """A JSON array, piece by piece; each record has the fields of its line."""
    yield "["
    separator = "\n"
    for record in records:
        yield separator + json.dumps(record.as_json(), ensure_ascii=False)
        separator = ",\n"
    yield "\n]\n"


def as_csv(records: Iterable[Record]) -> Iterator[str]:
    """CSV (RFC 4180), row by row, with the names of the fields first; every cell is quoted.

    Reasons and obligations are `code: message`, several of them joined by `; `. No cell is a formula: a text
    that a spreadsheet would run begins with an apostrophe. Control characters are shown as escapes.
    """
    yield _row(FIELDS)
    for record in records:
        value = record.as_json()
        entry = record.entry
        value["reasons"], value["obligations"] = _sentences(entry.reasons), _sentences(entry.obligations)
        value["audit_tags"] = "; ".join(entry.audit_tags)
        yield _row([_cell(value[name]) for name in FIELDS])


def _sentences(coded: Sequence[Coded]) -> str:
    return "; ".join(f"{one.code}: {one.message}" for one in coded)


def _cell(value: object) -> str:
    if value is None:
        return ""
    text = visible(value)
    return f"'{text}" if text.lstrip().startswith(_FORMULA) else text


def _row(cells: Sequence[str]) -> str:
    sink = io.StringIO()
    csv.writer(sink, quoting=csv.QUOTE_ALL).writerow(cells)
    return sink.getvalue()
