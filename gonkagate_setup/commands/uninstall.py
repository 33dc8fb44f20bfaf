"""uninstall: remove what this program provably wrote, configs first, the key last; keep what is the user's.

It starts no opencode, so it also works after opencode is gone.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator, Sequence

from foundation import transaction as transactions
from foundation.errors import Refusal
from foundation.files import mounts, reading
from foundation.files.snapshot import Snapshot
from foundation.host import Host
from foundation.terminal.prompts import Prompter
from foundation.terminal.terminal import Terminal
from foundation.terminal.text import visible
from foundation.transaction import Delete, Role, Write, backups
from foundation.transaction.changes import Change
from gonkagate_setup import credential
from gonkagate_setup.catalog import Profile
from gonkagate_setup.changes import install_state as states
from gonkagate_setup.changes import uninstalling
from gonkagate_setup.changes.history import FileChange, History
from gonkagate_setup.changes.undoing import FileEdit
from gonkagate_setup.changes.uninstalling import Removal
from gonkagate_setup.commands import known_keys, last_change, recovery, teardown
from gonkagate_setup.commands.teardown import Request
from gonkagate_setup.errors import Exit
from gonkagate_setup.judgement.findings import Finding
from gonkagate_setup.report import FileReport, Report
from gonkagate_setup.store import OwnFile, Store
from gonkagate_setup.ui import render
from gonkagate_setup.ui.preview import preview as preview_of
from opencode_config.program.surveying import take_survey
from opencode_config.survey import Survey

_ELSEWHERE = (
    "Projects in other folders cannot be checked from here: an opencode.json there may still name "
    "a {name} model, which opencode would no longer find"
)


@dataclass(frozen=True)
class _Plan:
    """Everything that is removed: `changes` in order, `reports` for each file that the user should know of.

    `former_keys` are the paths of the copies of former keys that are among them.
    """

    removal: Removal
    changes: tuple[Change, ...]
    reports: tuple[FileReport, ...]
    former_keys: frozenset[str]
    folders: tuple[Path, ...]

    @property
    def edits(self) -> tuple[FileEdit, ...]:
        """See teardown.Plan."""
        return self.removal.edits

    @property
    def seen(self) -> object:
        """See teardown.Plan."""
        return self.reports, self.removal.edits

    @property
    def notices(self) -> tuple[Finding, ...]:
        """What is kept, and why; what needs the key comes first."""
        return self.removal.key_needed + self.removal.notices


def run(request: Request, host: Host, profile: Profile, terminal: Terminal, prompter: Prompter) -> Report:
    """Remove the provider from this machine; raises Refusal, and then nothing was changed."""
    store = Store.at(host.home, profile)
    store.require_own_folders()
    known_keys.keys(store, host, terminal)
    recovery.put_back(store, host, terminal, dry_run=request.dry_run)
    secrets = known_keys.keys(store, host, terminal)
    return teardown.run(_Uninstall(request, store, host), request, store, host, terminal, prompter, secrets)


@dataclass(frozen=True)
class _Uninstall(teardown.Verb["_Plan"]):
    request: Request
    store: Store
    host: Host
    question = "Remove all of this?"

    def plan(self) -> _Plan | Report:
        """See teardown.Verb."""
        plan = _plan(self.request, self.store, self.host, self.store.profile)
        if plan.changes:
            return plan
        if not self.request.dry_run and self.store.folders[0].exists():
            _tidy_up(self.store, self.host)
        return _report(self.store.profile, "success", "There is nothing to uninstall", plan, ())

    def preview(self, plan: _Plan, unusual: tuple[Finding, ...], width: int) -> str:
        """See teardown.Verb."""
        return _preview(plan, self.store.profile, unusual, width)

    def dry_run(self, plan: _Plan, unusual: tuple[Finding, ...], diff: str) -> Report:
        """See teardown.Verb."""
        message = "Nothing was removed; this is what would be removed"
        return _report(self.store.profile, "dry_run", message, plan, unusual, diff=diff)

    def done(self, plan: _Plan, unusual: tuple[Finding, ...]) -> Report:
        """See teardown.Verb."""
        name = self.store.profile.display_name
        message = f"{name} is removed from opencode. " + _ELSEWHERE.format(name=name)
        return _report(self.store.profile, "success", message, plan, unusual)


def _plan(request: Request, store: Store, host: Host, profile: Profile) -> _Plan:
    survey = take_survey(host, host.cwd, profile.id)
    state_file = reading.read_snapshot(store.state, follow_links=False)
    history = _history(store)
    repaired = [] if history is None else list(_repaired(history))
    removal = uninstalling.build(profile, survey, states.parse(state_file.data), _created(history), repaired)
    changes: list[Change] = []
    reports: list[FileReport] = []
    kept_copies: set[Path] = set()
    for edit in removal.edits:
        role = Role(edit.layer)
        if edit.comments_go:
            kept_copies.update(_copies(store, role, Path(edit.snapshot.real)))
        if edit.after is None:
            changes.append(Delete(edit.snapshot, role, keep_copy=edit.comments_go))
        else:
            changes.append(Write(edit.snapshot, edit.after.encode(), role, keep_copy=edit.comments_go))
        action = "delete" if edit.after is None else "update"
        snapshot = edit.snapshot
        reports.append(FileReport(str(snapshot.path), edit.layer, action, leads_to=snapshot.leads_to))
    keep_key = request.keep_key or bool(removal.key_needed)
    former_keys = [Path(copy.path) for copy in credential.former_keys(store)]
    for own in _own_files(store, survey, former_keys):
        snapshot = reading.read_snapshot(own.path, follow_links=False)
        if snapshot.data is None:
            continue
        kept = own.path in kept_copies or (own.path == store.key and keep_key)
        reports.append(FileReport(str(own.path), own.kind, "keep" if kept else "delete"))
        if not kept:
            changes.append(Delete(snapshot, own.role))
    return _Plan(
        removal, tuple(changes), tuple(reports), frozenset(map(str, former_keys)), _own_folders(store)
    )


def _history(store: Store) -> History | None:
    try:
        return last_change.read(store)[1]
    except Refusal as problem:
        if problem.kind != "undo_record_unusable":
            raise
        # An undo record that is not understood proves nothing; it is removed all the same.
        return None


def _created(history: History | None) -> tuple[str, ...]:
    """The configs that setups created, except mount points, which cannot be removed."""
    created = () if history is None else history.created
    return tuple(path for path in created if not mounts.is_mount_point(Path(path)))


def _repaired(history: History) -> Iterator[tuple[FileChange, Snapshot]]:
    """The files in which something was in the way, as they are now; unreadable ones are skipped."""
    for change in history.repairs:
        with suppress(Refusal):
            yield change, reading.read_snapshot(Path(change.path))


def _own_files(store: Store, survey: Survey, former_keys: Sequence[Path]) -> Iterator[OwnFile]:
    """Each of this program's files; the keys first, because nothing refers to them any more."""
    key, *others = store.own_files
    yield key
    yield from (_backup(path) for path in former_keys)
    yield from others
    found = [
        copy
        for snapshot in survey.user_files
        for config in _names(snapshot)
        for copy in _copies(store, Role.USER_CONFIG, config)
    ]
    yield from (_backup(path) for path in dict.fromkeys([*found, *_project_copies(store)]))


