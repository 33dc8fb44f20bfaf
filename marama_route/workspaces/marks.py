"""Whether the files of a workspace are still those that were read: by what the system says about each.

Reading them again costs ten times as much, and happens for every request. As git does with its index, a file
counts as unchanged only if the system says of it what it said before, and if its last change was long enough
before it was read: a second change in the same tick of the clock would not show. Each file is opened, because
a network file system asks its server then.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from foundation.files.reading import READ
from sovereigncode.workspace import CAPSULE, POLICY, folder_of

# The coarsest clock of a file system that Python's own `zipfile` and FAT know: two seconds.
_TICK_NS: Final = 2_000_000_000
# Device, inode, mode, size and both times of a file; None for one that is not there.
_Mark = tuple[int, ...]
Marks = tuple["_Mark | None", ...]


def of(root: Path) -> Marks | None:
    """What the system says about the folder and its two files; None if that proves nothing.

    It does not for links, which other names could change, and on Windows, where a change leaves nothing that
    a program cannot set back.
    """
    if os.name == "nt":
        return None
    folder = str(folder_of(root))
    try:
        return (_mark(os.lstat(folder)), _opened(f"{folder}/{CAPSULE}"), _opened(f"{folder}/{POLICY}"))
    except OSError:
        return None


def settled(marks: Marks, now_ns: int) -> bool:
    """Whether every change that is still to come will show, if `marks` were taken at `now_ns`."""
    return all(mark is None or max(mark[-2:]) + _TICK_NS < now_ns for mark in marks)


def _opened(path: str) -> _Mark | None:
    try:
        descriptor = os.open(path, READ)
    except FileNotFoundError:
        return None
    try:
        return _mark(os.fstat(descriptor))
    finally:
        os.close(descriptor)


def _mark(status: os.stat_result) -> _Mark:
    own = (status.st_dev, status.st_ino, status.st_mode, status.st_uid, status.st_size)
    return (*own, status.st_mtime_ns, status.st_ctime_ns)
