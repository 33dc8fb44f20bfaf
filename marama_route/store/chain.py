"""The audit chain of a tenant in a database: sovereigncode's AuditStore on rows.

The rows and the end of the chain are written in one transaction, in which nobody else appends to that chain
(SQLite: BEGIN IMMEDIATE; PostgreSQL: an advisory lock). So a chain that does not fit its end was changed by
somebody else, and nothing is appended to it.
"""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from typing import Any, Callable, Final, Iterator, Mapping, NoReturn, Protocol, Sequence

from foundation.errors import Refusal, Where
from marama_route.store import rows
from marama_route.store.failures import DAMAGED, StoreUnusable, unusable
from marama_route.store.operations import Connection
from sovereigncode.audit.record import Entry, Record, chained, parsed
from sovereigncode.audit.verdict import End, Known, Line, Verdict
from sovereigncode.audit.verify import Walk, judged

_PIECE: Final = 256
_LARGEST: Final = (1 << 63) - 1

_NEWEST: Final = "SELECT seq, line FROM audit_records WHERE tenant = ? ORDER BY seq DESC LIMIT 1"
_AFTER: Final = "SELECT seq, line FROM audit_records WHERE tenant = ? AND seq > ? ORDER BY seq LIMIT ?"
_APPEND: Final = "INSERT INTO audit_records (tenant, seq, line) VALUES (?, ?, ?)"
_END: Final = "SELECT seq, hash FROM audit_heads WHERE tenant = ?"
_MOVE_END: Final = """
INSERT INTO audit_heads (tenant, seq, hash) VALUES (?, ?, ?)
ON CONFLICT (tenant) DO UPDATE SET seq = excluded.seq, hash = excluded.hash
"""


class Database(Protocol):
    """What a chain needs of a database. Both methods block, and raise Refusal not_ready."""

    @property
    def name(self) -> str:
        """What people call it."""

    def written(self, work: Callable[[Connection], Any]) -> Any:
        """What the work returns, once all that it wrote is committed; see operations."""

    def one_moment(self) -> AbstractContextManager[Connection]:
        """A connection that shows one moment of the database, for long reads."""


