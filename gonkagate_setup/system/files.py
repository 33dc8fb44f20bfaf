"""Files as they are: read once with a bound, replace atomically, never through a link that was not asked for.

Rules of this file:
- A name is resolved link by link before it is used, and what is opened is the resolved name with
  O_NOFOLLOW: a link swapped in afterwards is an error, not a detour.
- Everything written goes into a new file beside its target, is synced, and takes the target's name in one
  step; what is done in a folder is done through a descriptor of that folder where the system has them.
- Only regular files are opened: a FIFO would block, a device would act.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Callable, Final, NoReturn

from gonkagate_setup.core.snapshot import Snapshot
from gonkagate_setup.errors import SetupError, Where
from gonkagate_setup.system.links import resolve

LIMIT: Final = 16 * 1024 * 1024
_CHUNK: Final = 1 << 20
_READ_ATTEMPTS: Final = 5

_SAFE: Final = (
    getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_NOINHERIT", 0)
)
# O_NONBLOCK: should a FIFO take the file's place between lstat and open, open returns at once.
_READ: Final = os.O_RDONLY | _SAFE | getattr(os, "O_NONBLOCK", 0)
_CREATE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _SAFE

# A virus scanner or an editor that has the file open makes a rename fail on Windows for a moment:
# ERROR_ACCESS_DENIED and ERROR_SHARING_VIOLATION.
_WINDOWS_BUSY: Final = frozenset({5, 32})
_WINDOWS_RETRIES: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.4)

# Extended attributes that say who may use a file or that its owner put there; Linux only in Python.
_KEPT_ATTRIBUTES: Final = ("system.posix_acl_access", "user.")


class _TornError(Exception):
    """The file changed while it was read."""


@dataclass(frozen=True)
class Attributes:
    """What a replaced file keeps: permission bits, (uid, gid) and the time of its last change in ns."""

    mode: int
    owner: tuple[int, int] | None
    modified: int | None = None


def read_snapshot(path: Path, *, follow_links: bool = True, limit: int = LIMIT) -> Snapshot:
    """Read `path` once, at most `limit` bytes.

    A missing file is a Snapshot without data. Raises SetupError managed_config_unsafe_link for a link that
    dangles, loops, leads to a place that another user can write, or is there at all where `follow_links`
    is False; managed_config_read_failed for a folder, a FIFO, a device, an unreadable or a larger file.
    """
    try:
        real = resolve(path, follow_last=follow_links)
        for _ in range(_READ_ATTEMPTS):
            with suppress(_TornError):
                return _read(path, real, limit)
            time.sleep(0.01)
    except OSError as problem:
        refuse_reading(path, problem)
    raise SetupError(
        "managed_config_read_failed",
        "this file changes while it is being read",
        where=Where(str(path)),
        next_step="close the program that writes it, then run this command again",
    )


def unchanged(snapshot: Snapshot) -> bool:
    """Whether the name still leads to the same file with the same bytes, mode and owner."""
    size = len(snapshot.data or b"")
    try:
        now = read_snapshot(Path(snapshot.path), limit=max(size, 1))
    except SetupError:
        return False
    return (now.real, now.data, now.mode, now.owner) == (
        snapshot.real,
        snapshot.data,
        snapshot.mode,
        snapshot.owner,
    )


def refuse_reading(path: Path, problem: OSError) -> NoReturn:
    """Turn the system's error into a refusal that names the file."""
    raise SetupError(
        "managed_config_read_failed",
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
        above = next(parent for parent in real.parents if os.path.lexists(parent))
        if not above.is_dir():
            _refuse_kind(path, f"{above} is not a folder")
        return Snapshot(path=path, real=real, data=None)
    _require_file(path, named)
    if named.st_size > limit:
        _refuse_size(path, limit)
    try:
        descriptor = os.open(real, _READ)
    except OSError as problem:
        # The name vanished or became a link since lstat.
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
    raise SetupError(
        "managed_config_read_failed",
        message,
        where=Where(str(path)),
        next_step="move it out of the way, then run this command again",
    )


def _refuse_size(path: Path, limit: int) -> NoReturn:
    raise SetupError(
        "managed_config_read_failed",
        f"this file is larger than {limit} bytes",
        where=Where(str(path)),
        next_step="make it smaller, then run this command again",
    )


class Folder:
    """A real folder held open, so that nothing that happens to its name diverts what is done inside.

    `path` must be free of links. Raises OSError (ELOOP where a link has taken a place in it).
    On Windows there are no such descriptors; names are used instead.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd: int | None = None
        if os.name != "nt":
            self._fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | _SAFE)
            if os.path.realpath(path) != str(path) or not os.path.samestat(os.fstat(self._fd), path.lstat()):
                self.close()
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))

    def __enter__(self) -> Folder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the folder."""
        descriptor, self._fd = self._fd, None
        if descriptor is not None:
            os.close(descriptor)

    def _name(self, name: str) -> str:
        return name if self._fd is not None else str(self.path / name)

    def open(self, name: str, flags: int, mode: int = 0o600) -> int:
        """A descriptor, never through a link and never inherited."""
        return os.open(self._name(name), flags | _SAFE, mode, dir_fd=self._fd)

    def remove(self, name: str) -> None:
        """Remove a file; nothing happens where there is none."""
        with suppress(FileNotFoundError):
            os.unlink(self._name(name), dir_fd=self._fd)

    def rename(self, source: str, target: str) -> None:
        """Give `source` the name `target` in one step, replacing what had it."""
        for pause in _WINDOWS_RETRIES:
            if self._renamed(source, target):
                return
            time.sleep(pause)
        os.replace(self._name(source), self._name(target), src_dir_fd=self._fd, dst_dir_fd=self._fd)

    def _renamed(self, source: str, target: str) -> bool:
        try:
            os.replace(self._name(source), self._name(target), src_dir_fd=self._fd, dst_dir_fd=self._fd)
        except OSError as problem:
            if getattr(problem, "winerror", None) not in _WINDOWS_BUSY:
                raise
            return False
        return True

    def sync(self) -> None:
        """Make renames in the folder durable; Windows has no such call and needs none (NTFS logs them)."""
        if self._fd is not None:
            sync(self._fd)


def sync(descriptor: int) -> None:
    """Wait until the disk has it; on macOS fsync alone leaves it in the drive's cache (man 2 fsync)."""
    if sys.platform == "darwin":
        import fcntl

        try:
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
        except OSError:
            os.fsync(descriptor)
    else:
        os.fsync(descriptor)


def write_beside(
    folder: Folder,
    temporary: str,
    data: bytes,
    keep: Attributes | None,
    *,
    protect: Callable[[Path], object] | None = None,
    like: str | None = None,
) -> None:
    """Write `data` to the new file `temporary` in `folder` and sync it.

    `keep` is what the file shall have; None lets the umask decide, as for any new file. `protect` is called
    with the empty file's path before anything is in it. `like` names the file whose access lists and user
    attributes are copied. Raises OSError; the unfinished file is the caller's to remove.
    """
    descriptor = folder.open(temporary, _CREATE, 0o666 if keep is None else 0o600)
    try:
        if protect is not None:
            protect(folder.path / temporary)
        if keep is not None:
            _set_attributes(descriptor, folder, keep, like)
        _write_all(descriptor, data)
        if keep is not None and keep.modified is not None:
            os.utime(
                descriptor if os.utime in os.supports_fd else folder.path / temporary,
                ns=(keep.modified, keep.modified),
            )
        sync(descriptor)
    finally:
        os.close(descriptor)


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _set_attributes(descriptor: int, folder: Folder, keep: Attributes, like: str | None) -> None:
    if os.name == "nt":
        return
    status = os.fstat(descriptor)
    if keep.owner is not None and (status.st_uid, status.st_gid) != keep.owner:
        os.fchown(descriptor, *keep.owner)
    # After fchown, which clears the set-id bits.
    os.fchmod(descriptor, keep.mode)
    if like is not None and hasattr(os, "listxattr"):
        _copy_extended(descriptor, folder, like)


def _copy_extended(descriptor: int, folder: Folder, like: str) -> None:
    try:
        source = folder.open(like, _READ)
    except FileNotFoundError:
        return
    try:
        for name in os.listxattr(source):
            if name.startswith(_KEPT_ATTRIBUTES):
                os.setxattr(descriptor, name, os.getxattr(source, name))
    except OSError as problem:
        if problem.errno not in (errno.ENOTSUP, errno.ENODATA):
            raise
    finally:
        os.close(source)
