"""Log lines: one JSON object each, written by a thread, so that a full pipe never holds up a request."""

from __future__ import annotations

import threading
from collections import deque
from datetime import datetime
from typing import IO, Any, Callable, Final, Mapping

from marama_route import wire
from sovereigncode.audit.record import stamp

# Lines that wait for a reader of standard error; more are dropped and counted.
MOST: Final = 10_000
_AT_THE_END: Final = 2.0


class Lines:
    """Lines to a text stream. A line has only what is given to `write`; the time is added."""

    def __init__(self, stream: IO[str], now: Callable[[], datetime]) -> None:
        self._stream = stream
        self._now = now
        self._waiting: deque[bytes] = deque()
        self._dropped = 0
        self._wake = threading.Event()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="lines", daemon=True)
        self._thread.start()

    def write(self, event: str, fields: Mapping[str, Any]) -> None:
        """One line: `time`, `event` and these; never waits."""
        if len(self._waiting) >= MOST:
            self._dropped += 1
            return
        self._waiting.append(wire.dumps({"time": stamp(self._now()), "event": event, **fields}))
        self._wake.set()

    def close(self) -> None:
        """Write what waits, for at most two seconds."""
        self._closing = True
        self._wake.set()
        self._thread.join(_AT_THE_END)

    def _run(self) -> None:
        while not self._closing or self._waiting:
            self._wake.wait()
            self._wake.clear()
            self._flush()

    def _flush(self) -> None:
        lines = [self._waiting.popleft() for _ in range(len(self._waiting))]
        dropped, self._dropped = self._dropped, 0
        if dropped:
            lines.append(wire.dumps({"time": stamp(self._now()), "event": "lines_dropped", "count": dropped}))
        try:
            self._stream.write("".join(line.decode("utf-8") + "\n" for line in lines))
            self._stream.flush()
        except (OSError, ValueError):
            # Nobody reads standard error any more. The gateway goes on: its records are elsewhere.
            return
