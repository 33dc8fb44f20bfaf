"""Put back what the journal says, newest first, judging by the disk alone.

A step that the system refuses is reported and does not stop the others. What somebody else wrote, moved or
removed since is kept, and so is the secret file if a kept config refers to it: without it what reads that
config would not start.
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Sequence

from foundation.errors import Refusal, Where
from foundation.files import mounts
from foundation.files.reading import read_snapshot, reason
from foundation.files.replace import Folder, write_beside, write_in_place
from foundation.host import Host
from foundation.protection import for_host
from foundation.transaction import backups, found, journal
from foundation.transaction.changes import Role
from foundation.transaction.journal import Entry, FileEntry, FolderEntry, ProtectEntry
from foundation.workspace import Workspace

# Errors that will occur again until somebody changes who may write there.
_REFUSED: Final = frozenset({errno.EROFS, errno.EACCES, errno.EPERM, errno.EBUSY})


@dataclass(frozen=True)
class Left:
    """A config with a part of an interrupted setup in it that was not put back, and why (half a sentence).

    `copy` is the kept copy of what it was before that setup.
    """

    path: Path
    role: Role
    why: str
    copy: Path | None = None


@dataclass(frozen=True)
class Recovery:
    """What was put back of an unfinished setup, and what was not; `failures` are sentences for a report."""

    restored: tuple[Path, ...]
    failures: tuple[str, ...]
    left: tuple[Left, ...] = ()


@dataclass
class _Undoing:
    """The state of one rollback.

    For example, a user edited a config after the setup was killed, so it is not put back. Its bytes are in
    `texts`, because they may name the key file; its path is in `places`, because its backup must be kept.
    `promised`: the setup itself called this, and reports what is not as before. `unsure`: such a config
    could not be read, so the key may be needed.
    """

    workspace: Workspace
    host: Host
    promised: bool = False
    go_on: bool = False
    restored: list[Path] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    texts: list[bytes] = field(default_factory=list)
    places: list[Path] = field(default_factory=list)
    copies: dict[Path, Path] = field(default_factory=dict)
    unsure: bool = False
    secret_left: Path | None = None
    again: bool = False


def recover(workspace: Workspace, host: Host, *, go_on: bool = False) -> Recovery | None:
    """Undo an unfinished journal; None if there is none. The lock must be held.

    `go_on`: a config that the system does not let us write is kept and not tried again, because
    the caller can continue from it. Raises Refusal own_files_unusable for a journal that is not a plain
    file of this user.
    """
    if not journal.exists(workspace):
        return None
    try:
        entries = journal.read(workspace)
    except OSError as problem:
        raise Refusal(
            "own_files_unusable",
            f"the journal of an unfinished setup cannot be trusted or read ({reason(problem)})",
            where=Where(str(workspace.journal)),
            next_step="check it, remove it, then run this command again",
        ) from None
    work = _Undoing(workspace, host, go_on=go_on)
    _undo(work, entries, len(entries))
    # Without an entry nothing had begun, or everything had been committed.
    return _recovery(work) if entries or work.failures else None


def undo(workspace: Workspace, host: Host, entries: Sequence[Entry], begun: int) -> Recovery:
    """Put everything back and remove the journal.

    `begun` is how many of the entries may have been done; of a later one only the file written next to its
    target is removed. The journal is kept for the next run if the system refused a step. A config with our
    values and somebody else's later edit is a failure here: the setup promised to put it back.
    """
    work = _Undoing(workspace, host, promised=True)
    _undo(work, entries, begun)
    work.failures += [f"{left.path} {left.why}, so it was left as it is" for left in work.left]
    if work.secret_left is not None:
        work.failures.append(
            f"{work.secret_left} was kept, because a config that was not put back may refer to it"
        )
    return _recovery(work)


def _recovery(work: _Undoing) -> Recovery:
    left = tuple(
        Left(one.path, one.role, one.why, next((c for c, of in work.copies.items() if of == one.path), None))
        for one in work.left
    )
    return Recovery(tuple(work.restored), tuple(work.failures), left)


def _undo(work: _Undoing, entries: Sequence[Entry], begun: int) -> None:
    configs = [entry.path for entry in entries if isinstance(entry, FileEntry) and entry.role.backed_up]
    for beside in sorted(
        {path.with_name(name) for path in configs for name in work.workspace.config_names} - set(configs)
    ):
        # A config may have been renamed since, or its user may have written the key's name into it.
        work.texts.append(_behind(work, beside))
    for number, entry in reversed(list(enumerate(entries))):
        _try_one(work, entry, begun=number < begun)
    if not work.again and journal.exists(work.workspace):
        try:
            journal.discard(work.workspace)
        except OSError as problem:
            # Removed but not synced is not a failure: if it comes back, everything is already as before.
            if journal.exists(work.workspace):
                work.failures.append(f"{work.workspace.journal} could not be removed ({reason(problem)})")


def _try_one(work: _Undoing, entry: Entry, *, begun: bool) -> None:
    try:
        if begun:
            _undo_one(work, entry)
        elif isinstance(entry, FileEntry) and found.in_its_folder(entry):
            with Folder(entry.path.parent) as folder:
                folder.remove(entry.temporary)
    except (OSError, Refusal) as problem:
        why = reason(problem) if isinstance(problem, OSError) else problem.message
        if work.go_on and isinstance(problem, OSError) and _can_stay(entry, problem):
            if isinstance(entry, FileEntry) and not _is_copy(work, entry):
                work.unsure = True
                _leave(work, entry, f"cannot be written ({why})")
            return
        work.failures.append(f"{entry.path} could not be put back ({why})")
        work.again = True


def _can_stay(entry: Entry, problem: OSError) -> bool:
    mine = isinstance(entry, FileEntry) and not entry.role.backed_up
    return problem.errno in _REFUSED and not mine and not isinstance(entry, ProtectEntry)


def _undo_one(work: _Undoing, entry: Entry) -> None:
    if isinstance(entry, FolderEntry):
        _undo_folder(entry)
    elif isinstance(entry, ProtectEntry):
        if entry.path.exists():
            for_host(work.host).restore(entry.path, entry.recorded)
    else:
        _undo_file(work, entry)


def _undo_folder(entry: FolderEntry) -> None:
    try:
        entry.path.rmdir()
    except OSError as problem:
        # Somebody else put something there: then it is kept, and so is what took its place. On
        # a file system that is mounted read-only, the error is EROFS even for what does not exist.
        full = problem.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR)
        if not full and os.path.lexists(entry.path) and not _filled(entry.path):
            raise


def _filled(folder: Path) -> bool:
    try:
        return any(folder.iterdir())
    except OSError:
        return False


def _undo_file(work: _Undoing, entry: FileEntry) -> None:
    if not found.in_its_folder(entry):
        # The folder was removed, moved away or is a link now: what that name leads to is not what we wrote.
        _stays(work, entry, _behind(work, entry.path))
        with suppress(OSError), Folder(Path(os.path.realpath(entry.path.parent))) as moved:
            moved.remove(entry.temporary)
        return
    with Folder(entry.path.parent) as folder:
        folder.remove(entry.temporary)
        if found.somebody_elses(entry):
            _stays(work, entry, _behind(work, entry.path))
            return
        now = read_snapshot(entry.path, follow_links=False, limit=found.limit(entry)).data
        ours = found.is_ours(entry, now)
        # The old bytes with another mode: ours only if we wrote exactly those bytes; otherwise somebody
        # restored them by hand and chose the mode.
        if now == entry.before and not (ours and now is not None and found.mode_differs(entry)):
            return
        if ours and _is_copy(work, entry):
            return
        if not ours and now != entry.before:
            _stays(work, entry, now)
        elif entry.before is None:
            _remove(work, folder, entry)
        else:
            _restore(work, folder, entry, entry.before)


def _behind(work: _Undoing, path: Path) -> bytes:
    text = found.behind(path)
    work.unsure = work.unsure or text is None
    return text or b""


def _stays(work: _Undoing, entry: FileEntry, now: bytes | None) -> None:
    """Somebody else wrote, moved or removed this file since; it is not touched."""
    if not entry.role.backed_up or _is_copy(work, entry):
        return
    if (
        now is not None
        and entry.before is not None
        and journal.digest(now) in journal.digests(work.workspace, entry.before)
    ):
        return
    work.texts.append(now or b"")
    if entry.before is not None:
        work.places.append(entry.path)
    if now is not None and work.workspace.has_traces(now):
        _leave(work, entry, "was since changed by another program")


def _leave(work: _Undoing, entry: FileEntry, why: str) -> None:
    if entry.before is not None and entry.path not in work.places:
        work.places.append(entry.path)
    work.left.append(Left(entry.path, entry.role, why))


def _is_copy(work: _Undoing, entry: FileEntry) -> bool:
    """Whether this is the copy of a kept config: the only place that still has its former content."""
    if not entry.role.backed_up or entry.before is not None:
        return False
    of = next(
        (path for path in work.places if backups.is_copy(work.workspace, entry.role, path, entry.path)), None
    )
    if of is not None:
        work.copies[entry.path] = of
    return of is not None


def _remove(work: _Undoing, folder: Folder, entry: FileEntry) -> None:
    if entry.role is Role.SECRET:
        needed = any(work.workspace.needs_secret(text) for text in work.texts)
        if needed or work.unsure or work.again:
            work.secret_left = entry.path
            work.again = work.again or (work.promised and not needed)
            return
    folder.remove(entry.path.name)
    folder.sync()
    work.restored.append(entry.path)


def _restore(work: _Undoing, folder: Folder, entry: FileEntry, before: bytes) -> None:
    modified = None if entry.attributes is None else entry.attributes.modified
    if entry.in_place is not None or mounts.is_mount_point(entry.path):
        write_in_place(folder, entry.path.name, before, modified)
        work.restored.append(entry.path)
        return
    private = work.workspace.owns(entry.path)
    write_beside(
        folder,
        entry.temporary,
        before,
        entry.attributes,
        protect=for_host(work.host).apply if private and work.host.windows else None,
        like=entry.path.name,
    )
    folder.rename(entry.temporary, entry.path.name)
    folder.sync()
    work.restored.append(entry.path)
