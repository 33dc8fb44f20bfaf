"""A chain that is read again and again: what was verified once is kept, and only what is new is verified."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Callable, Iterator, Mapping, Sequence

from foundation.errors import Where
from sovereigncode.audit.months import Span
from sovereigncode.audit.record import Record, parsed
from sovereigncode.audit.verdict import Known, Line, Verdict
from sovereigncode.audit.verify import Walk

Lines = Callable[[Sequence[Span]], Iterator[Line]]


class Following:
    """The approval records of a chain, verified up to where it was last read. For several threads.

    If a file became shorter or another one, or grew although a newer one exists, all of the chain is read
    again. What somebody changes in place behind us does not change what was verified; `audit verify` reads
    everything and finds it.
    """

    def __init__(self) -> None:
        self._one_at_a_time = threading.Lock()
        self._forget()

    def follow(
        self, spans: Sequence[Span], known: Known | None, lines: Lines, nowhere: Where
    ) -> tuple[Verdict, Mapping[str, tuple[Record, ...]]]:
        """The verdict on the chain as it is in these files, and its approval records by approval id."""
        with self._one_at_a_time:
            rest = self._rest(spans)
            if rest is None:
                self._forget()
                rest = list(spans)
            self._read.update({span.name: span for span in rest if span.name not in self._read})
            self._walk.unfinished = False
            for line in self._walk.feed(lines(rest), known):
                self._note(line)
            verdict = self._walk.judged(known, nowhere)
            if not verdict.holds:
                self._forget()
            return verdict, dict(self._records)

    def _forget(self) -> None:
        self._walk = Walk()
        self._read: dict[str, Span] = {}
        self._records: dict[str, tuple[Record, ...]] = {}

    def _rest(self, spans: Sequence[Span]) -> list[Span] | None:
        """What was not read yet; None if that does not follow what was read."""
        rest, newest = [], max(self._read, default="")
        for span in spans:
            read = self._read.get(span.name)
            if read is None:
                if span.name < newest:
                    return None
                rest.append(span)
            elif (
                span.inode != read.inode
                or span.stop < read.start
                or (span.stop > read.start and span.name < newest)
            ):
                return None
            else:
                rest.append(replace(span, start=read.start, number=read.number))
        return (
            rest if len(rest) == len(spans) and self._read.keys() <= {span.name for span in spans} else None
        )

    def _note(self, line: Line) -> None:
        name = Path(line.name).name
        read = self._read[name]
        self._read[name] = replace(read, start=read.start + len(line.data) + 1, number=line.number + 1)
        if b'"kind":"approval"' in line.data:
            record = parsed(line.data)
            if record.entry.kind == "approval" and record.entry.approval_id is not None:
                before = self._records.get(record.entry.approval_id, ())
                self._records[record.entry.approval_id] = (*before, record)
