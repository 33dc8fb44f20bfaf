"""Check before writing whether a place can be written; if not, what is in the way and what helps.

access(2) is used, because it knows more than the modes show: on a file system that is mounted read-only,
and for files marked immutable, it says no even to root.
"""

from __future__ import annotations

import errno
import os
import shlex
import struct
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from foundation.files import mounts
from foundation.files.reading import READ, reason
from foundation.files.snapshot import Snapshot

_AGAIN: Final = "then run this command again"
# linux/fs.h: FS_IOC_GETFLAGS is _IOR('f', 1, long); FS_IMMUTABLE_FL and FS_APPEND_FL.
_GET_FLAGS: Final = (2 << 30) | (struct.calcsize("l") << 16) | (ord("f") << 8) | 1
_LINUX_FIXED: Final = 0x10 | 0x20
# sys/stat.h of macOS and the BSDs: UF_ and SF_IMMUTABLE, UF_ and SF_APPEND.
_BSD_FIXED: Final = 0x00000002 | 0x00000004 | 0x00020000 | 0x00040000


@dataclass(frozen=True)
class Obstacle:
    """`place` is the file or folder that cannot be written, `why` half a sentence about it."""

    place: Path
    why: str
    next_step: str


def obstacle(snapshot: Snapshot) -> Obstacle | None:
    """What will keep this file from being created, replaced or removed; None if nothing is known."""
    with suppress(OSError):  # then the write itself reports it
        return _obstacle(snapshot)
    return None


def _obstacle(snapshot: Snapshot) -> Obstacle | None:
    path = Path(snapshot.real)
    if snapshot.exists and _fixed(path):
        return _explained(path)
    if in_place(snapshot) is not None:
        return None if _allowed(path, os.W_OK) else _explained(path)
    if _owner_would_change(snapshot):
        return _explained(path)
    return folder_obstacle(path.parent)


def folder_obstacle(folder: Path) -> Obstacle | None:
    """What will keep files, or the folder itself, from being created here; None if nothing is known."""
    with suppress(OSError):
        return _folder_obstacle(folder)
    return None


def _folder_obstacle(folder: Path) -> Obstacle | None:
    there = next((place for place in (folder, *folder.parents) if os.path.lexists(place)), None)
    if there is None or not there.is_dir():
        return None  # reading reports what is wrong with it
    if not _allowed(there, os.W_OK | os.X_OK) or _fixed(there):
        return _explained(there)
    return _full(there)


def in_place(snapshot: Snapshot) -> str | None:
    """Why an existing file is written in place rather than replaced (half a sentence), None if replaced.

    Replacing is safer: at any moment there is either the whole old file or the whole new one.
    """
    path = Path(snapshot.real)
    if not snapshot.exists:
        return None
    if mounts.is_mount_point(path):
        return "something is mounted over this file, so it cannot be replaced"
    if _owner_would_change(snapshot) and _allowed(path, os.W_OK):
        return f"it belongs to {_owner(snapshot)}, and replacing it would change that"
    return None


def advice(path: Path, problem: OSError) -> tuple[str, str]:
    """The reason why a write failed, and the next step, judged by what is there."""
    with suppress(OSError):
        return _advice(path, problem)
    return reason(problem), f"make it writable for your user, {_AGAIN}"


def _advice(path: Path, problem: OSError) -> tuple[str, str]:
    why = reason(problem)
    if problem.errno in (errno.ENOSPC, errno.EDQUOT):
        return why, f"free up space there, {_AGAIN}"
    if problem.errno == errno.EBUSY and mounts.is_mount_point(path):
        return f"{why}: something is mounted over this file", f"unmount it, {_AGAIN}"
    if problem.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        for place in (path, path.parent):
            found = _explained(place) if os.path.lexists(place) and not _allowed(place, os.W_OK) else None
            if found is not None:
                return f"{why}: {found.place} {found.why}", found.next_step
        if _fixed(path):
            found = _explained(path)
            return f"{why}: {found.place} {found.why}", found.next_step
    return why, f"make it writable for your user, {_AGAIN}"


