"""What is kept and how it is asked for, in SQL that every database understands.

Each function runs in a transaction that its caller made, and may run again if that one was rolled back. One
that writes needs a transaction in which nobody else writes the same rows (SQLite: BEGIN IMMEDIATE). It raises
Refusal only before it has written, so that what others do in the same transaction can be kept.
Values are always parameters, written `?`.
"""

from __future__ import annotations

from itertools import islice
from typing import Any, Final, Iterable, Iterator, Mapping, Protocol, Sequence, TypeVar

from marama_route.core.decision import State
from marama_route.store import rows
from marama_route.store.failures import DAMAGED, unusable
from marama_route.store.rows import Row
from marama_route.store.store import PassedCall

_T = TypeVar("_T")
# How many rows one transaction removes or changes, so that others can have their turn.
PIECE: Final = 500
_LAST: Final = "~"  # is after every id: `rd_` and hex digits
_LARGEST: Final = (1 << 63) - 1
_FILLING: Final = 32 * 1024

_PUT: Final = """
INSERT INTO decisions (tenant, id, owner, state, expires, document) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (tenant, id) DO UPDATE SET owner = excluded.owner, state = excluded.state,
    expires = excluded.expires, document = excluded.document
WHERE decisions.state = 'pending'
"""
_GET: Final = "SELECT document FROM decisions WHERE tenant = ? AND id = ? AND expires > ?"
_LIST: Final = """
SELECT document FROM decisions WHERE tenant = ? AND id < ? AND expires > ? ORDER BY id DESC LIMIT ?
"""
_PENDING: Final = "SELECT tenant, id, document FROM decisions WHERE owner = ? AND state = 'pending' LIMIT ?"
_FAIL: Final = """
UPDATE decisions SET state = ?, document = ? WHERE tenant = ? AND id = ? AND state = 'pending'
"""
_EXPIRE: Final = """
DELETE FROM decisions WHERE (tenant, id) IN (SELECT tenant, id FROM decisions WHERE expires <= ? LIMIT ?)
"""
_FORGET: Final = """
DELETE FROM passed_calls WHERE (tenant, session_id, call_id) IN
    (SELECT tenant, session_id, call_id FROM passed_calls WHERE kept_until <= ? LIMIT ?)
"""
_REMEMBER: Final = """
INSERT INTO passed_calls
    (tenant, session_id, call_id, decision_id, capsule_id, tool_class, digest, kept_until)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (tenant, session_id, call_id) DO UPDATE SET decision_id = excluded.decision_id,
    capsule_id = excluded.capsule_id, tool_class = excluded.tool_class, digest = excluded.digest,
    kept_until = excluded.kept_until
"""
_KEPT: Final = """
SELECT tenant, call_id, decision_id, capsule_id, tool_class, digest FROM passed_calls
WHERE tenant = ? AND session_id = ? AND kept_until > ? AND call_id IN ({marks})
"""
_GIVEN: Final = "DELETE FROM passed_calls WHERE tenant = ? AND session_id = ? AND call_id IN ({marks})"
_PROBE: Final = """
INSERT INTO probes (name, at, filling) VALUES ('probe', ?, ?)
ON CONFLICT (name) DO UPDATE SET at = excluded.at, filling = excluded.filling
"""


class Cursor(Protocol):
    """What a statement found: sqlite3's, psycopg's."""

    @property
    def rowcount(self) -> int:
        """How many rows were changed."""

    def fetchone(self) -> Any:
        """The next row, or None."""

    def fetchall(self) -> list[Any]:
        """All rows that are left."""

    def fetchmany(self, size: int, /) -> list[Any]:
        """At most so many rows."""


class Connection(Protocol):
    """A connection with a transaction."""

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> Cursor:
        """Run one statement."""


def put(connection: Connection, row: Row) -> None:
    """Keep a decision (`rows.of_decision`), unless one with an outcome is there."""
    connection.execute(_PUT, row)


def get(connection: Connection, tenant: str, decision_id: str, now: int) -> Mapping[str, Any] | None:
    """See Store.get."""
    row = connection.execute(_GET, (rows.text(tenant), rows.text(decision_id), now)).fetchone()
    return None if row is None else rows.document(row[0])


def listed(
    connection: Connection, tenant: str, before: str | None, limit: int, now: int
) -> list[Mapping[str, Any]]:
    """See Store.listed."""
    place = _LAST if before is None else rows.text(before)
    most = min(max(limit, 0), _LARGEST)
    found = connection.execute(_LIST, (rows.text(tenant), place, now, most)).fetchall()
    return [rows.document(document) for (document,) in found]


def owners(connection: Connection) -> set[str]:
    """The processes that have decisions without an outcome."""
    found = connection.execute("SELECT DISTINCT owner FROM decisions WHERE state = 'pending'").fetchall()
    names = {owner for (owner,) in found}
    if not all(isinstance(name, str) for name in names):
        raise unusable(DAMAGED)
    return names


def fail(connection: Connection, owner: str) -> int:
    """Give a piece of this owner's decisions the outcome `failed`; how many."""
    found = connection.execute(_PENDING, (owner, PIECE)).fetchall()
    changed = [(rows.failed(document), tenant, name) for tenant, name, document in found]
    for row in changed:
        connection.execute(_FAIL, (State.FAILED.value, *row))
    return len(changed)


def expire(connection: Connection, now: int) -> int:
    """Remove a piece of the decisions that have expired; how many."""
    return connection.execute(_EXPIRE, (now, PIECE)).rowcount


def forget(connection: Connection, now: int) -> int:
    """Remove a piece of the passed calls that nobody asked for in time; how many."""
    return connection.execute(_FORGET, (now, PIECE)).rowcount


def remember(connection: Connection, calls: Sequence[Row]) -> None:
    """Keep passed calls (`rows.of_call`); of two with the same key the later one."""
    for row in calls:
        connection.execute(_REMEMBER, row)


def kept(
    connection: Connection, tenant: str, session_id: str | None, call_ids: Sequence[str], now: int
) -> list[PassedCall]:
    """Those of these calls that are kept, in the order of `call_ids`."""
    found: dict[str, PassedCall] = {}
    for some in _pieces(dict.fromkeys(map(rows.text, call_ids))):
        marks = ", ".join("?" * len(some))
        key = (rows.text(tenant), rows.session(session_id), now)
        for row in connection.execute(_KEPT.format(marks=marks), (*key, *some)).fetchall():
            found[row[1]] = rows.call(row, session_id)
    return [found[one] for one in dict.fromkeys(map(rows.text, call_ids)) if one in found]


def take(
    connection: Connection, tenant: str, session_id: str | None, call_ids: Sequence[str], now: int
) -> list[PassedCall]:
    """Those of these calls that are kept, which are then kept no longer."""
    found = kept(connection, tenant, session_id, call_ids, now)
    for some in _pieces(one.call_id for one in found):
        marks = ", ".join("?" * len(some))
        key = (rows.text(tenant), rows.session(session_id))
        connection.execute(_GIVEN.format(marks=marks), (*key, *some))
    return found


def probe(connection: Connection, now: int) -> None:
    """Write as much as a large decision has, because a disk that is nearly full takes less."""
    connection.execute(_PROBE, (now, b"." * _FILLING))


def _pieces(values: Iterable[_T]) -> Iterator[list[_T]]:
    """Databases bound the number of parameters (SQLite before 3.32: 999)."""
    waiting = iter(values)
    while some := list(islice(waiting, PIECE)):
        yield some
