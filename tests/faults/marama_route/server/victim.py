"""The gateway, which kills itself before a call of its store: `python -m …victim FILE serve`.

A call is a statement of SQLite, or a call that changes a file. They are counted while FILE is there: it has a
name of the count and the number of the call (0: none), and beside it is what was called.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import sys
import threading
from pathlib import Path
from typing import Any, Callable
from unittest import mock

from tests.faults.interception import CHANGING, Counter, intercepted

PROGRAM = ("-m", "tests.faults.marama_route.server.victim")
STATEMENT = "statement"


def calls_file(order: Path) -> Path:
    """Where the calls are that were counted, one a line: the name of the count and the call."""
    return order.with_suffix(".calls")


class Armed(Counter):
    """Counts what changes something; `order` says from when, and which one is not survived."""

    def __init__(self, order: Path) -> None:
        super().__init__()
        self._order = order
        self._counted = ""
        self._count = 0
        self._lock = threading.Lock()

    def call(self, name: str, do: Callable[[], Any]) -> Any:
        """Count it, or end here."""
        if name in CHANGING or name == STATEMENT:
            with self._lock:
                self._note(name)
        return do()

    def _note(self, name: str) -> None:
        # io.open is not among what is counted.
        try:
            with open(self._order, encoding="ascii") as file:  # noqa: PTH123
                counted, at = file.read().split()
        except (FileNotFoundError, ValueError):
            return
        if counted != self._counted:
            self._counted, self._count = counted, 0
        self._count += 1
        if self._count == int(at):
            os.kill(os.getpid(), signal.SIGKILL)
        with open(calls_file(self._order), "a", encoding="ascii") as file:  # noqa: PTH123
            file.write(f"{counted} {name}\n")


def main() -> None:
    """Be the gateway."""
    from marama_route.cli import run

    counter = Armed(Path(sys.argv.pop(1)))

    class Counting(sqlite3.Connection):
        def execute(self, *arguments: Any) -> sqlite3.Cursor:
            execute = super().execute
            found: sqlite3.Cursor = counter.call(STATEMENT, lambda: execute(*arguments))
            return found

    connect = sqlite3.connect
    with (
        mock.patch.object(sqlite3, "connect", lambda *a, **named: connect(*a, factory=Counting, **named)),
        intercepted(counter),
    ):
        run()


if __name__ == "__main__":
    main()
