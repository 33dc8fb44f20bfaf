"""The steps of `undo` and `uninstall`: plan, show, ask, change everything in one transaction."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Generic, Iterable, Protocol, Sequence, TypeVar

from foundation import background
from foundation import transaction as transactions
from foundation.errors import Declined
from foundation.host import Host
from foundation.secrets import Secret
from foundation.terminal.prompts import Prompter
from foundation.terminal.terminal import Terminal
from foundation.transaction import TargetChanged, Transaction
from foundation.transaction.changes import Change
from gonkagate_setup.changes.undoing import FileEdit
from gonkagate_setup.commands import recovery, targets
from gonkagate_setup.commands.second_reading import await_end, require
from gonkagate_setup.judgement.findings import Finding
from gonkagate_setup.report import Report
from gonkagate_setup.store import Store
from gonkagate_setup.ui import render
from gonkagate_setup.ui.preview import texts

_ATTEMPTS: Final = 3
_HELP: Final = (
    "Nothing changes before you say yes. All files then change together; if one cannot be changed, none is."
)


@dataclass(frozen=True)
class Request:
    """What the command line asked for; `keep_key` is uninstall's."""

    yes: bool
    dry_run: bool
    keep_key: bool = False


class Plan(Protocol):
    """Everything that one of the two verbs does, decided before anything is shown."""

    @property
    def edits(self) -> Sequence[FileEdit]:
        """What happens to each config."""

    @property
    def changes(self) -> Sequence[Change]:
        """All of it, in order."""

    @property
    def folders(self) -> Sequence[Path]:
        """The folders that are removed afterwards, if they are empty."""

    @property
    def seen(self) -> object:
        """What the user agreed to: a plan that differs in it is shown again."""


_Planned = TypeVar("_Planned", bound=Plan)


class Verb(Generic[_Planned], ABC):
    """What differs between undo and uninstall."""

    question: str

    @abstractmethod
    def plan(self) -> _Planned | Report:
        """Read everything and decide; the report, if there is nothing to do."""

    @abstractmethod
    def preview(self, plan: _Planned, unusual: tuple[Finding, ...], width: int) -> str:
        """What is about to happen, as text."""

    @abstractmethod
    def dry_run(self, plan: _Planned, unusual: tuple[Finding, ...], diff: str) -> Report:
        """The report if only that was asked for."""

    @abstractmethod
    def done(self, plan: _Planned, unusual: tuple[Finding, ...]) -> Report:
        """The report at the end."""


def run(
    verb: Verb[_Planned],
    request: Request,
    store: Store,
    host: Host,
    terminal: Terminal,
    prompter: Prompter,
    secrets: Iterable[Secret],
) -> Report:
    """Plan, show, ask, change; everything is read again if a file changed meanwhile.

    Raises Refusal, and then nothing was changed; TargetChanged if files do not stop changing.
    """
    seen: object = None
    for _ in range(_ATTEMPTS):
        plan = verb.plan()
        if isinstance(plan, Report):
            return plan
        written = targets.of_changes(plan.changes)
        targets.require_writable(store, written)
        unusual = tuple(targets.notices(written))
        if seen != plan.seen:
            diff = render.diffs(texts(plan.edits))
            preview = verb.preview(plan, unusual, terminal.width)
            if request.dry_run:
                terminal.say(preview)
                return verb.dry_run(plan, unusual, diff)
            _consent(request, prompter, terminal, verb.question, preview, diff)
            seen = plan.seen
        _second_reading(plan.edits, terminal)
        try:
            _carry_out(store, host, plan, secrets)
        except TargetChanged as moved:
            changed = moved
            terminal.say("A file changed while this was running; reading everything again.")
            continue
        return verb.done(plan, unusual)
    raise changed


def _consent(
    request: Request, prompter: Prompter, terminal: Terminal, question: str, preview: str, diff: str
) -> None:
    """Show what is about to happen, then one confirmation unless --yes gave it.

    Raises Refusal cancelled or consent_required.
    """
    shown = "\n".join([preview, *([render.in_colour(diff)] if diff else [])])
    if request.yes or not prompter.asks:
        terminal.say(shown)
    else:
        terminal.show(f"{shown}\n")  # nobody can agree to what --quiet or a redirection hid
    if request.yes:
        return
    if not prompter.confirm(question, diff=None, help=_HELP):
        raise Declined("Nothing was changed")


def _second_reading(edits: Sequence[FileEdit], terminal: Terminal) -> None:
    """Check with the second parser that every file edited key by key changes exactly as planned."""
    if not any(edit.operations for edit in edits):
        return
    check = background.start(lambda: _read_again(edits), deep=True)
    await_end(check, terminal)


def _read_again(edits: Sequence[FileEdit]) -> None:
    for edit in edits:
        if edit.operations is not None and edit.after is not None:
            require(edit.snapshot.path, edit.before, edit.after, edit.operations)


def _carry_out(store: Store, host: Host, plan: Plan, secrets: Iterable[Secret]) -> None:
    """Make all changes in this order, or none; then remove the folders that are empty, innermost first.

    No copy that is kept contains `secrets`. Raises TargetChanged, and what Transaction.apply and
    recovery.put_back_under_lock raise.
    """
    with transactions.lock(store, host), Transaction(store, host, secrets) as transaction:
        recovery.put_back_under_lock(store, host)
        transaction.apply(plan.changes)
        transaction.commit()
    remove_empty(plan.folders)


def remove_empty(folders: Sequence[Path]) -> None:
    """Remove these folders, innermost first, as far as they are empty."""
    for folder in sorted(set(folders), key=lambda path: len(path.parts), reverse=True):
        # Not empty: it has files of somebody else.
        with suppress(OSError):
            folder.rmdir()
