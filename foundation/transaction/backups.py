"""Kept copies of configs as they were before they were changed, without a key in them.

`<name>.bak-YYYYMMDDTHHMMSSZ` next to a user config; for a project file, and if that folder is read-only,
`<name>.<first 12 hex of sha256(path)>.bak-<stamp>` in `Workspace.backups`, because a copy next to it could
be committed. At most KEPT per file; the oldest ones are removed.
"""

from __future__ import annotations

import os
import re
from datetime import datetime
from pathlib import Path
from typing import Final

from foundation.files.replace import Folder
from foundation.files.writable import folder_obstacle
from foundation.transaction.changes import Role
from foundation.workspace import Workspace

KEPT: Final = 10
_STAMP: Final = re.compile(r"(\d{8}T\d{6}Z)(?:-(\d+))?\Z")
_PROJECT_COPY: Final = re.compile(r".+\.[0-9a-f]{12}\.bak-\d{8}T\d{6}Z(?:-\d+)?")


def place(workspace: Workspace, role: Role, path: Path, now: datetime) -> Path:
    """An unused name for a copy of `path`."""
    folder, prefix = _family(workspace, role, path)
    if folder == path.parent and folder_obstacle(folder) is not None:
        # A file that is written in place may be in a read-only folder.
        folder, prefix = _family(workspace, Role.PROJECT_CONFIG, path)
    base = folder / f"{prefix}{now.strftime('%Y%m%dT%H%M%SZ')}"
    candidate, number = base, 1
    while os.path.lexists(candidate):
        number += 1
        candidate = base.with_name(f"{base.name}-{number}")
    return candidate


def copies(workspace: Workspace, role: Role, path: Path) -> list[Path]:
    """The kept copies of `path`, oldest first: the files with exactly such a name. Raises OSError."""
    found = []
    for folder, prefix in _families(workspace, role, path):
        # The second exists only if it has something in it.
        missing = folder == workspace.backups and not folder.is_dir()
        for name in () if missing else os.listdir(folder):  # noqa: PTH208  # only names are wanted
            match = _STAMP.fullmatch(name[len(prefix) :]) if name.startswith(prefix) else None
            if match is not None:
                found.append((match[1], int(match[2] or 1), folder / name))
    return [copy for _, _, copy in sorted(found)]


def is_copy(workspace: Workspace, role: Role, path: Path, copy: Path) -> bool:
    """Whether `copy` has the name of a kept copy of `path`."""
    return any(
        copy.parent == folder and copy.name.startswith(prefix) and _STAMP.fullmatch(copy.name[len(prefix) :])
        for folder, prefix in _families(workspace, role, path)
    )


def project_copies(workspace: Workspace) -> list[Path]:
    """The kept copies of project files, of every project. Raises OSError."""
    names = os.listdir(workspace.backups) if workspace.backups.is_dir() else []  # noqa: PTH208
    return [workspace.backups / name for name in sorted(names) if _PROJECT_COPY.fullmatch(name)]


def prune(workspace: Workspace, role: Role, path: Path) -> None:
    """Keep the newest KEPT copies of `path`. Raises OSError."""
    for copy in copies(workspace, role, path)[:-KEPT]:
        with Folder(copy.parent) as folder:
            folder.remove(copy.name)


def _families(workspace: Workspace, role: Role, path: Path) -> list[tuple[Path, str]]:
    return list(
        dict.fromkeys((_family(workspace, role, path), _family(workspace, Role.PROJECT_CONFIG, path)))
    )


def _family(workspace: Workspace, role: Role, path: Path) -> tuple[Path, str]:
    if role is Role.PROJECT_CONFIG:
        import hashlib

        name = hashlib.sha256(os.fsencode(path)).hexdigest()[:12]
        return workspace.backups, f"{path.name}.{name}.bak-"
    return path.parent, f"{path.name}.bak-"
