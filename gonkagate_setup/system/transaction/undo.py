"""Put back what the journal says, newest first, judging by the disk alone.

A step that fails is reported and stops nothing else. What somebody else wrote since stays, and so does the
key file when a config that stays refers to it: without it opencode would not start.
"""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Sequence

from gonkagate_setup.errors import SetupError, Where
from gonkagate_setup.system.files import read_snapshot, reason
from gonkagate_setup.system.folder import Folder, write_beside
from gonkagate_setup.system.host import Host
from gonkagate_setup.system.protection import for_host
from gonkagate_setup.system.store import Store
from gonkagate_setup.system.transaction import journal
from gonkagate_setup.system.transaction.changes import Role
from gonkagate_setup.system.transaction.journal import Entry, FileEntry, FolderEntry, ProtectEntry


@dataclass(frozen=True)
class Recovery:
    """What was put back of a setup that did not end; `failures` are sentences for a report."""

    restored: tuple[Path, ...]
    failures: tuple[str, ...]


@dataclass
class _Undoing:
    store: Store
    host: Host
    restored: list[Path]
    left: list[bytes]
    failures: list[str]
    again: bool = False


def recover(store: Store, host: Host) -> Recovery | None:
    """Undo an unfinished journal; None where there is none. The lock must be held.

    Raises SetupError managed_state_unusable for a journal that is not a plain one of this user's.
    """
    if not journal.exists(store):
        return None
    try:
        entries = journal.read(store)
    except OSError as problem:
        raise SetupError(
            "managed_state_unusable",
            f"the journal of an unfinished setup cannot be trusted or read ({reason(problem)})",
            where=Where(str(store.journal)),
            next_step="look at it, remove it, then run this command again",
        ) from None
    done = undo(store, host, entries)
    # Without an entry nothing had begun, or all had been committed.
    return done if entries or done.failures else None


def undo(store: Store, host: Host, entries: Sequence[Entry], begun: int | None = None) -> Recovery:
    """Put everything back and remove the journal.

    `begun` is how many of the entries may have taken place (None: all); what is otherwise than before at a
    later one is no business of ours, but the file written beside it goes. The journal stays for the next
    run where the system refused a step.
    """
    work = _Undoing(store, host, [], [], [])
    for number, entry in reversed(list(enumerate(entries))):
        _try_one(work, entry, begun=begun is None or number < begun)
    if not work.again and journal.exists(store):
        try:
            journal.discard(store)
        except OSError as problem:
            # Gone but not synced is no failure: should it come back, it finds everything as before.
            if journal.exists(store):
                work.failures.append(f"{store.journal} could not be removed ({reason(problem)})")
    return Recovery(tuple(work.restored), tuple(work.failures))


def _try_one(work: _Undoing, entry: Entry, *, begun: bool) -> None:
    try:
        if begun:
            _undo_one(work, entry)
        elif isinstance(entry, FileEntry) and entry.path.parent.exists():
            with Folder(entry.path.parent) as folder:
                folder.remove(entry.temporary)
    except (OSError, SetupError) as problem:
        why = reason(problem) if isinstance(problem, OSError) else problem.message
        work.failures.append(f"{entry.path} could not be put back ({why})")
        work.again = True


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
    except FileNotFoundError:
        pass
    except OSError as problem:
        # opencode or somebody else put something there: then it stays.
        if problem.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise


def _undo_file(work: _Undoing, entry: FileEntry) -> None:
    if not entry.path.parent.exists():
        if entry.before is not None:
            raise OSError(errno.ENOENT, os.strerror(errno.ENOENT))
        return
    with Folder(entry.path.parent) as folder:
        folder.remove(entry.temporary)
        now = read_snapshot(entry.path, follow_links=False, limit=_limit(entry)).data
        ours = now is None if not entry.after else now is not None and journal.digest(now) in entry.after
        # The old bytes under another mode: ours only where we wrote those very bytes, else somebody put them
        # back by hand and made of the mode what they liked.
        if now == entry.before and not (ours and now is not None and _mode_differs(entry)):
            return
        if not ours and now != entry.before:
            _leave(work, entry, now)
        elif entry.before is None:
            _remove(work, folder, entry)
        else:
            _restore(work, folder, entry, entry.before)


def _limit(entry: FileEntry) -> int:
    return max(16 * 1024 * 1024, 2 * len(entry.before or b""))


def _mode_differs(entry: FileEntry) -> bool:
    if entry.attributes is None or os.name == "nt":
        return False
    return stat.S_IMODE(entry.path.lstat().st_mode) != entry.attributes.mode


def _leave(work: _Undoing, entry: FileEntry, now: bytes | None) -> None:
    work.left.append(now or b"")
    work.failures.append(f"{entry.path} was changed by another program since, so it was left as it is")


def _remove(work: _Undoing, folder: Folder, entry: FileEntry) -> None:
    reference = "/".join((*work.store.profile.folder, work.store.profile.key_file)).encode()
    if entry.role is Role.SECRET and (work.again or any(reference in text for text in work.left)):
        work.failures.append(f"{entry.path} was left, because a config that was left may refer to it")
        return
    folder.remove(entry.path.name)
    folder.sync()
    work.restored.append(entry.path)


def _restore(work: _Undoing, folder: Folder, entry: FileEntry, before: bytes) -> None:
    private = work.store.owns(entry.path)
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
