"""Copies that stay: of a config as it was before it was changed, without a key in it.

`<name>.bak-YYYYMMDDTHHMMSSZ` beside a user config; for a project file
`~/.gonkagate/opencode/backups/project-config/<name>.<first 12 hex of sha256(path)>.bak-<stamp>`, because a
copy beside it could be committed. The npm tool uses the same names. At most KEPT per file; the oldest go.
"""

from __future__ import annotations

import os
import re
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from gonkagate_setup.core.catalog import Profile
from gonkagate_setup.system.folder import Folder
from gonkagate_setup.system.transaction.changes import Role
from gonkagate_setup.system.transaction.store import Store

KEPT: Final = 10
# Shorter literals could be a part of something else.
_UNMISTAKABLE: Final = 8
_STAMP: Final = re.compile(r"(\d{8}T\d{6}Z)(?:-(\d+))?\Z")
_PROJECT_COPY: Final = re.compile(r".+\.[0-9a-f]{12}\.bak-\d{8}T\d{6}Z(?:-\d+)?")
_REFERENCE: Final = re.compile(r"\{(?:env|file):[^}]+\}\Z")


def place(store: Store, role: Role, path: Path, now: datetime) -> Path:
    """A name that nothing has yet for a copy of `path`."""
    folder, prefix = _family(store, role, path)
    base = folder / f"{prefix}{now.strftime('%Y%m%dT%H%M%SZ')}"
    candidate, number = base, 1
    while os.path.lexists(candidate):
        number += 1
        candidate = base.with_name(f"{base.name}-{number}")
    return candidate


def without_key(data: bytes, profile: Profile) -> bytes:
    """The copy with the canonical binding in place of a literal at `provider.<id>.options.apiKey`.

    The same literal goes wherever else it stands. Where the text cannot be parsed, or holds our key's place
    twice, everything that has the shape of a key is replaced instead.
    """
    from gonkagate_setup.core import jsonc

    path = ("provider", profile.id, "options", "apiKey")
    try:
        document = jsonc.parse(jsonc.decode(data))
    except jsonc.JsoncError:
        return _without_shapes(data, profile)
    node = document.find(path)
    if node is not None and _is_literal(node.value, profile):
        literal = str(node.value)
        data = document.set(path, profile.key_binding).text.encode("utf-8")
        if len(literal) >= _UNMISTAKABLE:
            data = data.replace(literal.encode("utf-8"), profile.key_binding.encode("utf-8"))
    if any(path[: len(entry[0])] == entry[0] for entry in document.duplicates):
        data = _without_shapes(data, profile)
    return data


def copies(store: Store, role: Role, path: Path) -> list[Path]:
    """The kept copies of `path`, oldest first: what has exactly such a name. Raises OSError."""
    folder, prefix = _family(store, role, path)
    found = []
    for name in os.listdir(folder):  # noqa: PTH208  # only names are wanted
        match = _STAMP.fullmatch(name[len(prefix) :]) if name.startswith(prefix) else None
        if match is not None:
            found.append((match[1], int(match[2] or 1), folder / name))
    return [copy for _, _, copy in sorted(found)]


def project_copies(store: Store) -> list[Path]:
    """The kept copies of project files, of every project. Raises OSError."""
    names = os.listdir(store.backups) if store.backups.is_dir() else []  # noqa: PTH208
    return [store.backups / name for name in sorted(names) if _PROJECT_COPY.fullmatch(name)]


def prune(store: Store, role: Role, path: Path) -> None:
    """Keep the newest KEPT copies of `path`. Raises OSError."""
    for copy in copies(store, role, path)[:-KEPT]:
        with Folder(copy.parent) as folder:
            folder.remove(copy.name)


def _family(store: Store, role: Role, path: Path) -> tuple[Path, str]:
    if role is Role.PROJECT_CONFIG:
        import hashlib

        name = hashlib.sha256(os.fsencode(path)).hexdigest()[:12]
        return store.backups, f"{path.name}.{name}.bak-"
    return path.parent, f"{path.name}.bak-"


def _is_literal(value: Any, profile: Profile) -> bool:
    return isinstance(value, str) and value not in ("", profile.key_binding) and not _REFERENCE.match(value)


def _without_shapes(data: bytes, profile: Profile) -> bytes:
    shape = re.compile(re.escape(profile.key_prefix.encode()) + rb"[!-~]*?(?=[\"'\\\s,}]|\Z)")
    return shape.sub(profile.key_binding.encode(), data)
