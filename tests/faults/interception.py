"""Count a program's filesystem calls in its own process, and kill it or let one fail at a chosen one.

Every function of `os` that our modules, pathlib and os.path use on files is replaced by one that counts.
test_strace.py holds this count against what the kernel saw.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from contextlib import ExitStack, contextmanager
from typing import Any, Callable, Iterator, Sequence
from unittest import mock

if sys.platform != "win32":
    import fcntl

CALLS = (
    *("chmod", "close", "fchmod", "fchown", "fstat", "fsync", "ftruncate", "getxattr", "listdir"),
    *("listxattr", "lseek", "lstat", "mkdir", "open", "read", "readlink", "replace", "rmdir", "setxattr"),
    *("stat", "unlink", "utime", "write"),
)

# Between two of these the disk does not change, so a kill before each is a kill at every state of the disk.
CHANGING = frozenset(
    ("chmod", "fchmod", "fchown", "flock", "fsync", "ftruncate", "mkdir", "replace", "rmdir", "setxattr")
) | {"create", "unlink", "utime", "write"}

Action = Callable[[str, Callable[[], Any]], Any]


class Counter:
    """How many calls there were, and which; `act` runs in place of number `at` (from 1)."""

    def __init__(self, at: int | None = None, act: Action | None = None) -> None:
        self.at = at
        self.act = act
        self.names: list[str] = []
        self._paused = threading.local()

    def call(self, name: str, do: Callable[[], Any]) -> Any:
        if getattr(self._paused, "here", False):
            return do()
        self.names.append(name)
        if self.act is not None and len(self.names) == self.at:
            return self.act(name, do)
        return do()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Nothing that this thread does is counted inside the context."""
        self._paused.here = True
        try:
            yield
        finally:
            self._paused.here = False


def points(work: Callable[[], None], *, every: bool) -> tuple[int, list[int]]:
    """How many calls the work makes, and at which to act: at every one, or at each that changes the disk and
    at one in forty of the others.
    """
    counter = Counter()
    with intercepted(counter):
        work()
    numbered = list(enumerate(counter.names, start=1))
    chosen = [at for at, name in numbered if every or name in CHANGING or at % 40 == 0]
    return len(numbered), chosen


def spread(chosen: Sequence[int], number: int) -> list[int]:
    """That many of the points, from the whole of the run."""
    step = len(chosen) / number
    return [chosen[int((place + 0.5) * step)] for place in range(number)]


@contextmanager
def intercepted(counter: Counter) -> Iterator[Counter]:
    """Count, and act, inside the context."""
    with ExitStack() as stack:
        for module, name in (*((os, name) for name in CALLS), (fcntl, "flock")):
            function = _counting(counter, name, getattr(module, name))
            original = getattr(module, name)
            stack.enter_context(mock.patch.object(module, name, function))
            for abilities in ("supports_fd", "supports_dir_fd", "supports_follow_symlinks"):
                able = getattr(os, abilities)
                if original in able:
                    stack.enter_context(mock.patch.object(os, abilities, able | {function}))
        start_child = subprocess.Popen.__init__

        def start(child: Any, *arguments: Any, **named: Any) -> None:
            # The pipe between us and a child that is being started is no file, and cannot fail like one.
            with counter.paused():
                start_child(child, *arguments, **named)

        stack.enter_context(mock.patch.object(subprocess.Popen, "__init__", start))
        yield counter


def _counting(counter: Counter, name: str, original: Callable[..., Any]) -> Callable[..., Any]:
    def function(*arguments: Any, **named: Any) -> Any:
        creates = name == "open" and arguments[1] & os.O_CREAT
        return counter.call("create" if creates else name, lambda: original(*arguments, **named))

    return function


def kill(_name: str, _do: Callable[[], Any]) -> None:
    """End the process at once, before the call."""
    os.kill(os.getpid(), signal.SIGKILL)


def failing(number: int) -> Action:
    """The call fails without having done anything."""

    def act(_name: str, _do: Callable[[], Any]) -> None:
        raise OSError(number, os.strerror(number))

    return act


def failing_afterwards(number: int) -> Action:
    """The call does its work and then says that it failed, as a network file system may."""

    def act(_name: str, do: Callable[[], Any]) -> None:
        do()
        raise OSError(number, os.strerror(number))

    return act
