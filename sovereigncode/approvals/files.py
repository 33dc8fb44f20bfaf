"""The files of approvals: read with bounds, only plain files of this user, and replaced atomically."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from foundation.errors import Refusal
from foundation.files.links import is_link
from foundation.files.reading import READ, drain, reason
from foundation.files.replace import Attributes, Folder, write_beside
from sovereigncode.approvals.approval import Approval, State, is_id, parsed
from sovereigncode.audit.folders import require_own_file

KIND: Final = "workspace_unusable"
# A diff of a large file, twice: in the arguments and as a diff.
LARGEST: Final = 16 * 1024 * 1024
_SUFFIX: Final = ".json"


@dataclass(frozen=True)
class Listed:
    """One approval as it is now; if it is invalid, `why`, and no `approval` if its file is not one."""

    id: str
    state: State
    place: Path
    approval: Approval | None = None
    why: str | None = None


def has(folder: Folder, approval_id: str) -> bool:
    """Whether there is a file for this id, which may be any text."""
    return is_id(approval_id) and folder.has(approval_id + _SUFFIX)


def names(folder: Folder) -> list[str]:
    """The ids, which begin with the time, so the oldest first."""
    names = (Path(name) for name in os.listdir(folder.path))  # noqa: PTH208 - names only
    return sorted(name.stem for name in names if name.suffix == _SUFFIX and is_id(name.stem))


def loaded(folder: Folder, name: str) -> Listed:
    """The approval as its file says. A file that cannot be read, or is not only ours, is one invalid one."""
    place = folder.path / f"{name}{_SUFFIX}"
    try:
        approval = parsed(name, _read(folder, place))
    except ValueError as problem:
        return Listed(name, State.INVALID, place, None, str(problem))
    except Refusal as refusal:
        return Listed(name, State.INVALID, place, None, refusal.message)
    except OSError as problem:
        return Listed(name, State.INVALID, place, None, f"this cannot be read ({reason(problem)})")
    return as_listed(folder, approval)


def as_listed(folder: Folder, approval: Approval) -> Listed:
    """An approval and where its file is."""
    return Listed(approval.id, approval.state, folder.path / f"{approval.id}{_SUFFIX}", approval)


def _read(folder: Folder, place: Path) -> bytes:
    if is_link(place):
        raise ValueError("this is a link")
    descriptor = folder.open(place.name, READ)
    try:
        require_own_file(place, descriptor, KIND)
        data = drain(descriptor, LARGEST)
    finally:
        os.close(descriptor)
    if len(data) > LARGEST:
        raise ValueError(f"this is larger than {LARGEST} bytes")
    return data


def write(folder: Folder, approval: Approval) -> None:
    """Replace or create the file, synced. Raises OSError."""
    name = f"{approval.id}{_SUFFIX}"
    temporary = f".{name}.tmp"
    folder.remove(temporary)
    try:
        write_beside(folder, temporary, approval.text(), Attributes(0o600, None))
        folder.rename(temporary, name)
    except OSError:
        folder.remove(temporary)
        raise
    folder.sync()
