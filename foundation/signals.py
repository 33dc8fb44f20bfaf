"""Ctrl-C, a kill, a closed terminal: one exception in the main thread, so the caller can put things back.

Only the first signal raises, and never inside a function marked `uninterrupted` (the rollback, the last step
of a success): there it is recorded, and `check` raises it later. Signals belong to the process, so this
module has state of its own, as the only one in this package.
"""

from __future__ import annotations

import os
import signal
import threading
from contextlib import contextmanager
from types import CodeType, FrameType
from typing import Any, Callable, Final, Iterator, TypeVar

from foundation.errors import Refusal

# Windows ends a process about 5 s after its console was closed, whatever the handler does.
_CONSOLE_GRACE: Final = 4.5
# CTRL_CLOSE_EVENT, CTRL_LOGOFF_EVENT, CTRL_SHUTDOWN_EVENT
_CONSOLE_CLOSING: Final = (2, 5, 6)
_NAMES: Final = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
_CODES: Final = {"SIGTERM": "terminated", "SIGHUP": "hung_up"}

KEPT: Final = "they are kept"

_Function = TypeVar("_Function", bound=Callable[..., Any])


class Cancelled(BaseException):
    """The process was asked to stop by the signal `name`; no `except Exception` or Refusal swallows it."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class _Watch:
    """The signal that has arrived, and whether it was raised."""

    def __init__(self) -> None:
        self.arrived: str | None = None
        self.raised = False
        self.finished = threading.Event()

    def notice(self, name: str, frame: FrameType | None) -> None:
        """Called in the main thread, `frame` being what it was doing."""
        if self.arrived is None:
            self.arrived = name
        while frame is not None:
            if frame.f_code in _uninterrupted:
                return
            frame = frame.f_back
        self.raise_it()

    def raise_it(self) -> None:
        """Raise the signal that has arrived, once."""
        if self.arrived is not None and not self.raised:
            self.raised = True
            raise Cancelled(self.arrived)


_watches: Final[list[_Watch]] = []
_commits: Final[list[None]] = []
_uninterrupted: Final[set[CodeType]] = set()


def uninterrupted(function: _Function) -> _Function:
    """No signal interrupts the function, from its first instruction to its last."""
    _uninterrupted.add(function.__code__)
    return function


def check() -> None:
    """Raise Cancelled if a signal was only recorded so far."""
    for watch in _watches:
        watch.raise_it()


def ignore() -> None:
    """Ignore every signal that asks this process to stop, until it ends."""
    for name in _NAMES:
        number = getattr(signal, name, None)
        if number is not None:
            signal.signal(number, signal.SIG_IGN)


def note_commit() -> None:
    """Record that changes were just made permanent."""
    _commits.append(None)


def committed() -> bool:
    """Whether changes were made permanent since the last `cancellation` began; messages must then say so."""
    return bool(_commits)


@contextmanager
def cancellation() -> Iterator[None]:
    """Raise Cancelled in the main thread at the first signal.

    The context then raises a Refusal: cancelled (exit status 130), terminated (143), hung_up (129). A
    signal that was ignored when the program started (nohup, a background job) stays ignored.
    """
    watch = _Watch()
    before: dict[int, Any] = {}
    remove = _watch_console(watch) if os.name == "nt" else None
    _watches.append(watch)
    _commits.clear()
    try:
        for name in _NAMES:
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) not in (signal.SIG_IGN, None):
                before[number] = signal.signal(number, _handler(watch, name))
        yield
    except Cancelled as cancelled:
        raise Refusal(
            _CODES.get(cancelled.name, "cancelled"),
            "Stopped"
            + (f" after all changes were made; {KEPT}" if committed() else "; nothing is left half done"),
            next_step="run this command again when you want to continue",
        ) from None
    finally:
        watch.finished.set()
        _watches.remove(watch)
        for number, handler in before.items():
            signal.signal(number, handler)
        if remove is not None:
            remove()


def _handler(watch: _Watch, name: str) -> Callable[[int, FrameType | None], None]:
    def handler(_number: int, frame: FrameType | None) -> None:
        watch.notice(name, frame)

    return handler


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
        if watch.arrived is None:
            watch.arrived = "SIGHUP"
        # Python runs its own Ctrl-C handler in the main thread, as if the key had been pressed.
        _thread.interrupt_main()
        watch.finished.wait(_CONSOLE_GRACE)
        return 1

    kernel.SetConsoleCtrlHandler(handler, 1)
    return lambda: kernel.SetConsoleCtrlHandler(handler, 0)
