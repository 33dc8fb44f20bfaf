"""Apply changes so that they can be undone until `commit`."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Final, Iterable, Sequence

from foundation import signals
from foundation.errors import Refusal, Where
from foundation.files.reading import unchanged
from foundation.files.replace import Attributes, Folder, write_beside, write_in_place
from foundation.files.snapshot import Snapshot
from foundation.files.writable import advice, in_place
from foundation.host import Host
from foundation.protection import for_host
from foundation.secrets import Secret
from foundation.transaction import backups, journal
from foundation.transaction.changes import Change, Delete, Protect, Role, TargetChanged, Write
from foundation.transaction.journal import Entry, FileEntry, FolderEntry, ProtectEntry
from foundation.transaction.rollback import undo
from foundation.workspace import Workspace

_PRIVATE: Final = 0o600


class _StepError(Exception):
    """A step could not be done; `kind` is the kind of refusal for its file."""

    def __init__(self, kind: str, path: Path, problem: OSError) -> None:
        super().__init__(kind)
        self.kind = kind
        self.path = path
        self.why, self.next_step = advice(path, problem)


class _Step:
    """One journal entry and the data for doing it."""

    def __init__(self, entry: Entry, *, data: bytes | None = None, snapshot: Snapshot | None = None) -> None:
        self.entry = entry
        self.data = data
        self.snapshot = snapshot


class Transaction:
    """Changes that become permanent with `commit`; leaving the context without it puts everything back.

    The lock must be held and `recover` must have run. No kept copy contains any of `secrets`.
    """

    def __init__(self, workspace: Workspace, host: Host, secrets: Iterable[Secret] = ()) -> None:
        self._workspace = workspace
        self._host = host
        self._secrets = tuple(secrets)
        self._protection = for_host(host)
        self._entries: list[Entry] = []
        self._begun = 0
        self._kept: list[tuple[Role, Path, Path]] = []
        self._unsynced: list[Path] = []

    def __enter__(self) -> Transaction:
        return self

    @signals.uninterrupted
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        failures = self.rollback()
        if failures:
            raise _incomplete(failures, error) from error

    def apply(self, changes: Sequence[Change]) -> None:
        """Make the changes, in this order; may be called again.

        Raises after everything, also of earlier calls, was put back: TargetChanged if a target is no
        longer as its snapshot shows; Refusal {secret,config,state}_{backup,write}_failed;
        rollback_incomplete if the rollback was incomplete.
        """
        signals.check()
        try:
            self._apply(changes)
        except BaseException as error:
            self._give_up(error)
            raise

    @property
    def kept(self) -> dict[Path, Path]:
        """The copies that are kept after `commit`, by the real path of their file."""
        return {path: copy for _, path, copy in self._kept}

    @property
    def made(self) -> tuple[Path, ...]:
        """The folders that were created, each before what is in it."""
        return tuple(entry.path for entry in self._entries if isinstance(entry, FolderEntry))

    @signals.uninterrupted
    def rollback(self) -> tuple[str, ...]:
        """Put everything back, newest first; returns one sentence for each step that failed."""
        entries, begun = self._entries, self._begun
        self._entries, self._begun, self._kept, self._unsynced = [], 0, [], []
        return undo(self._workspace, self._host, entries, begun).failures if entries else ()

    @signals.uninterrupted
    def commit(self) -> tuple[Path, ...]:
        """Make the changes permanent; returns the kept copies. If it raises, everything was put back."""
        if self._entries:
            try:
                self._sync()
                journal.discard(self._workspace)
                signals.note_commit()
            except OSError as problem:
                self._give_up(_StepError(Role.STATE.failure("write"), self._workspace.journal, problem))
        self._entries, self._begun = [], 0
        for role, path, _ in self._kept:
            # One copy too many is harmless; the next setup tries again.
            with suppress(OSError):
                backups.prune(self._workspace, role, path)
        return tuple(kept for _, _, kept in self._kept)

    @signals.uninterrupted
    def _give_up(self, error: BaseException) -> None:
        failures = self.rollback()
        if failures:
            raise _incomplete(failures, error) from error
        if isinstance(error, _StepError):
            raise _failed(error) from None

    def _apply(self, changes: Sequence[Change]) -> None:
        for change in changes:
            if not isinstance(change, Protect):
                _require_unchanged(change.snapshot)
        try:
            steps = self._steps(changes)
        except OSError as problem:
            raise _StepError(Role.STATE.failure("write"), self._workspace.folder, problem) from None
        if not steps:
            return
        if not self._entries and journal.exists(self._workspace):
            raise Refusal(
                "own_files_unusable",
                "the journal of an unfinished setup is still there",
                where=Where(str(self._workspace.journal)),
                next_step="run this command again; if that does not help, check it and remove it",
            )
        entries = [step.entry for step in steps]
        self._entries.extend(entries)
        try:
            journal.append(self._workspace, entries)
        except OSError as problem:
            raise _StepError(
                _first_role(entries).failure("backup"), self._workspace.journal, problem
            ) from None
        for step in steps:
            self._do(step)

    def _steps(self, changes: Sequence[Change]) -> list[_Step]:
        steps: list[_Step] = []
        known: set[Path] = set()
        for change in changes:
            if isinstance(change, Protect):
                steps += self._protect_steps(change.path.parent, known)
                steps += self._protect_steps(change.path, known)
                continue
            path = Path(change.snapshot.real)
            data = change.data if isinstance(change, Write) else None
            if change.role.backed_up and change.keep_copy and change.snapshot.data is not None:
                steps += self._backup_steps(change.role, path, change.snapshot.data, known)
            if data is not None:
                steps += _folder_steps(path.parent, known)
            if isinstance(change, Write) and change.private:
                steps += self._protect_steps(path.parent, known)
            steps.append(
                _Step(
                    journal.file_entry(
                        self._workspace, change.snapshot, change.role, data, in_place=_in_place(change, data)
                    ),
                    data=data,
                    snapshot=change.snapshot,
                )
            )
        return steps

    def _protect_steps(self, path: Path, known: set[Path]) -> list[_Step]:
        if path in known or not path.exists() or self._protection.inspect(path).ok:
            return []
        known.add(path)
        return [_Step(ProtectEntry(path, self._protection.record(path)))]

    def _backup_steps(self, role: Role, path: Path, data: bytes, known: set[Path]) -> list[_Step]:
        copy = backups.place(self._workspace, role, path, self._host.now())
        missing = Snapshot(path=copy, real=copy, data=None)
        text = self._workspace.kept_copy(data, self._secrets)
        self._kept.append((role, path, copy))
        return [
            *_folder_steps(copy.parent, known),
            _Step(journal.file_entry(self._workspace, missing, role, text), data=text, snapshot=missing),
        ]

    def _do(self, step: _Step) -> None:
        entry = step.entry
        try:
            if isinstance(entry, FileEntry):
                self._replace(entry, step)
                return
            self._begun += 1
            if isinstance(entry, FolderEntry):
                self._make_folder(entry.path)
            else:
                self._protection.apply(entry.path)
        except OSError as problem:
            role = entry.role if isinstance(entry, FileEntry) else Role.SECRET
            backup = any(entry.path == kept for _, _, kept in self._kept)
            raise _StepError(role.failure("backup" if backup else "write"), entry.path, problem) from None

    def _make_folder(self, path: Path) -> None:
        private = self._workspace.owns(path)
        try:
            path.mkdir(mode=0o700 if private else 0o755)
        except FileExistsError:
            return
        if private:
            self._protection.apply(path)
        self._unsynced.append(path.parent)

    def _replace(self, entry: FileEntry, step: _Step) -> None:
        with Folder(entry.path.parent) as folder:
            if step.data is not None and entry.in_place is None:
                self._write_beside(folder, entry, step.data)
            # What a config needs is on disk before the config, and a key is removed after what names it.
            if entry.role not in (Role.STATE, Role.NOTE):
                self._sync()
            if step.snapshot is not None:
                _require_unchanged(step.snapshot)
            self._begun += 1
            if step.data is None:
                folder.remove(entry.path.name)
            elif entry.in_place is not None:
                write_in_place(folder, entry.path.name, step.data)
            else:
                folder.rename(entry.temporary, entry.path.name)
        self._unsynced.append(entry.path.parent)

    def _sync(self) -> None:
        """Make new folders and renames durable."""
        for path in dict.fromkeys(self._unsynced):
            with Folder(path) as folder:
                folder.sync()
        self._unsynced = []

    def _write_beside(self, folder: Folder, entry: FileEntry, data: bytes) -> None:
        private = self._workspace.owns(entry.path) or entry.path in {kept for _, _, kept in self._kept}
        keep = Attributes(_PRIVATE, None) if private else entry.attributes
        if keep is not None:
            keep = replace(keep, modified=None)
        protect = self._protection.apply if private and self._host.windows else None
        write_beside(
            folder, entry.temporary, data, keep, protect=protect, like=None if private else entry.path.name
        )


def _in_place(change: Write | Delete, data: bytes | None) -> bool:
    return data is not None and change.role.backed_up and in_place(change.snapshot) is not None


def _folder_steps(folder: Path, known: set[Path]) -> list[_Step]:
    missing: list[Path] = []
    while folder not in known and _is_missing(folder):
        missing.append(folder)
        known.add(folder)
        folder = folder.parent
    return [_Step(FolderEntry(path)) for path in reversed(missing)]


def _is_missing(folder: Path) -> bool:
    # os.path.lexists would treat an inaccessible folder as missing, to be created and removed again.
    try:
        folder.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    return False


def _require_unchanged(snapshot: Snapshot) -> None:
    if not unchanged(snapshot):
        raise TargetChanged(Path(snapshot.path))


def _first_role(entries: Sequence[Entry]) -> Role:
    return next((entry.role for entry in entries if isinstance(entry, FileEntry)), Role.SECRET)


def _failed(step: _StepError) -> Refusal:
    return Refusal(
        step.kind,
        f"this could not be written ({step.why}); everything is as it was before",
        where=Where(str(step.path)),
        next_step=step.next_step,
    )


def _incomplete(failures: Sequence[str], error: BaseException | None) -> Refusal:
    first = f" after: {error.message}" if isinstance(error, Refusal) else ""
    return Refusal(
        "rollback_incomplete",
        "not everything could be put back: " + "; ".join(failures) + first,
        next_step="check the files named here, then run this command again to retry",
    )
