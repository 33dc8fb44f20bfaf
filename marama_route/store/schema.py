"""The tables, and how an older store becomes a newer one: SQL that every database understands."""

from __future__ import annotations

from typing import Final, Sequence

# Each entry makes the next version of the schema. `{bytes}` is the database's type for bytes.
# Times are whole seconds since 1970. `decisions_pending` and `decisions_expire` are small, and each is
# what one question needs that would read every decision otherwise.
MIGRATIONS: Final[Sequence[Sequence[str]]] = (
    (
        """CREATE TABLE decisions (
            tenant TEXT NOT NULL,
            id TEXT NOT NULL,
            owner TEXT NOT NULL,
            state TEXT NOT NULL,
            expires BIGINT NOT NULL,
            document {bytes} NOT NULL,
            PRIMARY KEY (tenant, id)
        )""",
        "CREATE INDEX decisions_pending ON decisions (owner) WHERE state = 'pending'",
        "CREATE INDEX decisions_expire ON decisions (expires)",
        """CREATE TABLE passed_calls (
            tenant TEXT NOT NULL,
            session_id TEXT NOT NULL,
            call_id TEXT NOT NULL,
            decision_id TEXT NOT NULL,
            capsule_id TEXT,
            tool_class TEXT NOT NULL,
            digest TEXT NOT NULL,
            kept_until BIGINT NOT NULL,
            PRIMARY KEY (tenant, session_id, call_id)
        )""",
        "CREATE INDEX passed_calls_kept ON passed_calls (kept_until)",
        """CREATE TABLE audit_records (
            tenant TEXT NOT NULL,
            seq BIGINT NOT NULL,
            line {bytes} NOT NULL,
            PRIMARY KEY (tenant, seq)
        )""",
        """CREATE TABLE audit_heads (
            tenant TEXT NOT NULL PRIMARY KEY,
            seq BIGINT NOT NULL,
            hash TEXT NOT NULL
        )""",
        """CREATE TABLE probes (
            name TEXT NOT NULL PRIMARY KEY,
            at BIGINT NOT NULL,
            filling {bytes} NOT NULL
        )""",
    ),
)
VERSION: Final = len(MIGRATIONS)


def statements(version: int, bytes_type: str) -> Sequence[str]:
    """What makes a store of this version (0: an empty one) one of the newest."""
    return [one.format(bytes=bytes_type) for step in MIGRATIONS[version:] for one in step]
