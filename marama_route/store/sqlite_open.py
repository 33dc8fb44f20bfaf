"""Connections to the file of the store, and what goes wrong with them as refusals."""

from __future__ import annotations

import os
import sqlite3
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, Iterator

from marama_route.store import schema
from marama_route.store.failures import (
    BUSY,
    DAMAGED,
    FAILING,
    FULL,
    MISSING,
    NEWER,
    NOT_OURS,
    READ_ONLY,
    Cause,
    unusable,
)

# `application_id` of our files: "MRst".
APPLICATION: Final = 0x4D527374
# What SQLite calls its errors (sqlite3ErrStr in its main.c). Python 3.10 does not give their numbers.
_CAUSES: Final = {
    "database is locked": BUSY,
    "database table is locked": BUSY,
    "database or disk is full": FULL,
    "attempt to write a readonly database": READ_ONLY,
    "unable to open database file": MISSING,
    "disk I/O error": FAILING,
    "file is not a database": NOT_OURS,
    "locking protocol": BUSY,
}


def connected(path: Path, wait_seconds: float, *, reading: bool = False) -> sqlite3.Connection:
    """A connection to a file that is there, without a transaction. Raises sqlite3.Error."""
    # Only one thread at a time uses a connection, but not always the one that made it.
    connection = sqlite3.connect(
        f"{path.as_uri()}?mode=rw",
        uri=True,
        timeout=wait_seconds,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        for pragma in (
            # FULL: a commit is on the disk when it returns; NORMAL loses the newest ones in a power cut
            # (sqlite.org/pragma.html#pragma_synchronous). On macOS only F_FULLFSYNC reaches the disk.
            *("synchronous = FULL", "fullfsync = ON", "checkpoint_fullfsync = ON"),
            # What was removed is overwritten, so that what has expired is gone from the file.
            "secure_delete = ON",
            # The file may be damaged or made by others (sqlite.org/security.html).
            *("trusted_schema = OFF", "cell_size_check = ON", "mmap_size = 0"),
            # The writer decides when the log is moved into the file, see sqlite.py.
            "wal_autocheckpoint = 0",
            f"query_only = {'ON' if reading else 'OFF'}",
        ):
            connection.execute(f"PRAGMA {pragma}").fetchall()
    except BaseException:
        connection.close()
        raise
    return connection


def require_ours(connection: sqlite3.Connection, path: Path) -> None:
    """Refuse a file that is neither a store of this version or an older one, nor empty."""
    application, version = number(connection, "application_id"), number(connection, "user_version")
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application != APPLICATION and (application or version or tables):
        raise unusable(NOT_OURS, str(path))
    if not 0 <= version <= schema.VERSION:
        raise unusable(NEWER, str(path))


class Attached:
    """A connection that is made when it is needed, and again if the file was replaced. For one thread."""

    def __init__(self, path: Path, wait_seconds: float, *, reading: bool = False) -> None:
        self._path = path
        self._wait_seconds = wait_seconds
        self._reading = reading
        self._open: sqlite3.Connection | None = None
        self._file: os.stat_result | None = None

    def connection(self) -> sqlite3.Connection:
        """To the file that has the name now. Raises sqlite3.Error, OSError, and Refusal for another file."""
        if self._open is None or not self.is_the_file():
            self.let_go()
            self._file = self._path.stat()
            self._open = connected(self._path, self._wait_seconds, reading=self._reading)
            require_ours(self._open, self._path)
        return self._open

    def is_the_file(self) -> bool:
        """Whether the name still leads to the file that is open. Raises OSError if it leads nowhere."""
        return self._file is not None and os.path.samestat(self._file, self._path.stat())

    def let_go(self) -> None:
        """Close the connection, if there is one; what it did not commit is not done."""
        connection, self._open = self._open, None
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.close()


@contextmanager
def troubles(path: Path) -> Iterator[None]:
    """Errors of SQLite and of the disk become refusals."""
    try:
        yield
    except Exception as problem:
        why = cause(problem)
        if why is None:
            raise
        raise unusable(why, str(path)) from None


def cause(problem: Exception) -> Cause | None:
    """Why the file cannot be used; None for an error that has nothing to do with it.

    What SQLite says and is not known here means that the file is not as we made it.
    """
    if isinstance(problem, sqlite3.Error):
        return _CAUSES.get(str(problem), DAMAGED)
    if isinstance(problem, OSError):
        return MISSING
    # A damaged row: a text that is not UTF-8, a number that is too large.
    return DAMAGED if isinstance(problem, (UnicodeError, OverflowError)) else None


def number(connection: sqlite3.Connection, pragma: str) -> int:
    """The number that this pragma has."""
    return int(connection.execute(f"PRAGMA {pragma}").fetchone()[0])
