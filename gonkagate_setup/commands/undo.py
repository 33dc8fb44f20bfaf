"""undo: what the last setup did to the configs and the setup record is undone; the key file is kept.

A file that was not changed since gets its former bytes again, or is removed if the setup created it. In a
file that was changed since, only our keys are undone, each only if it still has our value.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Sequence

from foundation.files import mounts, reading
from foundation.files.links import require_within
from foundation.files.snapshot import Snapshot
from foundation.host import Host
from foundation.terminal.prompts import Prompter
from foundation.terminal.terminal import Terminal
from foundation.terminal.text import moment, visible
from foundation.transaction import Delete, Role, Write, backups, journal
from foundation.transaction.changes import Change
from gonkagate_setup.catalog import Profile
from gonkagate_setup.changes import install_state as states
from gonkagate_setup.changes import undoing
from gonkagate_setup.changes.history import FileChange, History
from gonkagate_setup.changes.undoing import FileEdit
from gonkagate_setup.commands import known_keys, last_change, recovery, teardown
from gonkagate_setup.commands.teardown import Request
from gonkagate_setup.errors import Exit
from gonkagate_setup.judgement.findings import Finding
from gonkagate_setup.report import FileReport, Report
from gonkagate_setup.store import Store
from gonkagate_setup.ui.preview import preview as preview_of

_KEY_STAYS = "the key file is kept"


@dataclass(frozen=True)
class _Plan:
    """Everything that an undo does: `changes` in order, `edits` of configs, and the report on each file."""

    history: History
    edits: tuple[FileEdit, ...]
    changes: tuple[Change, ...]
    reports: tuple[FileReport, ...]
    folders: tuple[Path, ...]

    @property
    def seen(self) -> object:
        """See teardown.Plan."""
        return self.edits


def run(request: Request, host: Host, profile: Profile, terminal: Terminal, prompter: Prompter) -> Report:
    """Undo the last setup; raises Refusal, and then nothing was changed."""
    store = Store.at(host.home, profile)
    store.require_own_folders()
    known_keys.keys(store, host, terminal)
    left = recovery.put_back(store, host, terminal, dry_run=request.dry_run)
    secrets = known_keys.keys(store, host, terminal)
    report = teardown.run(_Undo(store), request, store, host, terminal, prompter, secrets)
    return replace(report, findings=(*report.findings, *left))


@dataclass(frozen=True)
class _Undo(teardown.Verb["_Plan"]):
    store: Store
    question = "Undo this?"

    def plan(self) -> _Plan | Report:
        """See teardown.Verb."""
        plan = _plan(self.store)
        return _report(self.store.profile, "success", "There is nothing to undo") if plan is None else plan

    def preview(self, plan: _Plan, unusual: tuple[Finding, ...], width: int) -> str:
        """See teardown.Verb."""
        return _preview(plan, self.store, unusual, width)

    def dry_run(self, plan: _Plan, unusual: tuple[Finding, ...], diff: str) -> Report:
        """See teardown.Verb."""
        message = "Nothing was written; this is what would be undone"
        return _report(self.store.profile, "dry_run", message, plan, unusual, diff=diff)

    def done(self, plan: _Plan, unusual: tuple[Finding, ...]) -> Report:
        """See teardown.Verb."""
        message = f"The setup of {moment(plan.history.at)} is undone; {_KEY_STAYS}"
        return _report(self.store.profile, "success", message, plan, unusual)


def _preview(plan: _Plan, store: Store, findings: Sequence[Finding], width: int) -> str:
    about = {
        "restore": "byte for byte as it was before the setup",
        "update": "only the keys that the setup wrote are restored; later changes are kept",
        "delete": "was created by the setup",
    }
    duplicates = {
        str(edit.snapshot.path): [visible(duplicate.sentence) for duplicate in edit.duplicates]
        for edit in plan.edits
    }
    entries = [
        (
            report,
            [about[report.action], *duplicates.get(report.path, ())] if "config" in report.role else [],
        )
        for report in plan.reports
        if report.role in ("user_config", "project_config", "state")
    ]
    entries.append(
        (
            FileReport(str(store.key), "secret", "keep"),
            [f"{_KEY_STAYS}; gonkagate-setup uninstall removes it"],
        )
    )
    return preview_of(f"Undo the setup of {moment(plan.history.at)}", entries, findings, width)


def _plan(store: Store) -> _Plan | None:
    """None if there is no undo record, or one of a setup that was undone."""
    record_file, history = last_change.read(store)
    if history is None or not history.files:
        return None
    edits: list[FileEdit] = []
    changes: list[Change] = []
    reports: list[FileReport] = []
    used: list[Change] = []
    folders: list[Path] = []
    # The file that was written last is restored first, so that opencode can start at any moment.
    for change in reversed(history.files):
        snapshot = reading.read_snapshot(Path(change.path))
        if change.layer == Role.PROJECT_CONFIG.value and str(snapshot.real) != change.real:
            # A link may have been put into the project since; its config is at its root.
            require_within(Path(change.path), Path(snapshot.real), Path(change.path).parent)
        if mounts.is_mount_point(Path(snapshot.real)):
            # It cannot be removed, so only what the setup wrote is removed from it.
            change = replace(change, existed=True)  # noqa: PLW2901
        untouched = _untouched(change, snapshot)
        copy = _copy(store, change) if untouched else None
        edit = undoing.undo(change, snapshot, untouched=untouched, copy=None if copy is None else copy.data)
        if edit is None:
            continue
        whole = edit.operations is None
        role = Role(change.layer)
        edits.append(edit)
        if edit.after is None:
            changes.append(Delete(snapshot, role, keep_copy=False))
            folders += [Path(folder) for folder in change.folders]
        else:
            changes.append(Write(snapshot, edit.after.encode(), role, keep_copy=not whole))
        if whole and copy is not None:
            used.append(Delete(copy, Role.NOTE))
        action = "delete" if edit.after is None else "restore" if whole else "update"
        reports.append(FileReport(str(snapshot.path), change.layer, action, leads_to=snapshot.leads_to))
    state_change, state_report = _state(store, history)
    changes += [*used, *state_change, *_marker(store, history)]
    changes.append(last_change.after_undo(record_file, history, edits))
    folders += [store.backups, store.backups.parent]
    return _Plan(history, tuple(edits), tuple(changes), (*reports, *state_report), tuple(folders))


def _untouched(change: FileChange, snapshot: Snapshot) -> bool:
    same_place = str(snapshot.real) == change.real
    return same_place and snapshot.data is not None and journal.digest(snapshot.data) in change.after


def _copy(store: Store, change: FileChange) -> Snapshot | None:
    """The kept backup, if it still exists under a name that we use for backups."""
    if change.backup is None:
        return None
    path = Path(change.backup)
    try:
        known = backups.copies(store, Role(change.layer), Path(change.real))
    except FileNotFoundError:
        return None
    except OSError as problem:
        reading.refuse_reading(path.parent, problem)
    return reading.read_snapshot(path, follow_links=False) if path in known else None


def _state(store: Store, history: History) -> tuple[list[Change], list[FileReport]]:
    snapshot = reading.read_snapshot(store.state, follow_links=False)
    former = states.render_fields(history.state) if history.state else None
    if former == snapshot.data:
        return [], []
    if former is None:
        return [Delete(snapshot, Role.STATE)], [FileReport(str(store.state), "state", "delete")]
    return (
        [Write(snapshot, former, Role.STATE, private=True)],
        [FileReport(str(store.state), "state", "restore")],
    )


def _marker(store: Store, history: History) -> list[Change]:
    """Restore whether GonkaGate was only made available."""
    snapshot = reading.read_snapshot(store.available, follow_links=False)
    if history.available == snapshot.exists:
        return []
    if snapshot.exists:
        return [Delete(snapshot, Role.STATE)]
    return [Write(snapshot, states.AVAILABLE_ONLY, Role.STATE, private=True)]


def _report(
    profile: Profile,
    status: str,
    message: str,
    plan: _Plan | None = None,
    findings: tuple[Finding, ...] = (),
    *,
    diff: str | None = None,
) -> Report:
    return Report(
        command="undo",
        status=status,
        exit_status=Exit.DONE,
        message=message,
        profile=profile,
        changed=plan is not None and bool(plan.edits),
        files=() if plan is None else plan.reports,
        findings=findings,
        details={} if diff is None else {"diff": diff},
    )