def _explained(place: Path) -> Obstacle:
    """The obstacle to remove first: on a read-only file system nobody can change a mode."""
    name = shlex.quote(str(place))
    if _read_only(place):
        return Obstacle(
            place,
            "is on a file system that is mounted read-only",
            f"mount it writable, or change the file at its source, {_AGAIN}",
        )
    if _fixed(place):
        command = "sudo chattr -ia" if sys.platform == "linux" else "chflags nouchg,nouappnd"
        why = "is marked immutable or append-only"
        return Obstacle(place, why, f"clear that flag with: {command} {name}; {_AGAIN}")
    owner = place.lstat().st_uid
    if os.name != "nt" and owner != os.geteuid():
        me = _named(os.geteuid())
        return Obstacle(
            place,
            f"belongs to {_named(owner)}, and this runs as {me}",
            f"run this command as that user, or make it yours with: sudo chown {_id(os.geteuid())} {name}",
        )
    step = f"make it writable with: chmod u+w {name};" if os.name != "nt" else "make it writable for you,"
    return Obstacle(place, "is not writable for your user", f"{step} {_AGAIN}")


def _allowed(path: Path, mode: int) -> bool:
    effective = os.access in os.supports_effective_ids
    return os.access(path, mode, effective_ids=effective)


def _read_only(place: Path) -> bool:
    try:
        return os.name != "nt" and bool(os.statvfs(place).f_flag & os.ST_RDONLY)
    except OSError:
        return False


def _full(folder: Path) -> Obstacle | None:
    """An obstacle if the disk has no free block or inode; without such counts there are 0 of 0."""
    if os.name == "nt":
        return None
    try:
        there = os.statvfs(folder)
    except OSError:
        return None
    free = there.f_bfree if os.geteuid() == 0 else there.f_bavail
    if (there.f_blocks and not free) or (there.f_files and not there.f_ffree):
        return Obstacle(folder, "is on a file system that is full", f"free up space there, {_AGAIN}")
    return None


def _fixed(path: Path) -> bool:
    """Whether the file or folder is marked immutable or append-only."""
    try:
        flags = getattr(path.lstat(), "st_flags", None)
    except OSError:
        return False
    if flags is not None:
        return bool(flags & _BSD_FIXED)
    if sys.platform != "linux":
        return False
    import fcntl

    try:
        descriptor = os.open(path, READ)
        try:
            answer = fcntl.ioctl(descriptor, _GET_FLAGS, bytes(struct.calcsize("l")))
        finally:
            os.close(descriptor)
    except OSError:
        # Many file systems do not have such marks.
        return False
    return bool(int.from_bytes(answer[:4], sys.byteorder) & _LINUX_FIXED)


def _owner_would_change(snapshot: Snapshot) -> bool:
    """Whether replacing changes the owner: only root can give a file to another user or group."""
    if snapshot.owner is None or _may_give_away():
        return False
    user, group = snapshot.owner
    return user != os.geteuid() or group not in (os.getegid(), *os.getgroups())


def _owner(snapshot: Snapshot) -> str:
    user, group = snapshot.owner or (0, 0)
    return f"group {group}" if user == os.geteuid() else _named(user)


def _may_give_away() -> bool:
    """Whether this is root with CAP_CHOWN, which containers may take away (capabilities(7): bit 0)."""
    if os.geteuid() != 0:
        return False
    try:
        lines = mounts.kernel_says("/proc/self/status").split(b"\n")
    except OSError:
        return True
    able = next((line.split()[1] for line in lines if line.startswith(b"CapEff:")), b"1")
    return bool(int(able, 16) & 1)


def _named(user: int) -> str:
    name = _id(user)
    return f"user {name}" if name == str(user) else name


def _id(user: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)
