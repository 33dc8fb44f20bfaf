"""The folder that a run belongs to: the nearest one upwards that holds `.git`, else the current folder."""

from __future__ import annotations

import os
from pathlib import Path


def worktree_of(folder: Path) -> Path:
    """The worktree that `folder` is in, links resolved."""
    real = Path(os.path.realpath(folder))
    return next((place for place in (real, *real.parents) if os.path.lexists(place / ".git")), real)
