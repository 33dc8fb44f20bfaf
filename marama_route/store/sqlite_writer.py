"""The one connection that writes: each batch is one transaction, and another process waits for its turn."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final, Sequence

from foundation.errors import Refusal
from marama_route.store.batches import Result, Work
from marama_route.store.failures import MISSING, StoreUnusable, unusable
from marama_route.store.sqlite_open import Attached, cause, troubles

# After so many works SQLite's log is moved into the file: sooner if nobody waits, because then nobody
# notices. A decision makes the log some 16 KiB longer.
_SOON: Final = 256
_NOW: Final = 2048


class Writer:
    """For one thread. After any failure it connects again, so it goes on as soon as the file can be used."""

    def __init__(self, path: Path, wait_seconds: float) -> None:
        self._path = path
        self._attached = Attached(path, wait_seconds)
        self._since_moved = 0

    def run(self, works: Sequence[Work]) -> Sequence[Result]:
        """Do these works in one transaction; if one of them fails, each in its own. Never raises."""
        results: list[Result] = []
        try:
            together = self._together(works)
            if together is not None:
                return together
            for work in works:
                results += self._together([work]) or ()
        except StoreUnusable as problem:
            self.end()
            self._since_moved = _NOW  # on a full disk, a log that begins again needs no more room
            # An error of its own for everybody who waits: raising one changes it.
            left = len(works) - len(results)
            results += [Result(error=StoreUnusable(problem.cause, problem.where)) for _ in range(left)]
        return results

    def rest(self, count: int, idle: bool) -> None:
        """So many works were done; `idle`: none waits."""
        self._since_moved += count
        if self._since_moved < (_SOON if idle else _NOW):
            return
        self._since_moved = 0
        try:
            self._attached.connection().execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        except (sqlite3.Error, OSError, Refusal):
            self.end()

    def end(self) -> None:
        """Let go of the file."""
        self._attached.let_go()

    def _together(self, works: Sequence[Work]) -> Sequence[Result] | None:
        """None if one of several works failed: nothing was written. Refusal if the file cannot be used."""
        with troubles(self._path):
            connection = self._attached.connection()
            connection.execute("BEGIN IMMEDIATE")
            try:
                results = [_result(work, connection) for work in works]
            except Exception as problem:  # noqa: BLE001 - it is given to whoever brought the work
                self.end()  # what the connection was left with is not known
                return None if len(works) > 1 else [self._failed(problem)]
            if not self._attached.is_the_file():
                # What is committed to a file that was removed or replaced is lost.
                raise unusable(MISSING, str(self._path))
            connection.execute("COMMIT")
            return results

    def _failed(self, problem: Exception) -> Result:
        why = cause(problem)
        return Result(error=problem if why is None else unusable(why, str(self._path)))


def _result(work: Work, connection: sqlite3.Connection) -> Result:
    try:
        return Result(work(connection))
    except Refusal as problem:
        return Result(error=problem)
