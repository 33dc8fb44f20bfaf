"""Which of some folders is on a full disk, for messages about another program that failed."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Final, Iterable

_NEARLY_FULL: Final = 1024 * 1024


def full(folders: Iterable[Path]) -> Path | None:
    """The first folder whose disk has less than 1 MiB left; for a missing folder, its parent."""
    import shutil

    for folder in folders:
        place = next((one for one in (folder, *folder.parents) if os.path.exists(one)), folder)  # noqa: PTH110
        with contextlib.suppress(OSError):
            # A read-only disk has no room either, but is not full.
            if os.access(place, os.W_OK) and shutil.disk_usage(place).free < _NEARLY_FULL:
                return place
    return None
