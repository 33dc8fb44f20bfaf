"""Ctrl-C, a kill, a closed terminal: one exception in the main thread, so that the caller puts things back.

Signals belong to the process, so what is known about them is the module's: the one place in this package
with state of its own. `recover` needs none of this, since the journal holds what has to be undone.
"""

from __future__ import annotations

import os
import signal
import threading
from contextlib import contextmanager
from types import FrameType
from typing import Any, Callable, Final, Iterator

from gonkagate_setup.errors import SetupError

# Windows ends a process about 5 s after its console was closed, whatever its handler does.
_CONSOLE_GRACE: Final = 4.5
_CONSOLE_CLOSING: Final = (2, 5, 6)


class Cancelled(SetupError):
    """The process was asked to stop; code cancelled (130), terminated (143) or hung_up (129)."""

    def __init__(self, number: int) -> None:
        code = {signal.SIGTERM: "terminated", _number("SIGHUP"): "hung_up"}.get(number, "cancelled")
        super().__init__(code, "stopped", next_step="run this command again when you like")
        self.number = number


class _Watch:
    """What has arrived, and whether this is a time at which it may interrupt."""

    def __init__(self) -> None:
        self.shields = 0
        self.arrived: int | None = None
        self.finished = threading.Event()

    def notice(self, number: int, _frame: FrameType | None = None) -> None:
        """Signal handler, in the main thread."""
        first = self.arrived is None
        if first:
            self.arrived = number
        if first and not self.shields:
            raise Cancelled(number)


_watch = _Watch()


def _number(name: str) -> int | None:
    return getattr(signal, name, None)


@contextmanager
def cancellation() -> Iterator[None]:
    """Raise Cancelled in the main thread at the first signal; further ones, during putting back, are noted only.

    A signal that was ignored when the program started (nohup, a background job) stays ignored.
    """
    global _watch
    _watch = _Watch()
    watch = _watch
    before = {}
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"):
        number = _number(name)
        if number is not None and signal.getsignal(number) not in (signal.SIG_IGN, None):
            before[number] = signal.signal(number, watch.notice)
    remove = _watch_console(watch) if os.name == "nt" else None
    try:
        yield
    finally:
        watch.finished.set()
        for number, handler in before.items():
            signal.signal(number, handler)
        if remove is not None:
            remove()


@contextmanager
def shielded() -> Iterator[None]:
    """A stretch that no signal interrupts: putting back, and the last step of a success.

    A signal that arrives meanwhile is forgotten: the work has ended, one way or the other.
    """
    watch = _watch
    watch.shields += 1
    try:
        yield
    finally:
        watch.shields -= 1


def _watch_console(watch: _Watch) -> Callable[[], None]:
    """Closing the console window, logging off and shutting down arrive in a thread of their own."""
    import _thread
    import ctypes

    windows: Any = ctypes
    kernel = windows.WinDLL("kernel32", use_last_error=True)

    @windows.WINFUNCTYPE(ctypes.c_int, ctypes.c_uint)  # type: ignore[untyped-decorator]
    def handler(event: int) -> int:
        if event not in _CONSOLE_CLOSING:
            return 0
        _thread.interrupt_main()
        watch.finished.wait(_CONSOLE_GRACE)
        return 1

    kernel.SetConsoleCtrlHandler(handler, 1)
    return lambda: kernel.SetConsoleCtrlHandler(handler, 0)
