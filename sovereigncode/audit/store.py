"""What keeps an audit chain: the files of a workspace (`log.AuditLog`), or a database."""

from __future__ import annotations

from typing import Iterator, Mapping, Protocol, Sequence

from sovereigncode.audit.record import Entry, Record
from sovereigncode.audit.verdict import End, Verdict


class AuditStore(Protocol):
    """One chain. Every method is safe under several threads and processes.

    A database behind it uses the same pure parts: `record.chained` makes the records that follow its newest
    row, and `verify.judged` judges its rows as lines. Each method raises Refusal if the store cannot be used
    (audit_unusable), written (write_failed), is held by another process too long (in_progress), or if
    what is there does not hold (chain_broken).
    """

    def append(self, entries: Sequence[Entry]) -> tuple[Record, ...]:
        """Record these, in this order and all of them; they are on disk when this returns.

        Several entries cost as much as one, so a server collects what arrives at the same time. If this
        raises, the caller must not do what it wanted to record.
        """

    def read(self, after: int = 0, limit: int | None = None) -> Iterator[Record]:
        """The records with a `seq` above `after`, oldest first, at most `limit`; the chain is not judged."""

    def head(self) -> End:
        """The newest record's `seq` and `hash`; `End(0, None)` for an empty chain."""

    def verify(self) -> Verdict:
        """Whether the chain holds; reads all of it. Never raises chain_broken."""

    def approvals(self) -> Mapping[str, tuple[Record, ...]]:
        """The records of kind `approval` of a chain that was verified, by approval id, oldest first.

        Only those that this store recorded itself, not what came with a workspace.
        """