class Chain:
    """One tenant's chain, as an AuditStore. `now` is the clock."""

    def __init__(self, database: Database, tenant: str, now: Callable[[], datetime]) -> None:
        self._database = database
        self._tenant = rows.text(tenant)
        self._now = now
        self._one_at_a_time = threading.Lock()
        self._forget()

    def append(self, entries: Sequence[Entry]) -> tuple[Record, ...]:
        """See AuditStore."""
        with _as_audit():
            found = self._database.written(lambda connection: self._append(connection, entries))
        if found is None:
            self._broken(self.verify())
        return tuple(found)

    def read(self, after: int = 0, limit: int | None = None) -> Iterator[Record]:
        """See AuditStore. A row that is not a record raises Refusal chain_broken.

        Each piece is read by itself, so that a slow reader holds nothing up.
        """
        left = _LARGEST if limit is None else max(limit, 0)
        place = max(after, 0)
        while left:
            most = min(left, _PIECE)
            with _as_audit(), self._database.one_moment() as connection:
                piece = self._rows(connection, place, most)
            for row in piece:
                yield self._record(row)
            if len(piece) < most:
                return
            left, place = left - len(piece), piece[-1][0]

    def head(self) -> End:
        """See AuditStore."""
        with _as_audit(), self._database.one_moment() as connection:
            end = self._end(connection)
        if end is None:
            self._broken(self.verify())
        return end

    def verify(self) -> Verdict:
        """See AuditStore. The lines have the chain's name and their `seq` as place."""
        with _as_audit(), self._database.one_moment() as connection:
            return judged(self._lines(connection, 0), self._known(connection), self._nowhere)

    def approvals(self) -> Mapping[str, tuple[Record, ...]]:
        """See AuditStore. What was verified before is not read again."""
        with self._one_at_a_time:
            with _as_audit(), self._database.one_moment() as connection:
                known = self._known(connection)
                for line in self._walk.feed(self._lines(connection, self._walk.end.seq), known):
                    self._note(line)
                verdict = self._walk.judged(known, self._nowhere)
            if not verdict.holds:
                self._forget()
                self._broken(verdict)
            return dict(self._approvals)

    @property
    def _nowhere(self) -> Where:
        return Where(f"{self._database.name}, chain of {self._tenant}", 1)

    def _append(self, connection: Connection, entries: Sequence[Entry]) -> Sequence[Record] | None:
        """The records, written; None if the chain does not fit its end."""
        end = self._end(connection)
        if end is None:
            return None
        records = chained(entries, seq=end.seq, prev=end.hash, now=self._now())
        for record in records:
            connection.execute(_APPEND, (self._tenant, record.seq, record.line))
        if records:
            connection.execute(_MOVE_END, (self._tenant, records[-1].seq, records[-1].hash))
        return records

    def _end(self, connection: Connection) -> End | None:
        """The end of the chain, if its newest row is the one that is remembered."""
        known = self._known(connection)
        newest = connection.execute(_NEWEST, (self._tenant,)).fetchone()
        if newest is None:
            return End() if known.end.seq == 0 else None
        try:
            record = parsed(_data(newest))
        except ValueError:
            return None
        end = End(record.seq, record.hash)
        return end if end == known.end else None

    def _known(self, connection: Connection) -> Known:
        row = connection.execute(_END, (self._tenant,)).fetchone()
        if row is None:
            return Known(End())
        seq, digest = row
        if not isinstance(seq, int) or not isinstance(digest, str):
            raise unusable(DAMAGED, self._database.name)
        return Known(End(seq, digest))

    def _rows(self, connection: Connection, after: int, most: int) -> list[Any]:
        return connection.execute(_AFTER, (self._tenant, min(after, _LARGEST), most)).fetchall()

    def _lines(self, connection: Connection, after: int) -> Iterator[Line]:
        found = connection.execute(_AFTER, (self._tenant, after, _LARGEST))
        number = after
        while piece := found.fetchmany(_PIECE):
            for row in piece:
                number += 1
                yield Line(self._nowhere.name, number, _data(row))

    def _record(self, row: Any) -> Record:
        try:
            return parsed(_data(row))
        except ValueError:
            raise self._refusal("a row of it is not a record", self._nowhere) from None

    def _forget(self) -> None:
        self._walk = Walk()
        self._approvals: dict[str, tuple[Record, ...]] = {}

    def _note(self, line: Line) -> None:
        if b'"kind":"approval"' in line.data:
            record = parsed(line.data)
            name = record.entry.approval_id
            if record.entry.kind == "approval" and name is not None:
                self._approvals[name] = (*self._approvals.get(name, ()), record)

    def _broken(self, verdict: Verdict) -> NoReturn:
        fault = verdict.fault
        if fault is None:
            raise self._refusal("its end is not as this program leaves it", self._nowhere)
        raise self._refusal(f"{fault.why.value}: {fault.message}", fault.where)

    def _refusal(self, why: str, where: Where) -> Refusal:
        return Refusal(
            "chain_broken",
            f"the audit chain does not hold ({why})",
            where=where,
            next_step="stop the gateway, keep its store elsewhere as evidence, and find out who changed it; "
            "then put back a backup, or start without a store",
        )


def _data(row: Any) -> bytes:
    """A row's line; nothing, which is no record, if somebody gave the row another place or another type."""
    seq, line = row
    fits = isinstance(line, bytes) and isinstance(seq, int) and b'"seq":%d,' % seq in line
    return line if fits else b""


@contextmanager
def _as_audit() -> Iterator[None]:
    try:
        yield
    except StoreUnusable as problem:
        raise problem.for_audit() from None
