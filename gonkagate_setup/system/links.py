"""Where a name leads: symbolic links followed one by one, and refused where somebody else could move them."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final, NoReturn

from gonkagate_setup.errors import SetupError, Where

# What Linux allows (MAXSYMLINKS).
_MOST_LINKS: Final = 40


def resolve(path: Path, *, follow_last: bool = True) -> Path:
    """The name without links that `path` leads to; names that are not there stay as they are.

    Raises SetupError managed_config_unsafe_link for a loop, a link to nothing, a link that leads to a place
    that another user can write, and, where `follow_last` is False, a link as the last part.
    Links that the system's administrator made (`/tmp` on macOS, `/home` on some systems) are no matter.
    """
    path = Path.cwd() / path
    real = Path(path.anchor)
    pending = list(reversed(path.parts[1:]))
    links = 0
    trusted: Path | None = None
    # While more than `below` parts are pending, they come from a link's own text.
    below: int | None = None
    while pending:
        part = pending.pop()
        if below is not None and len(pending) < below:
            below = None
        if part == "..":
            real = real.parent
            continue
        candidate = real / part
        try:
            status = candidate.lstat()
        except (FileNotFoundError, NotADirectoryError):
            if below is not None:
                _refuse(path, f"this link leads to {candidate}, which is not there")
            real = candidate
            continue
        if not stat.S_ISLNK(status.st_mode):
            real = candidate
            continue
        links += 1
        if links > _MOST_LINKS:
            _refuse(path, "this link leads back to itself")
        if not pending and not follow_last:
            _refuse(path, "this is a symbolic link where a file of our own belongs")
        if trusted is None and _made_by_a_user(status):
            trusted = real
        target = Path(os.readlink(candidate))
        below = len(pending) if below is None else min(below, len(pending))
        if target.is_absolute():
            real = Path(target.anchor)
            pending.extend(reversed(target.parts[1:]))
        else:
            pending.extend(reversed(target.parts))
    if trusted is not None:
        _require_own_place(path, real, trusted)
    return real


def is_link(path: Path) -> bool:
    """Whether the name itself is a symbolic link or, on Windows, a junction."""
    try:
        status = path.lstat()
    except OSError:
        return False
    junction = getattr(stat, "IO_REPARSE_TAG_MOUNT_POINT", None)
    return stat.S_ISLNK(status.st_mode) or (
        junction is not None and getattr(status, "st_reparse_tag", 0) == junction
    )


def others_can_write(path: Path) -> bool:
    """Whether a user other than this one and root can change the file, or what is in the folder.

    A sticky folder such as /tmp counts as safe: nobody can move another's entry there. So does a group that
    is this user's own (user-private groups, as OpenSSH on Debian judges them). False on Windows, where a
    profile folder's access list decides.
    """
    if os.name == "nt":
        return False
    try:
        status = path.lstat()
    except FileNotFoundError:
        return False
    if status.st_uid not in (0, os.getuid()):
        return True
    if stat.S_ISDIR(status.st_mode) and status.st_mode & stat.S_ISVTX:
        return False
    if status.st_mode & stat.S_IWOTH:
        return True
    return bool(status.st_mode & stat.S_IWGRP) and not _private_group(status.st_gid)


def _private_group(gid: int) -> bool:
    import grp
    import pwd

    if gid == 0:
        return True
    try:
        user = pwd.getpwuid(os.getuid())
        group = grp.getgrgid(gid)
    except KeyError:
        return False
    return user.pw_gid == gid and group.gr_name == user.pw_name and not set(group.gr_mem) - {user.pw_name}


def _made_by_a_user(status: os.stat_result) -> bool:
    return os.name != "nt" and (status.st_uid != 0 or os.getuid() == 0)


def _require_own_place(path: Path, real: Path, trusted: Path) -> None:
    """What the link leaves for must be as safe as the folder that it stands in."""
    known = {trusted, *trusted.parents}
    for place in (real, *real.parents):
        if place not in known and others_can_write(place):
            _refuse(path, f"this link leads to {real}, and another user can change {place}")


def _refuse(path: Path, message: str) -> NoReturn:
    raise SetupError(
        "managed_config_unsafe_link",
        message,
        where=Where(str(path)),
        next_step="replace the link by a file, or correct it, then run this command again",
    )
