"""A program on a pseudo-terminal, and the screen that a user would see."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Callable, Final, Mapping, Sequence

import pexpect
import pyte

_ROWS: Final = 40
_COLUMNS: Final = 120
_POLL: Final = 0.1
_ALTERNATE_SCREEN: Final = ("\x1b[?1049h", "\x1b[?1049l")


class _Screen(pyte.Screen):
    """pyte's screen, which does not know the private forms of some sequences and fails on them."""

    def select_graphic_rendition(self, *attributes: int, private: bool = False) -> None:
        if not private:
            super().select_graphic_rendition(*attributes)

    def report_device_status(self, mode: int, private: bool = False, **_: Any) -> None:
        if not private:
            super().report_device_status(mode)


class Terminal:
    """A context manager: leaving it ends the program. `deadline` is of `time.monotonic`."""

    def __init__(
        self, command: Sequence[str], environ: Mapping[str, str], cwd: Path, deadline: float
    ) -> None:
        self._deadline = deadline
        self._screen = _Screen(_COLUMNS, _ROWS)
        self._stream = pyte.Stream(self._screen)
        self._raw = ""
        self._child = pexpect.spawn(
            command[0],
            list(command[1:]),
            env={**environ, "TERM": "xterm-256color"},
            cwd=str(cwd),
            encoding="utf-8",
            codec_errors="replace",
            dimensions=(_ROWS, _COLUMNS),
        )
        self._child.delaybeforesend = None
        # A terminal answers what a program asks it.
        self._screen.write_process_input = self.type  # type: ignore[method-assign]

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._child.closed or self._child.pid is None:
            return
        with suppress(ProcessLookupError):  # it ended by itself
            os.killpg(self._child.pid, signal.SIGKILL)
        while self._show():
            pass
        self._child.close(force=True)

    @property
    def text(self) -> str:
        """What the screen shows."""
        return "\n".join(line.rstrip() for line in self._screen.display).strip()

    @property
    def left_screen(self) -> bool:
        """Whether the program gave the person's own screen back (or never took it)."""
        entered, left = (self._raw.rfind(sequence) for sequence in _ALTERNATE_SCREEN)
        return left >= entered

    def type(self, data: str) -> None:
        """Send keys; Enter is a carriage return."""
        self._child.send(data)

    def until(self, condition: Callable[[], bool]) -> bool:
        """Show what comes until `condition` holds; False when the program ended or time ran out first."""
        while not condition():
            if time.monotonic() > self._deadline or not self._show():
                return condition()
        return True

    def quiet(self, seconds: float) -> bool:
        """Show what comes until nothing came for that long."""
        last = [time.monotonic(), len(self._raw)]

        def still() -> bool:
            if len(self._raw) != last[1]:
                last[:] = [time.monotonic(), len(self._raw)]
            return time.monotonic() - last[0] > seconds

        return self.until(still)

    def ended(self) -> int | None:
        """The exit status (negative: signal) once the program ended; None when time runs out first."""
        while self._show():
            if time.monotonic() > self._deadline:
                return None
        self._child.close()
        if self._child.exitstatus is not None:
            return int(self._child.exitstatus)
        return -int(self._child.signalstatus or 0)

    def _show(self) -> bool:
        try:
            text = self._child.read_nonblocking(65536, timeout=_POLL)
        except pexpect.TIMEOUT:
            return True
        except pexpect.EOF:
            return False
        self._raw += text
        self._stream.feed(text)
        return True
