"""What a killed run left behind is put back before anything else is read."""

from __future__ import annotations

from foundation import transaction as transactions
from foundation.errors import Refusal, Where
from foundation.host import Host
from foundation.terminal.terminal import Terminal
from foundation.transaction import Left, Recovery, TargetChanged, journal
from gonkagate_setup.judgement.findings import NOTICE, Finding
from gonkagate_setup.store import Store
from opencode_config.program import run


def put_back(
    store: Store, host: Host, terminal: Terminal, *, dry_run: bool, go_on: bool = False
) -> tuple[Finding, ...]:
    """Undo an unfinished journal and remove old temporary folders; a dry run only reports the journal.

    Returns a notice for each config that was not put back, because it was changed since. `go_on` as for
    transaction.recover. Raises Refusal managed_rollback_failed if the system refused a step, and what
    Store.require_own_folders raises.
    """
    store.require_own_folders()
    if not dry_run:
        run.sweep(host.now().timestamp())
    if not journal.exists(store):
        return ()
    if dry_run:
        terminal.say("An earlier setup was interrupted; the next run without --dry-run undoes it first.")
        return ()
    with transactions.lock(store, host):
        recovery = transactions.recover(store, host, go_on=go_on)
    if recovery is None:
        return ()
    _require_complete(recovery)
    but = ", ".join(str(left.path) for left in recovery.left)
    terminal.say(
        "An earlier setup was interrupted; its changes were put back first"
        + (f", except in {but}." if but else ".")
    )
    return tuple(_notice(left) for left in recovery.left)


def put_back_under_lock(store: Store, host: Host, *, go_on: bool = False) -> None:
    """Undo what a run left that was killed after this one read everything; the lock must be held.

    Raises TargetChanged if there was something, Refusal as `put_back`.
    """
    recovery = transactions.recover(store, host, go_on=go_on)
    if recovery is not None:
        _require_complete(recovery)
        raise TargetChanged(store.journal)


def _require_complete(recovery: Recovery) -> None:
    if recovery.failures:
        raise Refusal(
            "managed_rollback_failed",
            "An earlier setup was interrupted, and not everything could be put back: "
            + "; ".join(recovery.failures),
            next_step="make the files and folders named here writable for your user, "
            "then run this command again to retry",
        )


def _notice(left: Left) -> Finding:
    copy = "" if left.copy is None else f"; {left.copy} is a copy from before that setup"
    return Finding(
        "interrupted_setup_left",
        NOTICE,
        left.role.value,
        f"an earlier setup was interrupted, and this file {left.why}, so it was not put back{copy}",
        "check it; to remove what a setup wrote into it, run: gonkagate-setup uninstall",
        where=Where(str(left.path)),
    )
