"""Read files once, up to a limit, and only regular ones (a FIFO would block, a device might act on it).

A name is resolved link by link, and the resolved name is opened with O_NOFOLLOW: a link that is put there
afterwards is an error and is not followed.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from contextlib import suppress
from pathlib import Path
from typing import Final, NoReturn

from foundation.errors import Refusal, Where
from foundation.files.links import resolve
from foundation.files.snapshot import Snapshot

LIMIT: Final = 16 * 1024 * 1024
_CHUNK: Final = 1 << 20
_READ_ATTEMPTS: Final = 5

# Never inherited, never through a link, never as our controlling terminal; bytes unchanged.
SAFE: Final = (
    getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_NOINHERIT", 0)
)
# O_NONBLOCK: if a FIFO replaces the file between lstat and open, open returns at once.
READ: Final = os.O_RDONLY | SAFE | getattr(os, "O_NONBLOCK", 0)


class _TornError(Exception):
    """The file changed while it was read."""


def read_snapshot(path: Path, *, follow_links: bool = True, limit: int = LIMIT) -> Snapshot:
    """Read `path` once, at most `limit` bytes.

    A missing file is a Snapshot without data. Raises Refusal unsafe_link for a link that
    dangles, loops, leads to a place that another user can write to, or exists at all if `follow_links`
    is False; unreadable for a folder, a FIFO, a device, an unreadable or a larger file.
    """
    try:
        real = resolve(path, follow_last=follow_links)
        for _ in range(_READ_ATTEMPTS):
            with suppress(_TornError):
                return _read(path, real, limit)
            time.sleep(0.01)
    except OSError as problem:
        refuse_reading(path, problem)
    raise Refusal(
        "unreadable",
        "this file changed while it was being read",
        where=Where(str(path)),
        next_step="close the program that writes it, then run this command again",
    )


def unchanged(snapshot: Snapshot) -> bool:
    """Whether the name still leads to the same file with the same bytes, mode and owner."""
    size = len(snapshot.data or b"")
    try:
        now = read_snapshot(Path(snapshot.path), limit=max(size, 1))
    except Refusal:
        return False
    return (now.real, now.data, now.mode, now.owner) == (
        snapshot.real,
        snapshot.data,
        snapshot.mode,
        snapshot.owner,
    )


def refuse_reading(path: Path, problem: OSError) -> NoReturn:
    """Turn the system's error into a refusal that names the file."""
    raise Refusal(
        "unreadable",
        f"this file cannot be read ({reason(problem)})",
        where=Where(str(path)),
        next_step="make it readable for your user, then run this command again",
    ) from None


def reason(problem: OSError) -> str:
    """The system's own words for an error, without the path that Python adds."""
    return (problem.strerror or type(problem).__name__).lower()


def _read(path: Path, real: Path, limit: int) -> Snapshot:
    try:
        named = real.lstat()
    except (FileNotFoundError, NotADirectoryError):
        above = next((parent for parent in real.parents if os.path.lexists(parent)), Path(real.anchor))
        if not above.is_dir():
            _refuse_kind(path, f"{above} is not a folder")
        return Snapshot(path=path, real=real, data=None)
    _require_file(path, named)
    if named.st_size > limit:
        _refuse_size(path, limit)
    try:
        descriptor = os.open(real, READ)
    except OSError as problem:
        # The name disappeared or became a link since lstat.
        if problem.errno in (errno.ENOENT, errno.ELOOP):
            raise _TornError from None
        raise
    try:
        before = os.fstat(descriptor)
        _require_file(path, before)
        data = drain(descriptor, limit)
        after = os.fstat(descriptor)
    finally:
        os.close(descriptor)
    if len(data) > limit:
        _refuse_size(path, limit)
    if not os.path.samestat(named, before) or _identity(before) != _identity(after):
        raise _TornError
    return Snapshot(
        path=path,
        real=real,
        data=data,
        mode=stat.S_IMODE(after.st_mode),
        owner=None if os.name == "nt" else (after.st_uid, after.st_gid),
        identity=_identity(after),
        links=after.st_nlink,
    )


def _identity(status: os.stat_result) -> tuple[int, int, int, int]:
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


def drain(descriptor: int, limit: int) -> bytes:
    """Everything to the end, but at most one byte more than `limit`."""
    parts = []
    left = limit + 1
    while left > 0:
        part = os.read(descriptor, min(left, _CHUNK))
        if not part:
            break
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def _require_file(path: Path, status: os.stat_result) -> None:
    if stat.S_ISREG(status.st_mode):
        return
    kinds = (
        (stat.S_ISDIR, "a folder"),
        (stat.S_ISLNK, "a symbolic link"),
        (stat.S_ISFIFO, "a named pipe"),
        (stat.S_ISSOCK, "a socket"),
    )
    kind = next((name for test, name in kinds if test(status.st_mode)), "a device")
    _refuse_kind(path, f"there is {kind} where a file should be")


def _refuse_kind(path: Path, message: str) -> NoReturn:
    raise Refusal(
        "unreadable",
        message,
        where=Where(str(path)),
        next_step="move it out of the way, then run this command again",
    )


def _refuse_size(path: Path, limit: int) -> NoReturn:
    raise Refusal(
        "unreadable",
        f"this file is larger than {limit} bytes",
        where=Where(str(path)),
        next_step="make it smaller, then run this command again",
    )
