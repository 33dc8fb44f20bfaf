"""Files over which another file is mounted, as containers and Flatpak do with a single config.

Such a name can be neither replaced nor removed: rename(2) and unlink(2) return EBUSY. On Linux only the list
of mounts shows it, because a bind mount of a file from the same file system has the same device number.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

from foundation.files.reading import LIMIT, READ, drain

# proc(5): "mount point: the pathname of the mount point relative to the process's root directory", with
# blank, tab, line end and backslash as three octal digits.
_LIST: Final = "/proc/self/mountinfo"
_POINT: Final = 4
_ESCAPE: Final = re.compile(rb"\\([0-7]{3})")


def is_mount_point(path: Path) -> bool:
    """Whether something is mounted at exactly this name; `path` must have no links in it."""
    try:
        lines = kernel_says(_LIST).split(b"\n")
    except OSError:
        return _on_another_device(path)
    name = os.fsencode(path)
    points = (fields[_POINT] for fields in map(bytes.split, lines) if len(fields) > _POINT)
    return any(_ESCAPE.sub(lambda found: bytes([int(found[1], 8)]), point) == name for point in points)


def kernel_says(name: str) -> bytes:
    """The content of a file of /proc. Raises OSError, also if there is no /proc."""
    descriptor = os.open(name, READ)
    try:
        return drain(descriptor, LIMIT)
    finally:
        os.close(descriptor)


def _on_another_device(path: Path) -> bool:
    try:
        return os.name != "nt" and path.lstat().st_dev != path.parent.lstat().st_dev
    except OSError:
        return False
