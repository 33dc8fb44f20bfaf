"""The audit chain of a workspace: the files `.sovereigncode/audit/audit-YYYYMM.jsonl`.

What is appended is on disk, and its hash is in the head outside (heads.py), when `append` returns. A process
that is killed leaves each record whole or not at all; half a line is removed by the next append. Whatever
does not fit the head is refused: a chain that others write into proves nothing.
"""

from __future__ import annotations

import os
import threading
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Iterator, Mapping, NoReturn, Sequence

from foundation import signals
from foundation.errors import Refusal, Where
from foundation.files.replace import Folder
from foundation.host import Host
from sovereigncode.audit import months
from sovereigncode.audit.folders import WORKSPACE, made, not_read, not_written, opened
from sovereigncode.audit.following import Following
from sovereigncode.audit.heads import Head, head_file
from sovereigncode.audit.lock import held
from sovereigncode.audit.months import KIND, Span, Tail
from sovereigncode.audit.record import Entry, Record, chained, parsed
from sovereigncode.audit.verdict import End, Known, Line, Verdict
from sovereigncode.audit.verify import judged

FOLDER: Final = "audit"
_LOOKS: Final = 3


@dataclass(frozen=True)
class _Seen:
    """The files and the remembered end at one moment."""

    known: Known | None
    spans: Sequence[Span]