def _backup(path: Path) -> OwnFile:
    return OwnFile(path, Role.NOTE, "backup")


def _names(snapshot: Snapshot) -> tuple[Path, ...]:
    """Where copies of a config may be: next to it, and where it was before a link took its place."""
    path = Path(snapshot.path)
    named = Path(os.path.realpath(path.parent)) / path.name
    return tuple(dict.fromkeys((Path(snapshot.real), named)))


def _copies(store: Store, role: Role, config: Path) -> list[Path]:
    try:
        return backups.copies(store, role, config)
    except FileNotFoundError:
        return []
    except OSError as problem:
        reading.refuse_reading(config.parent, problem)


def _project_copies(store: Store) -> list[Path]:
    try:
        return backups.project_copies(store)
    except OSError as problem:
        reading.refuse_reading(store.backups, problem)


def _tidy_up(store: Store, host: Host) -> None:
    """Remove the lock and the empty folders of a run that was killed at the very end."""
    with transactions.lock(store, host):
        pass
    teardown.remove_empty(_own_folders(store))


def _own_folders(store: Store) -> tuple[Path, ...]:
    return (store.backups, store.backups.parent, *store.folders)


def _preview(plan: _Plan, profile: Profile, unusual: tuple[Finding, ...], width: int) -> str:
    edits = {str(edit.snapshot.path): edit for edit in plan.removal.edits}
    entries = [
        (
            report,
            [render.FORMER_KEY]
            if report.path in plan.former_keys
            else _about(report, profile, edits.get(report.path)),
        )
        for report in plan.reports
    ]
    title = f"Remove {profile.display_name} from opencode"
    return preview_of(title, entries, plan.notices + unusual, width)


def _about(report: FileReport, profile: Profile, edit: FileEdit | None) -> list[str]:
    if report.role == "secret":
        return ["your API key is kept"] if report.action == "keep" else ["your API key; no copy is kept"]
    if report.role == "backup" and report.action == "keep":
        return ["kept, because your comments are removed from that file together with the settings"]
    if edit is None:
        return []
    about = [
        "was created by a setup and contains nothing else"
        if edit.after is None
        else f"what this program wrote for {profile.display_name} is removed; everything else is kept"
    ]
    about += [visible(duplicate.sentence) for duplicate in edit.duplicates]
    if edit.comments_go:
        about.append("comments inside the removed settings are removed too; a backup with them is kept")
    return about


def _report(
    profile: Profile,
    status: str,
    message: str,
    plan: _Plan,
    unusual: tuple[Finding, ...],
    *,
    diff: str | None = None,
) -> Report:
    return Report(
        command="uninstall",
        status=status,
        exit_status=Exit.DONE,
        message=message,
        profile=profile,
        changed=bool(plan.changes),
        files=plan.reports,
        findings=plan.notices + unusual,
        details={} if diff is None else {"diff": diff},
    )
