"""A call in a thread of its own, so that the caller goes on meanwhile."""

from __future__ import annotations

import threading
from typing import Callable, Generic, NoReturn, TypeVar

Result = TypeVar("Result")


class Task(Generic[Result]):
    """A call under way; made by `start`."""

    def __init__(self, call: Callable[[], Result]) -> None:
        self._call = call
        self._outcome: Callable[[], Result] | None = None
        self._ended = threading.Event()

    def run(self) -> None:
        """Make the call; in the thread."""
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

    def result(self) -> Result:
        """Wait for the call, then return what it returned or raise what it raised."""
        self._ended.wait()
        assert self._outcome is not None  # noqa: S101 - set before the event
        return self._outcome()


def _raising(error: BaseException) -> Callable[[], NoReturn]:
    def outcome() -> NoReturn:
        raise error

    return outcome


def start(call: Callable[[], Result], *, stack: int = 0) -> Task[Result]:
    """Run `call` in a daemon thread; `stack` is its stack in bytes (0: the system's default)."""
    task = Task(call)
    before = threading.stack_size(stack)
    try:
        threading.Thread(target=task.run, daemon=True).start()
    finally:
        threading.stack_size(before)
    return task
