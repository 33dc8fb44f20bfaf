"""The journal: what a setup is about to do, on disk before it does it.

One JSON object per line, after its SHA-256 sum, appended and synced. A line that is cut off or does not match
its sum ends the journal: it was being written when the process died, so none of what it says has begun.
The file contains exact copies of what is replaced, the key's former value among them, and is gone when the
setup has ended.
"""

from __future__ import annotations

import base64
import errno
import json
import os
import stat
from dataclasses import asdict, dataclass, replace
from itertools import takewhile
from pathlib import Path
from typing import Any, Final, Mapping, Sequence, Union

from foundation.files.links import is_link
from foundation.files.reading import drain
from foundation.files.replace import Attributes, Folder, sync
from foundation.files.snapshot import Snapshot
from foundation.transaction.changes import Role
from foundation.workspace import Workspace

ENTRIES: Final = "entries"
_MOST_BYTES: Final = 256 * 1024 * 1024


@dataclass(frozen=True)
class FolderEntry:
    """A folder that is created; removed again only if it is empty."""

    path: Path


@dataclass(frozen=True)
class ProtectEntry:
    """A mode or access list that is repaired; `recorded` is the old one, as the protection recorded it."""

    path: Path
    recorded: str


@dataclass(frozen=True)
class FileEntry:
    """A file that is created, replaced or removed.

    `before` and `attributes` are what was there (None: nothing). `after` are the SHA-256 sums of what counts
    as ours afterwards: what we wrote, and what Workspace.also_ours adds; empty if the file is
    removed. `temporary` is the name in the same folder under which the new bytes are written.
    `in_place` (None: the file is replaced) are the new bytes of a file that is written in place, so that one
    that was half written is recognised as ours.
    """

    path: Path
    role: Role
    temporary: str
    before: bytes | None
    attributes: Attributes | None
    after: tuple[str, ...]
    in_place: bytes | None = None


Entry = Union[FolderEntry, ProtectEntry, FileEntry]


def file_entry(
    workspace: Workspace, snapshot: Snapshot, role: Role, data: bytes | None, *, in_place: bool = False
) -> FileEntry:
    """The entry for replacing the snapshot's file with `data` (None: for removing it)."""
    path = Path(snapshot.real)
    attributes = None
    if snapshot.mode is not None:
        modified = snapshot.identity[3] if snapshot.identity is not None else None
        attributes = Attributes(snapshot.mode, snapshot.owner, modified)
    return FileEntry(
        path=path,
        role=role,
        temporary=f".{workspace.program}-{os.urandom(6).hex()}.tmp",
        before=snapshot.data,
        attributes=attributes,
        after=() if data is None else digests(workspace, data),
        in_place=data if in_place else None,
    )


def digests(workspace: Workspace, data: bytes) -> tuple[str, ...]:
    """The sums of what counts as ours after `data` was written."""
    return tuple(digest(one) for one in (data, *workspace.also_ours(data)))


def digest(data: bytes) -> str:
    """SHA-256 in hexadecimal."""
    import hashlib

    return hashlib.sha256(data).hexdigest()


def append(workspace: Workspace, entries: Sequence[Entry]) -> None:
    """Add the entries and wait until they are on disk; the journal is created if it does not exist."""
    lines = b"".join(_line(entry) for entry in entries)
    first = not workspace.journal.exists()
    if first:
        with Folder(workspace.folder) as folder:
            folder.make(workspace.journal.name, 0o700)
    with Folder(workspace.journal) as folder:
        descriptor = folder.open(ENTRIES, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            view = memoryview(lines)
            while view:
                view = view[os.write(descriptor, view) :]
            sync(descriptor)
        finally:
            os.close(descriptor)
        if first:
            folder.sync()
    if first:
        with Folder(workspace.folder) as folder:
            folder.sync()


def exists(workspace: Workspace) -> bool:
    """Whether there is a journal, complete or not; True also if that cannot be found out.

    Workspace.require_own_folders reports the reason then.
    """
    try:
        workspace.journal.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def read(workspace: Workspace) -> tuple[Entry, ...]:
    """The entries in the order in which they were begun.

    Raises OSError, also for a journal that another user could have written.
    """
    _require_ours(workspace.journal)
    with Folder(workspace.journal) as folder:
        try:
            descriptor = folder.open(ENTRIES, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        except FileNotFoundError:
            return ()
        try:
            _require_ours(workspace.journal / ENTRIES)
            lines = drain(descriptor, _MOST_BYTES).split(b"\n")
        finally:
            os.close(descriptor)
    # What follows the last line end was cut off.
    entries = (_understood(line) for line in lines[:-1])
    return tuple(takewhile(lambda entry: entry is not None, entries))  # type: ignore[arg-type]


def discard(workspace: Workspace) -> None:
    """Remove the journal, the entries first: from that moment on nothing is undone any more.

    Anything else in it (output of a child on Windows) is removed too. Raises OSError.
    """
    with Folder(workspace.journal) as folder:
        folder.remove(ENTRIES)
    for path in workspace.journal.iterdir():
        if path.is_dir() and not path.is_symlink():
            import shutil

            shutil.rmtree(path)
        else:
            path.unlink()
    workspace.journal.rmdir()
    with Folder(workspace.folder) as folder:
        folder.sync()


def _require_ours(path: Path) -> None:
    status = path.lstat()
    if is_link(path) or not (stat.S_ISDIR(status.st_mode) or stat.S_ISREG(status.st_mode)):
        raise OSError(errno.EINVAL, "it is not a plain file or folder")
    if os.name != "nt" and (status.st_uid != os.getuid() or status.st_mode & 0o022):
        raise OSError(errno.EPERM, "another user can write to it")


def _line(entry: Entry) -> bytes:
    text = json.dumps(_encode(entry)).encode("ascii")
    return digest(text).encode("ascii") + b" " + text + b"\n"


def _understood(line: bytes) -> Entry | None:
    total, _, text = line.partition(b" ")
    if digest(text).encode("ascii") != total:
        return None
    try:
        return _decode(json.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _encode(entry: Entry) -> dict[str, Any]:
    fields: dict[str, Any] = {"kind": type(entry).__name__, **asdict(entry), "path": os.fspath(entry.path)}
    if isinstance(entry, FileEntry):
        fields["role"] = entry.role.value
        for name in ("before", "in_place"):
            data = fields[name]
            fields[name] = None if data is None else base64.b64encode(data).decode("ascii")
    return fields


def _decode(fields: Mapping[str, Any]) -> Entry:
    path = Path(fields["path"])
    if not path.is_absolute():
        raise ValueError(path)
    if fields["kind"] == FolderEntry.__name__:
        return FolderEntry(path)
    if fields["kind"] == ProtectEntry.__name__:
        return ProtectEntry(path, str(fields["recorded"]))
    # A journal of an older version has no "in_place".
    before, in_place = (_bytes(fields.get(name)) for name in ("before", "in_place"))
    attributes = fields["attributes"]
    return FileEntry(
        path=path,
        role=Role(fields["role"]),
        temporary=Path(fields["temporary"]).name,
        before=before,
        attributes=None if attributes is None else _attributes(attributes),
        after=tuple(str(digest) for digest in fields["after"]),
        in_place=in_place,
    )


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text, validate=True)


def _attributes(fields: Mapping[str, Any]) -> Attributes:
    owner = fields["owner"]
    kept = Attributes(mode=int(fields["mode"]), owner=None, modified=fields["modified"])
    return kept if owner is None else replace(kept, owner=(int(owner[0]), int(owner[1])))
