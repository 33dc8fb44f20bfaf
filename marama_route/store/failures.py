"""Why the store cannot be used: a few causes, the same for every database.

A database's own message may quote what it was given, so it is never shown, chained or logged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from foundation.errors import Refusal, Where

_LATER: Final = "then send the request again"


@dataclass(frozen=True)
class Cause:
    """`audit_kind` is the kind that sovereigncode's AuditStore has for it."""

    audit_kind: str
    message: str
    next_step: str


BUSY: Final = Cause(
    "in_progress",
    "another process keeps the gateway's store and does not finish",
    "wait until it has finished, or end it, " + _LATER,
)
FULL: Final = Cause(
    "write_failed",
    "the disk of the gateway's store is full",
    "free up space there, " + _LATER,
)
READ_ONLY: Final = Cause(
    "write_failed",
    "the gateway's store cannot be written: it is read-only",
    "make its file and folder writable for the user of the gateway, " + _LATER,
)
FAILING: Final = Cause(
    "write_failed",
    "the disk of the gateway's store does not do what it is asked",
    "look at the system's log for errors of that disk, " + _LATER,
)
MISSING: Final = Cause(
    "audit_unusable",
    "the file of the gateway's store is gone, was replaced, or cannot be opened",
    "put it back, or start the gateway again, " + _LATER,
)
DAMAGED: Final = Cause(
    "audit_unusable",
    "the gateway's store is damaged",
    "stop the gateway, keep the file as evidence, and put back a backup",
)
NOT_OURS: Final = Cause(
    "audit_unusable",
    "this file is not a store of the gateway",
    "move it out of the way, or name another place for the store",
)
NEWER: Final = Cause(
    "audit_unusable",
    "a newer version of this program made the gateway's store",
    "use that version, or a newer one",
)
NO_WAL: Final = Cause(
    "audit_unusable",
    "the file system of the gateway's store has no shared memory, which SQLite's log needs",
    "put the store on a local disk",
)
CLOSED: Final = Cause(
    "audit_unusable",
    "the gateway's store is closed, because the gateway is ending",
    "send the request again when it has started",
)
CROWDED: Final = Cause(
    "in_progress",
    "the gateway's store is not as quick as the requests that arrive",
    "send the request again later",
)


class StoreUnusable(Refusal):
    """Refusal not_ready, which remembers its cause."""

    def __init__(self, cause: Cause, where: Where | None = None) -> None:
        super().__init__("not_ready", cause.message, where=where, next_step=cause.next_step)
        self.cause = cause

    def for_audit(self) -> Refusal:
        """The same as AuditStore says it."""
        return Refusal(self.cause.audit_kind, self.message, where=self.where, next_step=self.next_step)


def unusable(cause: Cause, where: str | None = None) -> StoreUnusable:
    """A refusal to raise: a new one for everybody who waits."""
    return StoreUnusable(cause, None if where is None else Where(where))
