"""The ledger of a run: one event a line, only ever appended to.

Which events there must be is decided by the registry: an event is stored there first, and is appended if the
end of the ledger does not have it yet. So each event is in the ledger once, wherever a kill falls.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Final, Iterator, Sequence

from foundation.files.reading import SAFE
from foundation.files.replace import sync
from overlord.core.json_values import Json

_CHUNK: Final = 64 * 1024


class Ledger:
    """The file; every method is called with the registry's lock held."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def missing(self, events: Sequence[Json]) -> list[Json]:
        """Those of the events that are not among the last lines; they are the newest of the run."""
        if not events:
            return []
        try:
            descriptor = os.open(self._path, os.O_RDONLY | SAFE)
        except FileNotFoundError:
            return list(events)
        try:
            last = [line for line, _ in zip(_lines_from_the_end(descriptor), range(len(events) + 1))]
        finally:
            os.close(descriptor)
        there = [_without_seq(line) for line in map(_parsed, last) if line is not None]
        return [one for one in events if one not in there]

    def require_usable(self) -> None:
        """Raise OSError if nothing can be appended: what cannot be noted is not to be sent either."""
        os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND | SAFE, 0o600))

    def append(self, events: Sequence[Json]) -> None:
        """Append the events, numbered on from the last line, and wait until they are on the disk.

        Half a line that a kill has left is cut off. Raises OSError.
        """
        if not events:
            return
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND | SAFE, 0o600)
        try:
            _cut_half_a_line(descriptor)
            seq = _last_seq(descriptor)
            lines = [json.dumps({"seq": seq + place, **one}) for place, one in enumerate(events, start=1)]
            _write_all(descriptor, "".join(f"{line}\n" for line in lines).encode())
            sync(descriptor)
        finally:
            os.close(descriptor)


def _without_seq(line: Json) -> Json:
    return {name: value for name, value in line.items() if name != "seq"}


def _last_seq(descriptor: int) -> int:
    for text in _lines_from_the_end(descriptor):
        line = _parsed(text)
        seq = None if line is None else line.get("seq")
        if isinstance(seq, int) and not isinstance(seq, bool):
            return seq
    return 0


def _parsed(text: bytes) -> Json | None:
    try:
        value: Any = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _lines_from_the_end(descriptor: int) -> Iterator[bytes]:
    """The whole lines, the last one first; what comes after the last line end is no line."""
    position = os.fstat(descriptor).st_size
    rest = b""
    ended = False
    while position > 0:
        start = max(0, position - _CHUNK)
        os.lseek(descriptor, start, os.SEEK_SET)
        rest = os.read(descriptor, position - start) + rest
        position = start
        pieces = rest.split(b"\n")
        if not ended and len(pieces) > 1:
            pieces.pop()
            ended = True
        if ended:
            rest = pieces[0]
            yield from reversed(pieces[1:])
    if ended and rest:
        yield rest


def _cut_half_a_line(descriptor: int) -> None:
    size = os.fstat(descriptor).st_size
    position = size
    while position > 0:
        start = max(0, position - _CHUNK)
        os.lseek(descriptor, start, os.SEEK_SET)
        end = os.read(descriptor, position - start).rfind(b"\n")
        if end >= 0:
            if start + end + 1 != size:
                os.ftruncate(descriptor, start + end + 1)
            return
        position = start
    if size:
        os.ftruncate(descriptor, 0)


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
