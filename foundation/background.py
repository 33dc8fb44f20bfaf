"""A call in its own thread, so that the caller can continue."""

from __future__ import annotations

import sys
import threading
from typing import Callable, Final, Generic, NoReturn, TypeVar

Result = TypeVar("Result")


class Task(Generic[Result]):
    """A running call; made by `start`."""

    def __init__(self, call: Callable[[], Result]) -> None:
        self._call = call
        self._outcome: Callable[[], Result] | None = None
        self._ended = threading.Event()

    def run(self) -> None:
        """Make the call, in the thread."""
        try:
            value = self._call()
        except BaseException as error:  # noqa: BLE001 - raised again by result(), in the thread that wants it
            self._outcome = _raising(error)
        else:
            self._outcome = lambda: value
        self._ended.set()

    def done(self) -> bool:
        """Whether the call has ended."""
        return self._ended.is_set()

    def wait(self, seconds: float) -> None:
        """Wait until the call has ended, at most that long."""
        self._ended.wait(seconds)

    def result(self) -> Result:
        """Wait for the call, then return what it returned or raise what it raised."""
        self._ended.wait()
        assert self._outcome is not None  # noqa: S101 - set before the event
        return self._outcome()


def _raising(error: BaseException) -> Callable[[], NoReturn]:
    def outcome() -> NoReturn:
        raise error

    return outcome


# A Python frame takes up to 600 bytes of the C stack on 3.9 and 3.10 (measured); allow five times that.
_DEEP_STACK: Final = 64 * 1024 * 1024
_DEEP_FRAMES: Final = 20_000


class _Depth:
    """The recursion limit, which is shared by all threads: raised while any deep call runs."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running = 0
        self._usual = 0

    def __enter__(self) -> None:
        with self._lock:
            if not self._running:
                self._usual = sys.getrecursionlimit()
                sys.setrecursionlimit(max(self._usual, _DEEP_FRAMES))
            self._running += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._running -= 1
            if not self._running:
                sys.setrecursionlimit(self._usual)


_DEPTH: Final = _Depth()
_STARTING: Final = threading.Lock()


def start(call: Callable[[], Result], *, deep: bool = False) -> Task[Result]:
    """Run `call` in a daemon thread; a `deep` one may recurse 20,000 frames, on a stack that is large enough.

    Deeper recursion raises RecursionError in the call, and never overflows the stack.
    """
    task = Task(_deep(call) if deep else call)
    with _STARTING:  # the stack size is shared by all threads too
        before = threading.stack_size(_DEEP_STACK if deep else 0)
        try:
            threading.Thread(target=task.run, daemon=True).start()
        finally:
            threading.stack_size(before)
    return task


def _deep(call: Callable[[], Result]) -> Callable[[], Result]:
    def deep() -> Result:
        with _DEPTH:
            return call()

    return deep
