"""Copies that stay: of a config as it was before it was changed, without a key in it.

`<name>.bak-YYYYMMDDTHHMMSSZ` beside a user config; for a project file, and where that folder is read-only,
`~/.gonkagate/opencode/backups/project-config/<name>.<first 12 hex of sha256(path)>.bak-<stamp>`, because a
copy beside it could be committed. The npm tool uses the same names. At most KEPT per file; the oldest go.
"""

from __future__ import annotations

import os
import re
from datetime import datetime
from pathlib import Path
from typing import Final, Iterable

from foundation.files.replace import Folder
from foundation.files.writable import folder_obstacle
from foundation.secrets import Secret
from foundation.transaction.changes import Role
from gonkagate_setup.catalog import Profile
from gonkagate_setup.store import Store

KEPT: Final = 10
_STAMP: Final = re.compile(r"(\d{8}T\d{6}Z)(?:-(\d+))?\Z")
_PROJECT_COPY: Final = re.compile(r".+\.[0-9a-f]{12}\.bak-\d{8}T\d{6}Z(?:-\d+)?")


def place(store: Store, role: Role, path: Path, now: datetime) -> Path:
    """A name that nothing has yet for a copy of `path`."""
    folder, prefix = _family(store, role, path)
    if folder == path.parent and folder_obstacle(folder) is not None:
        # A file that is written in place may lie in a folder that is read-only.
        folder, prefix = _family(store, Role.PROJECT_CONFIG, path)
    base = folder / f"{prefix}{now.strftime('%Y%m%dT%H%M%SZ')}"
    candidate, number = base, 1
    while os.path.lexists(candidate):
        number += 1
        candidate = base.with_name(f"{base.name}-{number}")
    return candidate


def without_key(data: bytes, profile: Profile, secrets: Iterable[Secret] = ()) -> bytes:
    """The copy without what is secret in it; bytes that are not UTF-8 stay what they are."""
    from gonkagate_setup.masking import without_key as keyless

    text = data.decode("utf-8", "surrogateescape")
    return keyless.without_key(text, profile, secrets).encode("utf-8", "surrogateescape")


def copies(store: Store, role: Role, path: Path) -> list[Path]:
    """The kept copies of `path`, oldest first: what has exactly such a name. Raises OSError."""
    found = []
    for folder, prefix in _families(store, role, path):
        # The second is only there if something is in it.
        missing = folder == store.backups and not folder.is_dir()
        for name in () if missing else os.listdir(folder):  # noqa: PTH208  # only names are wanted
            match = _STAMP.fullmatch(name[len(prefix) :]) if name.startswith(prefix) else None
            if match is not None:
                found.append((match[1], int(match[2] or 1), folder / name))
    return [copy for _, _, copy in sorted(found)]


def is_copy(store: Store, role: Role, path: Path, copy: Path) -> bool:
    """Whether `copy` has the name of a kept copy of `path`."""
    return any(
        copy.parent == folder and copy.name.startswith(prefix) and _STAMP.fullmatch(copy.name[len(prefix) :])
        for folder, prefix in _families(store, role, path)
    )


def project_copies(store: Store) -> list[Path]:
    """The kept copies of project files, of every project. Raises OSError."""
    names = os.listdir(store.backups) if store.backups.is_dir() else []  # noqa: PTH208
    return [store.backups / name for name in sorted(names) if _PROJECT_COPY.fullmatch(name)]


def prune(store: Store, role: Role, path: Path) -> None:
    """Keep the newest KEPT copies of `path`. Raises OSError."""
    for copy in copies(store, role, path)[:-KEPT]:
        with Folder(copy.parent) as folder:
            folder.remove(copy.name)


def _families(store: Store, role: Role, path: Path) -> list[tuple[Path, str]]:
    return list(dict.fromkeys((_family(store, role, path), _family(store, Role.PROJECT_CONFIG, path))))


def _family(store: Store, role: Role, path: Path) -> tuple[Path, str]:
    if role is Role.PROJECT_CONFIG:
        import hashlib

        name = hashlib.sha256(os.fsencode(path)).hexdigest()[:12]
        return store.backups, f"{path.name}.{name}.bak-"
    return path.parent, f"{path.name}.bak-"
