"""Where a name leads: symbolic links followed one by one, and refused if another user could change them."""

from __future__ import annotations

import errno
import os
import re
import stat
from pathlib import Path
from typing import Final, Iterable, NoReturn

from foundation.errors import Refusal, Where

# What Linux allows (MAXSYMLINKS).
_MOST_LINKS: Final = 40


def resolve(path: Path, *, follow_last: bool = True) -> Path:
    """The name without links that `path` leads to; names that do not exist are kept as they are.

    Raises Refusal unsafe_link for a loop, a link to nothing, a link that leads to a place
    that another user can write to, or that leads through a link that another user can replace, and, if
    `follow_last` is False, a link as the last part.
    Links that the system's administrator made (`/tmp` on macOS, `/home` on some systems) are trusted.
    """
    walk = _Walk(path, follow_last)
    while walk.pending:
        walk.step(walk.pending.pop())
    if walk.trusted is not None:
        _require_own_place(path, walk.real, walk.trusted, (walk.real, *walk.real.parents))
    return walk.real


class _Walk:
    """A name followed part by part: `real` is where it has led so far, `pending` what is still to follow.

    `trusted` is the folder of the first link made by a user. While at least `below` parts are
    pending, they come from a link's target.
    """

    def __init__(self, path: Path, follow_last: bool) -> None:
        self.path = path
        self.follow_last = follow_last
        absolute = Path.cwd() / path
        self.real = Path(absolute.anchor)
        self.pending = list(reversed(absolute.parts[1:]))
        self.links = 0
        self.trusted: Path | None = None
        self.below: int | None = None

    def step(self, part: str) -> None:
        if self.below is not None and len(self.pending) < self.below:
            self.below = None
        if part == "..":
            self.real = self.real.parent
            return
        place = self.real / part
        try:
            status = place.lstat()
        except (FileNotFoundError, NotADirectoryError):
            if self.below is not None:
                _refuse(self.path, f"this link leads to {place}, which does not exist")
            status = None
        if status is not None and stat.S_ISLNK(status.st_mode):
            self._follow(place, status)
        else:
            self.real = place

    def _follow(self, link: Path, status: os.stat_result) -> None:
        self.links += 1
        if self.links > _MOST_LINKS:
            _refuse(self.path, "this link leads back to itself")
        if not self.pending and not self.follow_last:
            _refuse(
                self.path,
                f"this is a link to {os.fspath(link.readlink())}, but a file of this program belongs here",
                "remove the link, or put a real file in its place",
            )
        if self.trusted is not None:
            self._require_own_link(link, status)
        elif _made_by_a_user(status):
            self.trusted = self.real
        target = link.readlink()
        if os.name == "nt":
            target = Path(plain(str(target)))
        self.below = len(self.pending) if self.below is None else min(self.below, len(self.pending))
        if target.is_absolute():
            self.real = Path(target.anchor)
        self.pending.extend(reversed(target.parts[1:] if target.is_absolute() else target.parts))

    def _require_own_link(self, link: Path, status: os.stat_result) -> None:
        """Refuse a link that another user can replace, because that user decides where the name leads."""
        if os.name != "nt" and status.st_uid not in (0, os.getuid()):
            _refuse(self.path, f"this link leads through {link}, which belongs to another user")
        if self.trusted is not None:
            # A link's own mode means nothing; the folder decides who may replace it.
            _require_own_place(self.path, link, self.trusted, (link.parent, *link.parent.parents))


def require_within(path: Path, real: Path, root: Path) -> None:
    """Refuse a name whose links lead out of `root`: a repository's links must not name files outside it.

    Raises Refusal unsafe_link.
    """
    if real != path and Path(os.path.realpath(root)) not in real.parents:
        _refuse(path, f"this link leads out of the project, to {real}")


def plain(target: str) -> str:
    r"""A target as Windows stores it, `\\?\C:\x` or `\\?\UNC\host\share`, without that prefix."""
    if target.startswith("\\\\?\\UNC\\"):
        return "\\\\" + target[8:]
    if re.match(r"\\\\\?\\[A-Za-z]:", target):
        return target[4:]
    return target


def is_link(path: Path) -> bool:
    """Whether the name itself is a symbolic link or, on Windows, a junction."""
    try:
        return leads_on(path.lstat())
    except OSError:
        return False


def leads_on(status: os.stat_result) -> bool:
    """The same for what `lstat` said of a name."""
    junction = getattr(stat, "IO_REPARSE_TAG_MOUNT_POINT", None)
    return stat.S_ISLNK(status.st_mode) or (
        junction is not None and getattr(status, "st_reparse_tag", 0) == junction
    )


def require_no_link(path: Path) -> None:
    """Raise OSError (ELOOP) if the name is a link, as O_NOFOLLOW does for files."""
    if is_link(path):
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))


def others_can_write(path: Path) -> bool:
    """Whether a user other than this one and root can change the file, or the content of the folder.

    A sticky folder such as /tmp counts as safe: nobody can replace another user's entry there. So does a
    group that is this user's own (user-private groups, as OpenSSH on Debian judges them). False on Windows,
    where a profile folder's access list decides.
    """
    if os.name == "nt":
        return False
    try:
        return is_shared(path.lstat())
    except FileNotFoundError:
        return False


def is_shared(status: os.stat_result) -> bool:
    """The same for what the system said of a file or folder, for example of one that is open."""
    if os.name == "nt":
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


def _require_own_place(path: Path, real: Path, trusted: Path, places: Iterable[Path]) -> None:
    """The place that the link leads to must be as safe as the folder that the link is in."""
    known = {trusted, *trusted.parents}
    for place in places:
        if place not in known and others_can_write(place):
            _refuse(path, f"this link leads to {real}, and another user can change {place}")


def _refuse(path: Path, message: str, step: str = "replace the link with a file, or correct it") -> NoReturn:
    raise Refusal(
        "unsafe_link",
        message,
        where=Where(str(path)),
        next_step=f"{step}, then run this command again",
    )
