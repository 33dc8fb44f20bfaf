"""What a killed run left is put back before anything else is read."""

from __future__ import annotations

from gonkagate_setup.errors import SetupError
from gonkagate_setup.system import child
from gonkagate_setup.system import transaction as transactions
from gonkagate_setup.system.host import Host
from gonkagate_setup.system.store import Store
from gonkagate_setup.system.transaction import Recovery, TargetChanged, journal
from gonkagate_setup.ui.terminal import Terminal


def put_back(store: Store, host: Host, terminal: Terminal, *, dry_run: bool) -> None:
    """Undo an unfinished journal, remove old temporary folders; a dry run only says that there is a journal.

    Raises SetupError managed_rollback_failed where something could not be put back.
    """
    if not dry_run:
        child.sweep(host.now().timestamp())
    if not journal.exists(store):
        return
    if dry_run:
        terminal.say("An earlier setup was interrupted; the next real run first puts it back.")
        return
    with transactions.lock(store, host):
        recovery = transactions.recover(store, host)
    if recovery is None:
        return
    _require_complete(recovery)
    terminal.say("An earlier setup was interrupted; what it had changed was put back first.")


def put_back_under_lock(store: Store, host: Host) -> None:
    """Undo what another run left that was killed since this one read everything; the lock must be held.

    Raises TargetChanged where there was something, SetupError as `put_back`.
    """
    recovery = transactions.recover(store, host)
    if recovery is not None:
        _require_complete(recovery)
        raise TargetChanged(store.journal)


def _require_complete(recovery: Recovery) -> None:
    if recovery.failures:
        raise SetupError(
            "managed_rollback_failed",
            "An earlier setup was interrupted, and not everything could be put back: "
            + "; ".join(recovery.failures),
            next_step="put those files right, then run this command again",
        )
