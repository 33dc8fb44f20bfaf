"""One writer at a time: a kernel lock on a file that stays, so it ends with its holder, however that ends.

Each holder opens the file anew, so the lock also keeps two threads of one process apart (flock(2): locks
belong to the open file description).
"""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from typing import Final, Iterator

from foundation import signals
from foundation.errors import Refusal, Where
from foundation.files.replace import Folder
from foundation.locking import try_lock
from sovereigncode.audit.folders import require_own_file

NAME: Final = "lock"
_FIRST_PAUSE: Final = 0.001
_LONGEST_PAUSE: Final = 0.05


@contextmanager
def held(folder: Folder, kind: str, wait_seconds: float, *, make: bool = True) -> Iterator[bool]:
    """Hold the lock of this folder inside the context; False if `make` is False and there is no lock file.

    Raises Refusal in_progress after `wait_seconds`, the refusal `kind` for a lock file that is a link or
    another user's, and OSError.
    """
    deadline = time.monotonic() + wait_seconds
    pause = _FIRST_PAUSE
    while True:
        descriptor = _open(folder, make=make)
        if descriptor is None:
            yield False
            return
        try:
            require_own_file(folder.path / NAME, descriptor, kind)
            if try_lock(descriptor) and _is_still(descriptor, folder):
                yield True
                return
        finally:
            os.close(descriptor)
        signals.check()
        if time.monotonic() >= deadline:
            _refuse(folder)
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)


def _open(folder: Folder, *, make: bool) -> int | None:
    nonblocking = getattr(os, "O_NONBLOCK", 0)
    if make:
        return folder.open(NAME, os.O_RDWR | os.O_CREAT | nonblocking)
    try:
        return folder.open(NAME, os.O_RDONLY | nonblocking)
    except FileNotFoundError:
        return None


def _is_still(descriptor: int, folder: Folder) -> bool:
    """Whether the name is still the file that was locked: whoever removes it lets a second holder in."""
    try:
        return os.path.samestat(os.fstat(descriptor), (folder.path / NAME).lstat())
    except FileNotFoundError:
        return False


def _refuse(folder: Folder) -> None:
    raise Refusal(
        "in_progress",
        "another process is writing here and does not finish",
        where=Where(str(folder.path / NAME)),
        next_step="wait until it has finished, or end it, then try again",
    )
