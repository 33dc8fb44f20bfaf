"""Which records `audit show` and `audit export` are about."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Iterable, Iterator

from sovereigncode.audit.record import Record


@dataclass(frozen=True)
class Filter:
    """What a record must be like; None means that it does not matter.

    `since` and `until` are as record.stamp writes them, or the beginning of such a text: `2026-11` is the
    whole month. `code` is that of a reason or an obligation, or a tag. `after` is a `seq`.
    """

    kind: str | None = None
    decision: str | None = None
    tenant: str | None = None
    capsule_id: str | None = None
    actor: str | None = None
    purpose: str | None = None
    action: str | None = None
    model: str | None = None
    decision_id: str | None = None
    approval_id: str | None = None
    request_hash: str | None = None
    code: str | None = None
    since: str | None = None
    until: str | None = None
    after: int = 0

    def matches(self, record: Record) -> bool:
        """Whether the record is wanted."""
        entry = record.entry
        equal = all(
            getattr(self, name) in (None, getattr(entry, name))
            for name in (
                *("kind", "decision", "tenant", "capsule_id", "actor", "purpose", "action", "model"),
                *("decision_id", "approval_id", "request_hash"),
            )
        )
        codes = {one.code for one in (*entry.reasons, *entry.obligations)} | set(entry.audit_tags)
        return (
            equal
            and record.seq > self.after
            and (self.code is None or self.code in codes)
            and (self.since is None or record.time >= self.since)
            and (self.until is None or record.time[: len(self.until)] <= self.until)
        )

    def among(self, records: Iterable[Record], last: int | None = None) -> Iterator[Record]:
        """The wanted ones in their order; only the `last` so many of them if that is given."""
        wanted = (record for record in records if self.matches(record))
        if last is None:
            yield from wanted
        else:
            yield from deque(wanted, maxlen=last)
