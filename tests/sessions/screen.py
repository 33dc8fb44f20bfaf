"""A person at a terminal: a child on a pseudo-terminal, and what its screen shows."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Mapping, Sequence

import pexpect
import pyte
import pytest

if sys.platform == "win32":
    # What is ours to get wrong there is in tests/unit/foundation/test_console.py.
    pytest.skip("pseudo-terminals are POSIX", allow_module_level=True)

import termios

ROWS = 260
# The emulated screen is wider than the terminal says: lines that the program leaves whole (paths, commands)
# stay whole in `text`, and its own wrapping to the terminal's width is what is seen.
SCREEN_COLUMNS = 400
CTRL_C, CTRL_D, CTRL_Z, CTRL_BACKSLASH = "\x03", "\x04", "\x1a", "\x1c"


class Screen:
    """The child of one test. `text` is the whole screen; nothing scrolls out of its 260 rows."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        environ: Mapping[str, str],
        cwd: Path,
        columns: int = 80,
        timeout: float = 60,
    ) -> None:
        self._screen = pyte.Screen(SCREEN_COLUMNS, ROWS)
        self._stream = pyte.Stream(self._screen)
        self.raw = ""
        self._read = 0
        self.child = pexpect.spawn(
            command[0],
            list(command[1:]),
            env=dict(environ),
            cwd=str(cwd),
            encoding="utf-8",
            timeout=timeout,
            dimensions=(ROWS, columns),
        )
        self.child.delaybeforesend = None
        self.modes = self._modes()

    def wait_for(self, text: str) -> None:
        """Read until `text` was printed after everything that was waited for before."""
        until = time.monotonic() + float(self.child.timeout or 60)
        while text not in self.raw[self._read :]:
            assert time.monotonic() < until, f"{text!r} did not come:\n{self.text}"
            try:
                self._feed(self.child.read_nonblocking(4096, timeout=1))
            except pexpect.TIMEOUT:
                continue
            except pexpect.EOF:
                raise AssertionError(f"the program ended before {text!r}:\n{self.text}") from None
        self._read = self.raw.index(text, self._read) + len(text)

    def type(self, keys: str) -> None:
        """Send keys as they are; a line ends with a carriage return, as the Enter key does."""
        self.child.send(keys)

    def answer(self, at: str, keys: str) -> None:
        """Wait for the prompt that ends with `at`, then type `keys` and Enter."""
        self.wait_for(at)
        self.type(f"{keys}\r")

    def end(self) -> int:
        """Read to the end; the exit status, negative for a signal."""
        until = time.monotonic() + float(self.child.timeout or 60)
        while True:
            assert time.monotonic() < until, f"the program does not end:\n{self.text}"
            try:
                self._feed(self.child.read_nonblocking(4096, timeout=1))
            except pexpect.TIMEOUT:
                continue
            except pexpect.EOF:
                break
        self.child.close()
        status = (
            self.child.exitstatus if self.child.exitstatus is not None else -(self.child.signalstatus or 0)
        )
        return int(status)

    def hang_up(self) -> None:
        """Close the terminal, as closing its window does."""
        os.close(self.child.child_fd)

    @property
    def text(self) -> str:
        """What the screen shows, without blanks at line ends and without empty lines at the end."""
        return "\n".join(line.rstrip() for line in self._screen.display).rstrip()

    @property
    def modes_restored(self) -> bool:
        """Whether the terminal is set as it was at the start; ask before `end`."""
        return self._modes() == self.modes

    def _modes(self) -> list[object]:
        return list(termios.tcgetattr(self.child.fileno()))

    def _feed(self, text: str) -> None:
        self.raw += text
        self._stream.feed(text)


def python(*arguments: str) -> list[str]:
    """A command line for this Python."""
    return [sys.executable, *arguments]
