"""Server-sent events, read as they arrive: WHATWG HTML, 9.2.6, "Interpreting an event stream".

Bytes may be cut anywhere. Comments, `id` and `retry` are dropped, and so is an event without its blank line.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

DONE: Final = b"[DONE]"
LARGEST_EVENT: Final = 16 * 1024 * 1024
_MARK: Final = b"\xef\xbb\xbf"
_DATA: Final = b"data: "


class EventTooLargeError(ValueError):
    """An event has more bytes than are kept."""


@dataclass(frozen=True)
class Event:
    """One event: the lines of its data joined by line feeds, and its name if it has one."""

    data: bytes
    name: bytes = b""


class Parser:
    """Bytes in, events out; at most `largest` bytes of an event that is not complete are kept."""

    def __init__(self, largest: int = LARGEST_EVENT) -> None:
        self._largest = largest
        self._parts: list[bytes] = []
        self._partial = 0
        self._data: list[bytes] = []
        self._held = 0
        self._name = b""
        self._after_return = False
        self._start: bytes | None = b""

    @property
    def pending(self) -> bool:
        """Whether a part of an event has arrived, which its blank line would complete."""
        return bool(self._parts or self._data or self._name or self._start)

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that this chunk completes. After EventTooLargeError the stream cannot be read on."""
        if self._start is None and not self.pending and not self._after_return:
            events = self._plain(chunk)
            if events is not None:
                return events
        chunk = self._without_mark(chunk)
        if self._after_return and chunk:
            chunk = chunk.removeprefix(b"\n")
            self._after_return = False
        if not chunk:
            return []
        lines = chunk.splitlines(keepends=True)
        rest = b"" if lines[-1].endswith((b"\n", b"\r")) else lines.pop()
        self._after_return = not rest and chunk.endswith(b"\r")
        events = [event for event in map(self._line, lines) if event is not None]
        if rest:
            self._parts.append(rest)
            self._keep(len(rest), 0)
        return events

    def _plain(self, chunk: bytes) -> list[Event] | None:
        """The events of a chunk that is only whole events of one line of data; None for any other."""
        if not chunk.endswith(b"\n\n") or b"\r" in chunk or len(chunk) > self._largest:
            return None
        blocks = chunk[:-2].split(b"\n\n")
        for block in blocks:
            if not block.startswith(_DATA) or b"\n" in block:
                return None
        return [Event(block[len(_DATA) :]) for block in blocks]

    def _without_mark(self, chunk: bytes) -> bytes:
        if self._start is None:
            return chunk
        self._start += chunk
        if self._start != _MARK and _MARK.startswith(self._start):
            return b""
        chunk, self._start = self._start.removeprefix(_MARK), None
        return chunk

    def _line(self, ended: bytes) -> Event | None:
        line = b"".join((*self._parts, ended)).rstrip(b"\r\n")
        self._parts.clear()
        self._partial = 0
        if not line:
            return self._dispatch()
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            self._data.append(value)
            self._keep(0, len(value) + 1)
        elif field == b"event":
            self._name = value
            self._keep(0, 0)
        return None

    def _keep(self, partial: int, held: int) -> None:
        self._partial += partial
        self._held += held
        if self._partial + self._held + len(self._name) > self._largest:
            raise EventTooLargeError("an event of the stream is too large")

    def _dispatch(self) -> Event | None:
        data, name = self._data, self._name
        self._data, self._name, self._held = [], b"", 0
        return Event(b"\n".join(data), name) if data else None


def encode(event: Event) -> bytes:
    """The event as bytes, with its blank line; each line of the data is a line of its own."""
    lines = event.data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    name = b"event: " + event.name + b"\n" if event.name else b""
    return name + b"".join(b"data: " + line + b"\n" for line in lines) + b"\n"
