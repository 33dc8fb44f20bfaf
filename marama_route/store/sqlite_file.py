"""The file of the store: made, checked and brought to the newest schema when the gateway starts.

Nothing here opens a file that is there: closing any descriptor of it would take away the locks that SQLite
holds in this process (sqlite.org/howtocorrupt.html, 2.2).
"""

from __future__ import annotations

import os
import sqlite3
import stat
from contextlib import closing, suppress
from pathlib import Path

from foundation.errors import Refusal, Where
from foundation.files.links import others_can_write, resolve
from foundation.files.reading import SAFE, reason
from foundation.files.replace import Folder
from marama_route.store import schema
from marama_route.store.failures import (
    NO_WAL,
    StoreUnusable,
    unusable,
)
from marama_route.store.sqlite_open import APPLICATION, connected, number, require_ours, troubles
from sovereigncode.audit.lock import held


def prepared(path: Path, wait_seconds: float) -> Path:
    """The store's file without links in its folder's name; made if there is none, and of the newest schema.

    Waits at most `wait_seconds` for another process that does the same. Raises Refusal not_ready.
    """
    try:
        folder = _folder(path.parent)
        real = folder / path.name
        # One process at a time: SQLite does not wait when two of them switch to its log together.
        with Folder(folder) as opened, held(opened, "not_ready", wait_seconds):
            _make(real)
            with troubles(real), closing(connected(real, wait_seconds)) as connection:
                require_ours(connection, real)
                _migrate(connection, real)
    except OSError as problem:
        raise not_made(path, problem) from None
    except StoreUnusable:
        raise
    except Refusal as problem:
        raise Refusal(
            "not_ready", problem.message, where=problem.where, next_step=problem.next_step
        ) from None
    return real


def not_made(path: Path, problem: OSError) -> Refusal:
    """The refusal for a folder or file that cannot be made or opened."""
    return Refusal(
        "not_ready",
        f"the gateway's store cannot be made or opened here ({reason(problem)})",
        where=Where(str(path)),
        next_step="make this folder writable for the user of the gateway, or name another place",
    )


def _folder(folder: Path) -> Path:
    real = resolve(folder)
    if not real.is_dir():
        real.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):  # another process was quicker
            real.mkdir(mode=0o700)
    if others_can_write(real):
        _refuse(real, "other users can write here, so they could change what is stored")
    return real


def _make(path: Path) -> None:
    """The file, for this user alone; SQLite gives its log the same mode."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | SAFE, 0o600))
        return
    if not stat.S_ISREG(status.st_mode) or status.st_nlink > 1:
        _refuse(path, "this is not a plain file with one name", "move it out of the way")
    if others_can_write(path):
        _refuse(path, "other users can write this file, so they could change what is stored")
    if os.name != "nt" and status.st_mode & 0o077:
        path.chmod(0o600)


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Make the newest schema, all of it or nothing; shows as well that the file can be written.

    The two pragmas are part of the transaction, because they change the file's first page.
    """
    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        raise unusable(NO_WAL, str(path))
    connection.execute("BEGIN IMMEDIATE")
    for statement in schema.statements(number(connection, "user_version"), "BLOB"):
        connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION}")
    connection.execute(f"PRAGMA user_version = {schema.VERSION}")
    connection.execute("COMMIT")


def _refuse(path: Path, message: str, next_step: str = "") -> None:
    step = next_step or f"take that away with: chmod go-w {path}"
    raise Refusal("not_ready", message, where=Where(str(path)), next_step=f"{step}; then start again")
