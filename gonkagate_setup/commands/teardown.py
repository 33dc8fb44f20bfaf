"""What `undo` and `uninstall` have in common: consent, the second reading, one transaction, empty folders."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Iterable, Sequence

from foundation import background
from foundation import transaction as transactions
from foundation.errors import Declined
from foundation.host import Host
from foundation.secrets import Secret
from foundation.terminal.prompts import Prompter
from foundation.terminal.terminal import Terminal
from foundation.transaction import Transaction
from foundation.transaction.changes import Change
from gonkagate_setup.changes.undoing import FileEdit
from gonkagate_setup.commands import recovery
from gonkagate_setup.commands.second_reading import await_end, require
from gonkagate_setup.store import Store
from gonkagate_setup.ui import render

ATTEMPTS: Final = 3
_HELP: Final = (
    "Nothing changes before you say yes. All files then change together; if one cannot be changed, none is."
)


@dataclass(frozen=True)
class Request:
    """What the command line asked for; `keep_key` is uninstall's."""

    yes: bool
    dry_run: bool
    keep_key: bool = False


def consent(
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


def second_reading(edits: Sequence[FileEdit], terminal: Terminal) -> None:
    """Check with the second parser that every file edited key by key changes exactly as planned."""
    if not any(edit.operations for edit in edits):
        return
    check = background.start(lambda: _read_again(edits), deep=True)
    await_end(check, terminal)


def _read_again(edits: Sequence[FileEdit]) -> None:
    for edit in edits:
        if edit.operations is not None and edit.after is not None:
            require(edit.snapshot.path, edit.before, edit.after, edit.operations)


def carry_out(
    store: Store,
    host: Host,
    changes: Sequence[Change],
    folders: Sequence[Path],
    secrets: Iterable[Secret] = (),
) -> None:
    """Make all changes in this order, or none; then remove the folders that are empty, innermost first.

    No kept copy contains any of `secrets`. Raises TargetChanged, and what Transaction.apply and
    interrupted.put_back raise.
    """
    with transactions.lock(store, host), Transaction(store, host, secrets) as transaction:
        recovery.put_back_under_lock(store, host)
        transaction.apply(changes)
        transaction.commit()
    for folder in sorted(set(folders), key=lambda path: len(path.parts), reverse=True):
        # Not empty: it has files of somebody else.
        with suppress(OSError):
            folder.rmdir()
