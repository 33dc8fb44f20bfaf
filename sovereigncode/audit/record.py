"""A record: the fields of one line, and the line as bytes. Values only.

A line is the record as canonical JSON (RFC 8785) and a line end. `hash` is the SHA-256 sum, as lower-case
hex, of the canonical JSON of the record without `hash`; `prev` is the `hash` of the record before it, null in
the first one. A field that does not apply is null or [].
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Final, Protocol, Sequence

from foundation.errors import Refusal

KINDS: Final = ("policy", "route", "content", "tool", "approval", "outcome", "config")
FIELDS: Final = (
    *("seq", "time", "kind", "tenant", "capsule_id", "actor", "purpose", "action", "model", "decision"),
    *("reasons", "obligations", "audit_tags", "decision_id", "approval_id", "request_hash", "prev", "hash"),
)
# Texts of an entry that may be null.
TEXTS: Final = (
    *("tenant", "capsule_id", "actor", "purpose", "action", "model", "decision"),
    *("decision_id", "approval_id", "request_hash"),
)
# The longest line, without its end; what does not fit is refused.
LONGEST: Final = 64 * 1024

# The largest whole number that canonical JSON has (RFC 8785 section 3.2.2.3: those of IEEE 754).
_LARGEST: Final = 2**53 - 1

_Null: Final = type(None)
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\Z", re.ASCII)
_quoted: Final = json.JSONEncoder(ensure_ascii=False).encode


class Coded(Protocol):
    """A reason or an obligation: a code for programs, and a sentence."""

    @property
    def code(self) -> str:
        """Lower-case words joined by `_`."""

    @property
    def message(self) -> str:
        """One sentence; never a prompt, a key or a personal detail."""


@dataclass(frozen=True)
class Stated:
    """A reason or an obligation as a record has it."""

    code: str
    message: str


@dataclass(frozen=True)
class Entry:
    """What is to be recorded; the chain adds `seq`, `time`, `prev` and `hash`.

    `kind` is one of KINDS. Nothing here may contain a prompt, a key or the value of a personal detail.
    """

    kind: str
    decision: str | None = None
    tenant: str | None = None
    capsule_id: str | None = None
    actor: str | None = None
    purpose: str | None = None
    action: str | None = None
    model: str | None = None
    reasons: Sequence[Coded] = ()
    obligations: Sequence[Coded] = ()
    audit_tags: Sequence[str] = ()
    decision_id: str | None = None
    approval_id: str | None = None
    request_hash: str | None = None


@dataclass(frozen=True)
class Record:
    """One record of a chain. `time` is UTC as written by `stamp`, `line` the bytes without the line end."""

    seq: int
    time: str
    entry: Entry
    prev: str | None
    hash: str
    line: bytes = field(repr=False)

    def as_json(self) -> dict[str, Any]:
        """The fields of the line, in the order of FIELDS."""
        return {**_body(self.seq, self.time, self.entry, self.prev), "hash": self.hash}


def stamp(moment: datetime) -> str:
    """A moment as UTC with milliseconds: 2026-11-27T09:30:00.125Z."""
    return moment.astimezone(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def moment(text: str) -> datetime:
    """The moment that `stamp` wrote. Raises ValueError for any other text."""
    if not _TIME.match(text):
        raise ValueError(f"not a time: {text!r}")
    return datetime.fromisoformat(text[:-1] + "+00:00")


def chained(entries: Sequence[Entry], *, seq: int, prev: str | None, now: datetime) -> tuple[Record, ...]:
    """The records that follow the one with this `seq` (0: none) and the hash `prev`.

    Raises Refusal request_invalid for an entry that no line can have; then none of them is a record.
    """
    records: list[Record] = []
    for number, entry in enumerate(entries, start=seq + 1):
        try:
            record = _chained(entry, number, prev, stamp(now))
        except (ValueError, TypeError, RecursionError) as problem:
            raise _unusable(str(problem)) from None
        records.append(record)
        prev = record.hash
    return tuple(records)


def parsed(line: bytes) -> Record:
    """The record of a line, without its end. Raises ValueError if it is none, or its hash does not fit.

    Whether it follows the record before it is for verification to say.
    """
    try:
        fields: Any = json.loads(line.decode("utf-8")) if len(line) <= LONGEST else None
        if not _is_typed(fields) or not is_hash_of(line, fields["hash"]):
            raise ValueError("not a record")
    except RecursionError:
        raise ValueError("not a record") from None
    entry = Entry(
        kind=fields["kind"],
        reasons=tuple(Stated(one["code"], one["message"]) for one in fields["reasons"]),
        obligations=tuple(Stated(one["code"], one["message"]) for one in fields["obligations"]),
        audit_tags=tuple(fields["audit_tags"]),
        **{name: fields[name] for name in TEXTS},
    )
    return Record(fields["seq"], fields["time"], entry, fields["prev"], fields["hash"], line)


def is_hash_of(line: bytes, digest: str) -> bool:
    """Whether this is the hash in the line and that of all other bytes of it.

    In a record, only the field itself is written `"hash":"`: the quotes of texts are escaped.
    """
    own = b'"hash":"%s",' % digest.encode("ascii", "replace")
    rest = line.replace(own, b"", 1)
    return len(rest) + len(own) == len(line) and hashlib.sha256(rest).hexdigest() == digest


def _is_typed(fields: Any) -> bool:
    return (
        isinstance(fields, dict)
        and fields.keys() == set(FIELDS)
        and type(fields["seq"]) is int
        and all(isinstance(fields[name], str) for name in ("time", "kind", "hash"))
        and all(isinstance(fields[name], (str, _Null)) for name in (*TEXTS, "prev"))
        and all(isinstance(fields[name], list) for name in ("reasons", "obligations", "audit_tags"))
        and all(isinstance(tag, str) for tag in fields["audit_tags"])
        and all(_is_coded(one) for one in (*fields["reasons"], *fields["obligations"]))
    )


def _is_coded(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() == {"code", "message"}
        and all(isinstance(text, str) for text in value.values())
    )


def _chained(entry: Entry, seq: int, prev: str | None, time: str) -> Record:
    if entry.kind not in KINDS:
        raise ValueError(f"there is no kind {entry.kind!r}")
    if seq > _LARGEST:
        raise ValueError(f"{seq} is too large for a number in a record")
    clean = _clean(entry)
    before, after = _canonical(seq, time, clean, prev)
    digest = hashlib.sha256(before + after).hexdigest()
    line = b'%s"hash":"%s",%s' % (before, digest.encode("ascii"), after)
    if len(line) > LONGEST:
        raise ValueError(f"a record has at most {LONGEST} bytes")
    return Record(seq, time, clean, prev, digest, line)


def _canonical(seq: int, time: str, entry: Entry, prev: str | None) -> tuple[bytes, bytes]:
    """The canonical JSON of a record without `hash`: what is before the place of that field, and the rest.

    The keys are sorted here, by hand, and none of them has a character that is escaped. What json escapes in
    texts, and how, is what RFC 8785 asks for; a number is a whole one, so it is written as Python does.
    """
    before = (
        f'{{"action":{_json(entry.action)},"actor":{_json(entry.actor)},'
        f'"approval_id":{_json(entry.approval_id)},"audit_tags":[{",".join(map(_json, entry.audit_tags))}],'
        f'"capsule_id":{_json(entry.capsule_id)},"decision":{_json(entry.decision)},'
        f'"decision_id":{_json(entry.decision_id)},'
    )
    after = (
        f'"kind":{_json(entry.kind)},"model":{_json(entry.model)},'
        f'"obligations":[{",".join(map(_coded, entry.obligations))}],"prev":{_json(prev)},'
        f'"purpose":{_json(entry.purpose)},"reasons":[{",".join(map(_coded, entry.reasons))}],'
        f'"request_hash":{_json(entry.request_hash)},"seq":{seq},"tenant":{_json(entry.tenant)},'
        f'"time":{_json(time)}}}'
    )
    return before.encode("utf-8"), after.encode("utf-8")


def _json(text: str | None) -> str:
    return "null" if text is None else _quoted(text)


def _coded(one: Coded) -> str:
    return f'{{"code":{_quoted(one.code)},"message":{_quoted(one.message)}}}'


def _body(seq: int, time: str, entry: Entry, prev: str | None) -> dict[str, Any]:
    texts = {name: getattr(entry, name) for name in TEXTS}
    return {
        "seq": seq,
        "time": time,
        "kind": entry.kind,
        **{name: texts[name] for name in TEXTS[:7]},
        "reasons": [{"code": one.code, "message": one.message} for one in entry.reasons],
        "obligations": [{"code": one.code, "message": one.message} for one in entry.obligations],
        "audit_tags": list(entry.audit_tags),
        **{name: texts[name] for name in TEXTS[7:]},
        "prev": prev,
    }


def _clean(entry: Entry) -> Entry:
    return Entry(
        kind=entry.kind,
        reasons=tuple(Stated(_text(one.code), _text(one.message)) for one in entry.reasons),
        obligations=tuple(Stated(_text(one.code), _text(one.message)) for one in entry.obligations),
        audit_tags=tuple(_text(tag) for tag in entry.audit_tags),
        **{name: _optional(getattr(entry, name)) for name in TEXTS},
    )


def _optional(value: str | None) -> str | None:
    return None if value is None else _text(value)


def _text(value: str) -> str:
    """UTF-8 for the bytes of a header that are not: they arrive as lone surrogates (PEP 383)."""
    if type(value) is str and value.isascii():
        return value
    if not isinstance(value, str):
        raise TypeError(f"{type(value).__name__} is not a text")
    return value.encode("utf-8", "backslashreplace").decode("utf-8")


def _unusable(why: str) -> Refusal:
    return Refusal(
        "request_invalid",
        f"this cannot be recorded ({why}), so it is not done",
        next_step="make the request smaller or correct it, then try again",
    )