class AuditLog:
    """The chain of the workspace `root`, as an AuditStore.

    `wait_seconds` is how long another process may keep the chain. The object holds nothing open.
    """

    def __init__(self, root: Path, host: Host, *, wait_seconds: float = 10.0) -> None:
        self._root = Path(os.path.realpath(root))
        self._host = host
        self._wait_seconds = wait_seconds
        self._appending = threading.Lock()
        self._following = Following()

    @property
    def folder(self) -> Path:
        """Where the files are."""
        return self._root / WORKSPACE / FOLDER

    @property
    def head_path(self) -> Path:
        """The file outside the workspace that remembers the newest hash."""
        return head_file(self._host, self._root)

    def append(self, entries: Sequence[Entry]) -> tuple[Record, ...]:
        """See AuditStore."""
        try:
            with (
                self._appending,
                made(self._root, FOLDER, KIND) as folder,
                held(folder, KIND, self._wait_seconds),
                self._head(writable=True) as head,
            ):
                end, tail = self._end(folder, head)
                now = self._host.now()
                records = chained(entries, seq=end.seq, prev=end.hash, now=now)
                if records:
                    _write(folder, head, end, tail, records, now)
                return records
        except OSError as problem:
            raise not_written(self.folder, problem) from None

    def read(self, after: int = 0, limit: int | None = None) -> Iterator[Record]:
        """See AuditStore. A line that is not a record raises Refusal chain_broken."""
        left = limit
        try:
            folder = opened(self._root, FOLDER, KIND)
            if folder is None:
                return
            with folder:
                for line in months.lines(folder, months.from_seq(folder, after + 1)):
                    if left == 0 or not line.ended:
                        return
                    record = self._record(line)
                    if record.seq > after:
                        yield record
                        left = None if left is None else left - 1
        except OSError as problem:
            raise not_read(self.folder, problem, KIND) from None

    def head(self) -> End:
        """See AuditStore."""
        try:
            with ExitStack() as stack:
                folder, _ = self._quiet(stack)
                return _end_of(Tail() if folder is None else months.tail(folder, months.names(folder)))
        except OSError as problem:
            raise not_read(self.folder, problem, KIND) from None
        except ValueError:
            self._broken(self.verify())

    def verify(self) -> Verdict:
        """See AuditStore. Appends wait only while the lengths of the files are noted."""
        try:
            seen = self._look()
            return judged(self._lines(seen.spans), seen.known, self._nowhere)
        except OSError as problem:
            raise not_read(self.folder, problem, KIND) from None

    def approvals(self) -> Mapping[str, tuple[Record, ...]]:
        """See AuditStore. What was verified before is not read again.

        Records that came with the workspace, from before its chain was remembered here, are not among them:
        whoever made the workspace could have written them.
        """
        try:
            seen = self._look()
            verdict, records = self._following.follow(seen.spans, seen.known, self._lines, self._nowhere)
        except OSError as problem:
            raise not_read(self.folder, problem, KIND) from None
        if not verdict.holds:
            self._broken(verdict)
        since = None if seen.known is None else seen.known.since
        return {} if since is None else _after(records, since)

    @property
    def _nowhere(self) -> Where:
        return Where(str(self.folder), 1)

    def _head(self, *, writable: bool) -> Head:
        return Head(self.head_path, self._root, writable=writable)

    def _quiet(self, stack: ExitStack) -> tuple[Folder | None, bool]:
        """The folder while nobody appends, and whether that is sure: it is not without a lock file."""
        folder = opened(self._root, FOLDER, KIND)
        if folder is None:
            return None, False
        stack.enter_context(folder)
        return folder, stack.enter_context(held(folder, KIND, self._wait_seconds, make=False))

    def _look(self) -> _Seen:
        """Files and head of one moment. Without a lock file, which the first append makes, look again."""
        for _ in range(_LOOKS):
            with ExitStack() as stack:
                folder, sure = self._quiet(stack)
                head = stack.enter_context(self._head(writable=False))
                seen = _Seen(head.known, () if folder is None else months.spans(folder))
                if sure:
                    break
        return seen

    def _lines(self, spans: Sequence[Span]) -> Iterator[Line]:
        folder = opened(self._root, FOLDER, KIND) if spans else None
        if folder is not None:
            with folder:
                yield from months.lines(folder, spans)

    def _end(self, folder: Folder, head: Head) -> tuple[End, Tail]:
        """The end that the next record follows. Everything is judged unless the head vouches for it."""
        known = head.known
        with suppress(ValueError):
            tail = months.tail(folder, months.names(folder))
            if known is not None and known.upcoming is None and tail.is_the_end(known.end):
                return known.end, tail
        verdict = judged(months.lines(folder, months.spans(folder)), known, self._nowhere)
        if not verdict.holds:
            self._broken(verdict)
        if known is None:
            head.begin(verdict.end)
        return verdict.end, months.tail(folder, months.names(folder))

    def _record(self, line: Line) -> Record:
        try:
            return parsed(line.data)
        except ValueError:
            raise self._refusal("a line here is not a record", Where(line.name)) from None

    def _broken(self, verdict: Verdict) -> NoReturn:
        fault = verdict.fault
        if fault is None:
            message, where = "its end is not as this program leaves it", self._nowhere
        else:
            message, where = f"{fault.why.value}: {fault.message}", fault.where
        raise self._refusal(message, where)

    def _refusal(self, why: str, where: Where) -> Refusal:
        return Refusal(
            "chain_broken",
            f"the audit chain does not hold ({why})",
            where=where,
            next_step="look with: sovereigncode audit verify; once you know why, begin a new chain: keep the "
            f"folder {self.folder} elsewhere as evidence, and remove {self.head_path}",
        )


@signals.uninterrupted
def _write(
    folder: Folder, head: Head, end: End, tail: Tail, records: Sequence[Record], now: datetime
) -> None:
    """Announce, write, confirm. If this raises, the head explains every end that the chain may have."""
    last = End(records[-1].seq, records[-1].hash)
    head.announce(end, last)
    try:
        months.extend(folder, tail, now, b"".join(record.line + b"\n" for record in records))
    except OSError:
        with suppress(OSError, ValueError, Refusal):
            if months.tail(folder, months.names(folder)).is_the_end(end):
                head.confirm(end)
        raise
    head.confirm(last)


def _after(records: Mapping[str, tuple[Record, ...]], since: int) -> dict[str, tuple[Record, ...]]:
    if not since:
        return dict(records)
    return {name: tuple(one for one in some if one.seq > since) for name, some in records.items()}


def _end_of(tail: Tail) -> End:
    """Raises ValueError if the last line is not a record."""
    if tail.line is None:
        return End()
    record = parsed(tail.line)
    return End(record.seq, record.hash)
