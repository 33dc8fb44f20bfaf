"""Whether a chain holds, and if not, the first line that does not, and why. Values only.

Written apart from what writes the chain: it shares neither the canonical JSON nor the hashing with record.py,
so that a mistake there is found here. Sorted JSON of the standard library is RFC 8785's for what a record can
contain: texts, one small integer, and keys in ASCII.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any, Final, Iterable, Iterator, Sequence

from foundation.errors import Where
from sovereigncode.audit.verdict import End, Fault, Known, Line, Verdict, Why

_NULLABLE: Final = frozenset(
    (
        *("tenant", "capsule_id", "actor", "purpose", "action", "model", "decision"),
        *("decision_id", "approval_id", "request_hash"),
    )
)
_CODED: Final = frozenset(("reasons", "obligations"))
_ALL: Final = _NULLABLE | _CODED | {"seq", "time", "kind", "audit_tags", "prev", "hash"}
_KINDS: Final = frozenset(("policy", "route", "content", "tool", "approval", "outcome", "config"))
# No record is longer, so a longer line may be given without its rest.
_LONGEST: Final = 65536
_UNANNOUNCED: Final = "this program did not write this line, or did so with another home folder"
_HASH: Final = re.compile(r"[0-9a-f]{64}\Z")
_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z\Z")


@dataclass(frozen=True)
class _Read:
    """A line whose own hash fits."""

    seq: int
    prev: str | None
    hash: str


@dataclass
class Walk:
    """A chain judged line by line. It can be continued: what is fed later follows what was fed before."""

    end: End = field(default_factory=End)
    fault: Fault | None = None
    unfinished: bool = False
    last: Line | None = None

    def judged(self, known: Known | None, nowhere: Where) -> Verdict:
        """The verdict if nothing more follows. `nowhere` is the place of a chain without any line."""
        fault = self.fault or self._end_fault(known, nowhere)
        return Verdict(self.end, fault, known is not None, self.unfinished)

    def feed(self, lines: Iterable[Line], known: Known | None) -> Iterator[Line]:
        """Judge these lines; each that fits so far is yielded. Ends at the first that does not."""
        waiting = iter(lines)
        following = next(waiting, None)
        while following is not None and self.fault is None:
            line, following = following, next(waiting, None)
            read = _read(line)
            if following is None and self._half_written(line, known):
                self.unfinished = True
                return
            rest = waiting if following is None else chain((following,), waiting)
            self.fault = self._fault(line, read, following, rest, known)
            if self.fault is None and read is not None:
                self.last, self.end = line, End(read.seq, read.hash)
                yield line

    def _half_written(self, line: Line, known: Known | None) -> bool:
        """Whether the last line is half a line that a killed process may have left."""
        if line.ended:
            return False
        return known is None or (known.upcoming is not None and self.end.seq < known.upcoming.seq)

    def _fault(
        self,
        line: Line,
        read: _Read | None,
        following: Line | None,
        rest: Iterator[Line],
        known: Known | None,
    ) -> Fault | None:
        seq = self.end.seq + 1
        if known is not None and seq > known.last.seq and (read is None or read.seq >= seq):
            return _fault(line, seq, Why.CHANGED, _UNANNOUNCED)
        if read is None or not line.ended:
            return _unreadable(line, seq, following)
        if read.seq != seq:
            return _misplaced(line, read.seq, seq, rest)
        if read.prev != self.end.hash:
            return self._unlinked(line, read, following, known)
        remembered = () if known is None else (known.end, known.last)
        if any(end.seq == seq and end.hash != read.hash for end in remembered):
            return _fault(line, seq, Why.CHANGED, "this record is not the one that is remembered")
        return None

    def _unlinked(self, line: Line, read: _Read, following: Line | None, known: Known | None) -> Fault:
        """Of two neighbours that do not fit, the one that nothing else vouches for was changed."""
        after = None if following is None else _read(following)
        vouched = (after is not None and after.seq == read.seq + 1 and after.prev == read.hash) or (
            known is not None and read.hash in (known.end.hash, known.last.hash)
        )
        if vouched and self.last is not None:
            return _fault(
                self.last, read.seq - 1, Why.CHANGED, "the record after this one names another hash"
            )
        return _fault(line, read.seq, Why.CHANGED, "this record does not name the hash of the one before it")

    def _end_fault(self, known: Known | None, nowhere: Where) -> Fault | None:
        if known is None or self.end.seq > known.end.seq:
            return None
        if self.end.seq == known.end.seq:
            if self.end.hash == known.end.hash or self.last is None:
                return None
            return _fault(
                self.last, self.end.seq, Why.CHANGED, "this record is not the one that is remembered"
            )
        where = nowhere if self.last is None else Where(self.last.name, self.last.number + 1)
        gone = known.end.seq - self.end.seq
        return Fault(
            where,
            self.end.seq + 1,
            Why.CUT_OFF,
            f"the newest {gone} of {known.end.seq} records {'is' if gone == 1 else 'are'} cut off",
        )


def judged(lines: Iterable[Line], known: Known | None, nowhere: Where) -> Verdict:
    """Judge a whole chain. `known` is what is remembered of its end outside (None: nothing)."""
    walk = Walk()
    for _ in walk.feed(lines, known):
        pass
    return walk.judged(known, nowhere)


def _unreadable(line: Line, seq: int, following: Line | None) -> Fault:
    if following is None and not line.ended and _read(_shortened(line)) is None:
        return _fault(line, seq, Why.CUT_OFF, "the end of this line, and what followed, is cut off")
    return _fault(line, seq, Why.CHANGED, "this line is not as it was written")


def _misplaced(line: Line, found: int, wanted: int, rest: Iterator[Line]) -> Fault:
    if found < wanted:
        return _fault(line, wanted, Why.MADE_TWICE, f"there is already a record {found} before this line")
    if any(later is not None and later.seq == wanted for later in map(_read, rest)):
        return _fault(line, wanted, Why.OUT_OF_ORDER, f"record {found} is before record {wanted}")
    return _fault(line, wanted, Why.MISSING, f"record {wanted} is missing before this line")


def _fault(line: Line, seq: int, why: Why, message: str) -> Fault:
    return Fault(Where(line.name, line.number), seq, why, message)


def _shortened(line: Line) -> Line:
    """The line if its last byte was a line end before it was changed."""
    return replace(line, data=line.data[:-1])


def _read(line: Line) -> _Read | None:
    """The line's own claims if it is canonical and its hash fits."""
    if len(line.data) > _LONGEST:
        return None
    try:
        value = json.loads(
            line.data.decode("utf-8"), object_pairs_hook=_unique, parse_float=_none, parse_constant=_none
        )
        if not _shaped(value) or _canonical(value) != line.data:
            return None
        without = {name: value[name] for name in value if name != "hash"}
        if hashlib.sha256(_canonical(without)).hexdigest() != value["hash"]:
            return None
    except (ValueError, RecursionError):
        return None
    return _Read(value["seq"], value["prev"], value["hash"])


def _canonical(value: dict[str, Any]) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8")


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key appears twice")
    return value


def _none(text: str) -> None:
    raise ValueError(f"a record has no {text}")


def _shaped(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() == _ALL
        and type(value["seq"]) is int
        and value["seq"] > 0
        and isinstance(value["kind"], str)
        and value["kind"] in _KINDS
        and isinstance(value["time"], str)
        and _TIME.match(value["time"]) is not None
        and all(value[name] is None or isinstance(value[name], str) for name in _NULLABLE)
        and all(isinstance(value[name], list) and all(map(_coded, value[name])) for name in _CODED)
        and isinstance(value["audit_tags"], list)
        and all(isinstance(tag, str) for tag in value["audit_tags"])
        and _hash(value["hash"])
        and (value["prev"] is None or _hash(value["prev"]))
    )


def _coded(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() == {"code", "message"}
        and all(isinstance(text, str) for text in value.values())
    )


def _hash(value: Any) -> bool:
    return isinstance(value, str) and _HASH.match(value) is not None
