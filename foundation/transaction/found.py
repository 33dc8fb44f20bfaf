"""What is on disk now where a setup wrote or was about to: our bytes, the old ones, or somebody else's."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from foundation.files.reading import LIMIT, READ, drain
from foundation.files.replace import mixture
from foundation.transaction import journal
from foundation.transaction.journal import FileEntry


def in_its_folder(entry: FileEntry) -> bool:
    """Whether its folder still exists and has not become a link."""
    parent = entry.path.parent
    return parent.is_dir() and (os.name == "nt" or os.path.realpath(parent) == str(parent))


def somebody_elses(entry: FileEntry) -> bool:
    """Whether it has become a link, a folder or a huge file, none of which we make."""
    try:
        status = entry.path.lstat()
    except FileNotFoundError:
        return False
    return not stat.S_ISREG(status.st_mode) or status.st_size > limit(entry)


def behind(path: Path) -> bytes | None:
    """What a program reads at that name, nothing if there is no file, None if that cannot be known."""
    try:
        descriptor = os.open(path, READ & ~getattr(os, "O_NOFOLLOW", 0))
        try:
            # Without O_NONBLOCK in READ, a FIFO would block.
            return drain(descriptor, LIMIT) if stat.S_ISREG(os.fstat(descriptor).st_mode) else b""
        finally:
            os.close(descriptor)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return b""
    except OSError:
        return None


def is_ours(entry: FileEntry, now: bytes | None) -> bool:
    """Whether the file is as we left it, even half written; None: it does not exist."""
    if now is None or not entry.after:
        return now is None and not entry.after
    half = entry.in_place is not None and mixture(now, entry.before or b"", entry.in_place)
    return half or journal.digest(now) in entry.after


def limit(entry: FileEntry) -> int:
    """The most bytes that it can have if we wrote it."""
    return max(LIMIT, 2 * len(entry.before or b""), len(entry.in_place or b""))


def mode_differs(entry: FileEntry) -> bool:
    """Whether it has other permission bits than before."""
    if entry.attributes is None or os.name == "nt":
        return False
    return stat.S_IMODE(entry.path.lstat().st_mode) != entry.attributes.mode
