"""Replace files atomically: a new file next to its target, then one rename.

Everything is written to a new file next to its target, synced, and renamed to the target's name in
one step; all of it through a descriptor of the folder if the system has such descriptors.
"""

from __future__ import annotations

import errno
import os
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Callable, Final

from foundation.files.reading import READ, SAFE, drain

# The smallest unit that any disk writes at once.
_BLOCK: Final = 512
_CREATE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL

# A virus scanner or an editor that has the file open makes a rename fail on Windows for a moment:
# ERROR_ACCESS_DENIED and ERROR_SHARING_VIOLATION.
_WINDOWS_BUSY: Final = frozenset({5, 32})
_WINDOWS_RETRIES: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.4)

# Extended attributes that decide who may use a file, or that its owner set; Linux only in Python.
_KEPT_ATTRIBUTES: Final = ("system.posix_acl_access", "user.")


@dataclass(frozen=True)
class Attributes:
    """What a replaced file keeps: permission bits, (uid, gid) and the time of its last change in ns."""

    mode: int
    owner: tuple[int, int] | None
    modified: int | None = None


class Folder:
    """A folder that is kept open, so that changes to its name do not affect what is done inside.

    `path` must have no links in it. Raises OSError (ELOOP if a part of it has become a link).
    On Windows there are no such descriptors; names are used instead.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd: int | None = None
        if os.name != "nt":
            self._fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | SAFE)
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
        """Close the folder."""
        descriptor, self._fd = self._fd, None
        if descriptor is not None:
            os.close(descriptor)

    def _name(self, name: str) -> str:
        return name if self._fd is not None else str(self.path / name)

    def open(self, name: str, flags: int, mode: int = 0o600) -> int:
        """A descriptor, never through a link and never inherited."""
        return os.open(self._name(name), flags | SAFE, mode, dir_fd=self._fd)

    def remove(self, name: str) -> None:
        """Remove a file; nothing happens if there is none.

        On a file system that is mounted read-only, Linux returns EROFS before it looks for the name.
        """
        try:
            os.unlink(self._name(name), dir_fd=self._fd)
        except OSError:
            if self.has(name):
                raise

    def has(self, name: str) -> bool:
        """Whether anything exists under that name."""
        try:
            self.status(name)
        except FileNotFoundError:
            return False
        return True

    def status(self, name: str) -> os.stat_result:
        """What `lstat` says of the name in this folder."""
        return os.lstat(self._name(name), dir_fd=self._fd)

    def make(self, name: str, mode: int) -> None:
        """Make a folder with that mode, regardless of the umask."""
        os.mkdir(self._name(name), mode, dir_fd=self._fd)
        os.chmod(self._name(name), mode, dir_fd=self._fd)

    def rename(self, source: str, target: str) -> None:
        """Rename `source` to `target` in one step, replacing what had that name."""
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

    def give_to_its_owner(self, descriptor: int) -> None:
        """Give a new file made by root to the owner of its folder, for example in a user's project."""
        if self._fd is not None and os.geteuid() == 0:
            owner = os.fstat(self._fd)
            if owner.st_uid != 0:
                os.fchown(descriptor, owner.st_uid, owner.st_gid)

    def sync(self) -> None:
        """Make renames in the folder durable; Windows has no such call and needs none (NTFS logs them)."""
        if self._fd is not None:
            sync(self._fd)


def sync(descriptor: int) -> None:
    """Wait until the data is on the disk; on macOS fsync leaves it in the drive's cache (man 2 fsync)."""
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

    `keep` are the attributes that the file gets; None: at most 0644 by the umask, and a file made by root in
    a user's folder belongs to that user. `protect` is called
    with the empty file's path before anything is in it. `like` names the file whose access lists and user
    attributes are copied. Raises OSError; the caller must then remove the unfinished file.
    """
    descriptor = folder.open(temporary, _CREATE, 0o644 if keep is None else 0o600)
    try:
        if keep is None:
            folder.give_to_its_owner(descriptor)
        if protect is not None:
            protect(folder.path / temporary)
        if keep is not None:
            _set_attributes(descriptor, folder, keep, like)
        _write_all(descriptor, data)
        if keep is not None and keep.modified is not None and os.utime in os.supports_fd:
            os.utime(descriptor, ns=(keep.modified, keep.modified))
        sync(descriptor)
    finally:
        os.close(descriptor)
    if keep is not None and keep.modified is not None and os.utime not in os.supports_fd:
        # Windows sets the time of the last write when the handle that wrote is closed.
        os.utime(folder.path / temporary, ns=(keep.modified, keep.modified))


def write_in_place(folder: Folder, name: str, data: bytes, modified: int | None = None) -> None:
    """Give the file new bytes without replacing it, sync, and read them back.

    If the file is longer than `data`, the rest is overwritten with line ends before it is cut off, so that a
    config is never followed by the rest of an older one. `modified` is the time of its last change, in ns.
    Raises OSError; the file may then contain a mixture, see `mixture`.
    """
    descriptor = folder.open(name, os.O_RDWR)
    try:
        _write_all(descriptor, _padded(data, os.fstat(descriptor).st_size))
        os.ftruncate(descriptor, len(data))
        if modified is not None and os.utime in os.supports_fd:
            with suppress(PermissionError):  # the owner's alone
                os.utime(descriptor, ns=(modified, modified))
        sync(descriptor)
        os.lseek(descriptor, 0, os.SEEK_SET)
        if drain(descriptor, len(data)) != data:
            raise OSError(errno.EIO, os.strerror(errno.EIO), name)
    finally:
        os.close(descriptor)


def mixture(now: bytes, before: bytes, after: bytes) -> bool:
    """Whether `now` may be left by an interrupted `write_in_place` of `after` over `before`, or the reverse.

    A killed process leaves the beginning of one text and the rest of the other. After a power cut
    each block of the disk may be from either, or zeros if the file was made longer.
    """
    length = max(len(before), len(after))
    if not min(len(before), len(after)) <= len(now) <= length:
        return False
    zeros = before + bytes(length - len(before))
    texts = (_padded(before, length), _padded(after, length), zeros)
    return all(
        _either(now[at : at + _BLOCK], *(text[at : at + _BLOCK] for text in texts))
        for at in range(0, len(now), _BLOCK)
    )


def _either(now: bytes, *texts: bytes) -> bool:
    """Whether `now` begins as one of the texts and ends as one."""
    if any(now == text[: len(now)] for text in texts) or not now.strip(b"\0"):
        return True
    return any(
        now[:cut] in {text[:cut] for text in texts} and now[cut:] in {text[cut : len(now)] for text in texts}
        for cut in range(1, len(now))
    )


def _padded(data: bytes, length: int) -> bytes:
    return data + b"\n" * max(0, length - len(data))


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
        source = folder.open(like, READ)
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
