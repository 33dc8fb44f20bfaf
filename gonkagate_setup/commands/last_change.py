"""The undo record (last-change.json), written by `setup` and read by `undo` and `uninstall`."""

from __future__ import annotations

from pathlib import Path
from typing import Sequence

from foundation.errors import Refusal, Where
from foundation.files import reading
from foundation.files.snapshot import Snapshot
from foundation.host import Host
from foundation.transaction import Delete, Role, Transaction, Write, journal
from gonkagate_setup.catalog import ConfigPath
from gonkagate_setup.changes import history, recorded_repairs
from gonkagate_setup.changes import install_state as states
from gonkagate_setup.changes.history import FileChange, History
from gonkagate_setup.changes.install_state import State
from gonkagate_setup.changes.plan import ConfigChange, Plan
from gonkagate_setup.changes.undoing import FileEdit
from gonkagate_setup.store import Store
from opencode_config import jsonc


def read(store: Store) -> tuple[Snapshot, History | None]:
    """The undo record's file and its content; None if there is no file.

    Raises Refusal undo_record_unusable for one that is not understood.
    """
    snapshot = reading.read_snapshot(store.history, follow_links=False)
    if snapshot.data is None:
        return snapshot, None
    try:
        return snapshot, history.parse(snapshot.data)
    except ValueError as problem:
        raise Refusal(
            "undo_record_unusable",
            f"the undo record cannot be used: {problem}",
            where=Where(str(store.history)),
            next_step="restore the backups by hand, or run: gonkagate-setup uninstall",
        ) from None


def writing(
    store: Store,
    host: Host,
    plan: Plan,
    former_state: State | None,
    done: Transaction,
    *,
    available: bool = False,
) -> list[Write]:
    """The change that records what `done` wrote; none if no config changed: the former record is kept.

    `available`: GonkaGate was only made available before.
    """
    changed = [config for config in plan.configs if config.changed]
    if not changed:
        return []
    snapshot = reading.read_snapshot(store.history, follow_links=False)
    try:
        former = history.parse(snapshot.data or b"")
    except ValueError:
        former = History(at="", files=(), state=None, created=())
    mine = [str(config.snapshot.real) for config in changed if not config.snapshot.exists]
    written = tuple(_file(store, config, done) for config in changed)
    record = History(
        at=states.timestamp(host.now()),
        files=written,
        state=None if former_state is None else states.fields(former_state),
        created=tuple(dict.fromkeys((*former.created, *mine))),
        available=available,
        repairs=recorded_repairs.added(former.repairs, _repairs(plan, written)),
    )
    return [Write(snapshot, history.render(record), role=Role.NOTE, private=True)]


def after_undo(snapshot: Snapshot, undone: History, edits: Sequence[FileEdit]) -> Write | Delete:
    """The undo record is removed, but for the configs that setups made and that are still there."""
    gone = {str(edit.snapshot.real) for edit in edits if edit.after is None}
    left = tuple(path for path in undone.created if path not in gone and Path(path).exists())
    earlier = recorded_repairs.without(undone.repairs, undone.files)
    if not left and not earlier:
        return Delete(snapshot, role=Role.NOTE)
    record = History(at=undone.at, files=(), state=None, created=left, repairs=earlier)
    return Write(snapshot, history.render(record), role=Role.NOTE, private=True)


def _repairs(plan: Plan, written: Sequence[FileChange]) -> list[FileChange]:
    """The keys that were written only because they were in the way."""
    by_file: dict[str, list[ConfigPath]] = {}
    for repair in plan.repairs:
        by_file.setdefault(str(repair.snapshot.real), []).append(repair.operation.path)
    return [recorded_repairs.only(change, by_file.get(change.real, ())) for change in written]


def _file(store: Store, config: ConfigChange, done: Transaction) -> FileChange:
    real = Path(config.snapshot.real)
    backup = done.kept.get(real)
    before, after = jsonc.parse(config.before).value, jsonc.parse(config.after).value
    return FileChange(
        path=str(config.snapshot.path),
        real=str(real),
        layer=config.layer,
        existed=config.snapshot.exists,
        after=journal.digests(store, config.after.encode()),
        backup=None if backup is None else str(backup),
        folders=tuple(str(folder) for folder in done.made if folder in real.parents),
        keys=history.key_changes(store.profile, before, after, config.operations),
    )
