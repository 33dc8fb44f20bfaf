"""Kernel locks on open files: they end with their holder, however that ends.

flock; on Windows a byte range, after any text, because others cannot read a locked range.
"""

from __future__ import annotations

import importlib
import os
from typing import Any, Final, cast

# The errors of the two kinds of lock while another process has it.
_HELD: Final = PermissionError if os.name == "nt" else BlockingIOError
_LOCKED_BYTE: Final = 0x7FFFFFF0


def try_lock(descriptor: int) -> bool:
    """Lock the open file, without waiting; False if it is locked already. Closing the descriptor unlocks.

    Raises OSError if the file system has no locks.
    """
    try:
        if os.name == "nt":
            windows = cast("Any", importlib.import_module("msvcrt"))
            os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
            windows.locking(descriptor, windows.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except _HELD:
        return False
    return True
