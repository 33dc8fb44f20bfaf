"""The files of a chain, one a month: which there are, their lines, and the end of the newest."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import Final, Iterator, Sequence

from foundation.files.links import leads_on
from foundation.files.reading import READ, drain
from foundation.files.replace import Folder, sync
from sovereigncode.audit.folders import refuse, require_own_file
from sovereigncode.audit.record import LONGEST, is_hash_of, parsed
from sovereigncode.audit.verdict import End, Line

KIND: Final = "audit_unusable"
_NAME: Final = re.compile(r"audit-[0-9]{4}(0[1-9]|1[0-2])\.jsonl\Z")
_CHUNK: Final = 1 << 18
_END: Final = 8192
# How many bytes too early reading from the middle may begin.
_STEP: Final = 1 << 14


@dataclass(frozen=True)
class Span:
    """The part of a file from one byte to another; `number` is the number of its first line."""

    name: str
    start: int
    stop: int
    inode: int
    number: int = 1


@dataclass(frozen=True)
class Tail:
    """The end of the newest file that has anything in it.

    `line` is the last whole line without its end (None: there is none). `half` is whether something follows
    it: in the file `name`, from the byte `keep` on.
    """

    line: bytes | None = None
    name: str | None = None
    keep: int = 0
    half: bool = False

    def is_the_end(self, end: End) -> bool:
        """Whether the files end with exactly this record, byte for byte."""
        if self.line is None or end.hash is None or self.half:
            return self.line is None and end.hash is None and not self.half
        return is_hash_of(self.line, end.hash)


def name_for(now: datetime, names: Sequence[str]) -> str:
    """The file for a record of this moment: never one before the newest, whatever the clock says."""
    utc = now.astimezone(timezone.utc)
    return max((f"audit-{utc.year:04}{utc.month:02}.jsonl", *names[-1:]))


def names(folder: Folder) -> list[str]:
    """The files of the chain, oldest first."""
    return sorted(name for name in os.listdir(folder.path) if _NAME.match(name))  # noqa: PTH208


def spans(folder: Folder) -> list[Span]:
    """All of the chain as it is now. Raises Refusal audit_unusable for a file that is not only ours."""
    found = []
    for name in names(folder):
        descriptor = opened(folder, name, READ)
        try:
            status = os.fstat(descriptor)
        finally:
            os.close(descriptor)
        found.append(Span(name, 0, status.st_size, status.st_ino))
    return found


def opened(folder: Folder, name: str, flags: int) -> int:
    """A descriptor of one of the files; Refusal audit_unusable for one that is not only ours."""
    descriptor = _open(folder, name, flags)
    try:
        require_own_file(folder.path / name, descriptor, KIND)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def lines(folder: Folder, parts: Sequence[Span]) -> Iterator[Line]:
    """The lines of these parts in their order; one that is longer than any record is cut to that length."""
    for part in parts:
        descriptor = opened(folder, part.name, READ)
        try:
            os.lseek(descriptor, part.start, os.SEEK_SET)
            yield from _lines(descriptor, part, str(folder.path / part.name))
        finally:
            os.close(descriptor)


def tail(folder: Folder, there: Sequence[str]) -> Tail:
    """The end of the chain in the files `there`. Raises ValueError if it is not as this program leaves it."""
    half: Tail | None = None
    for name in reversed(there):
        descriptor = opened(folder, name, READ)
        try:
            found = _tail(descriptor, name)
        finally:
            os.close(descriptor)
        if found.line is None:
            half = half or (found if found.half else None)
            continue
        if half is not None:
            if found.half:
                raise ValueError("two files end with half a line")
            return Tail(found.line, half.name, half.keep, half=True)
        return found
    return half or Tail()


def from_seq(folder: Folder, wanted: int) -> list[Span]:
    """What to read to get this record and those after it; it may begin a little before it."""
    parts = spans(folder)
    while len(parts) > 1 and _begins_by(folder, parts[1], 0, wanted):
        del parts[0]
    if not parts:
        return []
    part = parts[0]
    low, high = 0, part.stop
    while high - low > _STEP:
        middle = (low + high) // 2
        low, high = (middle, high) if _begins_by(folder, part, middle, wanted) else (low, middle)
    return [replace(part, start=_line_start(folder, part, low)), *parts[1:]]


def extend(folder: Folder, tail: Tail, now: datetime, data: bytes) -> None:
    """Write whole lines after the end of the chain, in place of half a line; on disk when this returns.

    Raises OSError; then the half line may be gone, and the new lines are too if they could be removed.
    """
    there = names(folder)
    name = name_for(now, there)
    if tail.half and tail.name is not None:
        _cut(folder, tail.name, tail.keep)
    descriptor = opened(folder, name, os.O_RDWR | os.O_CREAT)
    try:
        size = os.lseek(descriptor, 0, os.SEEK_END)
        try:
            write_all(descriptor, data)
            sync(descriptor)
            if name not in there:
                folder.sync()
        except OSError:
            with suppress(OSError):
                os.ftruncate(descriptor, size)
                sync(descriptor)
            raise
    finally:
        os.close(descriptor)


def _cut(folder: Folder, name: str, keep: int) -> None:
    descriptor = opened(folder, name, os.O_RDWR)
    try:
        os.ftruncate(descriptor, keep)
        sync(descriptor)
    finally:
        os.close(descriptor)


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of it, however many calls that takes. Raises OSError."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _open(folder: Folder, name: str, flags: int) -> int:
    with suppress(FileNotFoundError):
        _require_no_link(folder, name)
    return folder.open(name, flags | getattr(os, "O_NONBLOCK", 0))


def _require_no_link(folder: Folder, name: str) -> None:
    if leads_on(folder.status(name)):
        refuse(
            KIND,
            folder.path / name,
            "this is a link, but records are kept in real files only",
            "put the file that it leads to in its place, then try again",
        )


def _lines(descriptor: int, part: Span, path: str) -> Iterator[Line]:
    number, left, rest, started = part.number, part.stop - part.start, b"", False
    while left > 0:
        data = os.read(descriptor, min(left, _CHUNK))
        if not data:
            break
        left -= len(data)
        *whole, rest = (rest + data).split(b"\n")
        for line in whole:
            yield Line(path, number, line)
            number += 1
        # One byte more than any record has is enough to see that this is none.
        rest, started = rest[: LONGEST + 1], bool(rest)
    if started:
        yield Line(path, number, rest, ended=False)


def _tail(descriptor: int, name: str) -> Tail:
    size = os.fstat(descriptor).st_size
    if size == 0:
        return Tail(name=name)
    for window in (_END, 2 * (LONGEST + 1)):
        start = max(0, size - window)
        os.lseek(descriptor, start, os.SEEK_SET)
        data = drain(descriptor, window)
        end = data.rfind(b"\n")
        before = data.rfind(b"\n", 0, max(end, 0))
        if end >= 0 and (before >= 0 or start == 0):
            return Tail(data[before + 1 : end], name, start + end + 1, half=end + 1 < len(data))
        if end < 0 and start == 0:
            return Tail(None, name, 0, half=True)
    raise ValueError("a line is longer than any record")


def _begins_by(folder: Folder, part: Span, at: int, wanted: int) -> bool:
    """Whether the first line that begins at or after this byte is this record or an earlier one."""
    start = _line_start(folder, part, at)
    stop = min(part.stop, start + LONGEST + 1)
    first = next(lines(folder, [replace(part, start=start, stop=stop)]), None)
    try:
        return first is not None and parsed(first.data).seq <= wanted
    except ValueError:
        return False


def _line_start(folder: Folder, part: Span, at: int) -> int:
    """The first byte of the first line that begins at or after this byte."""
    if at == 0:
        return 0
    descriptor = opened(folder, part.name, READ)
    try:
        os.lseek(descriptor, at - 1, os.SEEK_SET)
        data = drain(descriptor, LONGEST + 1)
    finally:
        os.close(descriptor)
    end = data.find(b"\n")
    return part.stop if end < 0 else at + end
