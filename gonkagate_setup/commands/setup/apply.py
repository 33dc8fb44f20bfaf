"""The writing half of a setup: apply, prove, commit or put back."""

from __future__ import annotations

from pathlib import Path

from foundation import background
from foundation import transaction as transactions
from foundation.errors import Refusal
from foundation.files import reading
from foundation.files.snapshot import Snapshot
from foundation.transaction import TargetChanged, Transaction
from gonkagate_setup.changes.plan import Plan
from gonkagate_setup.commands import last_change, recovery, second_reading, targets
from gonkagate_setup.commands.setup import blocked, outcome, proving, starting, writes
from gonkagate_setup.commands.setup.blocked import OnBlocked
from gonkagate_setup.commands.setup.context import Agreed, Context, Observation, Request
from gonkagate_setup.judgement.findings import Finding
from gonkagate_setup.report import Report
from opencode_config.program.search import Found


def carry_out(request: Request, context: Context, agreed: Agreed) -> Report:
    """Write, prove, and commit; raises TargetChanged if a target was changed meanwhile.

    Leaving the transaction without a commit, also by a return, puts everything back.
    """
    plan, observed = agreed.plan, agreed.observed
    check = background.start(lambda: writes.second_read(plan), deep=True)
    found = context.probe.result()
    second_reading.await_end(check, context.terminal)
    secrets = [*observed.secrets, *([agreed.answers.key] if agreed.answers.key else [])]
    with (
        transactions.lock(context.store, context.host),
        Transaction(context.store, context.host, secrets) as changes,
    ):
        # Another setup may have been killed since the start of this one.
        recovery.put_back_under_lock(context.store, context.host, go_on=True)
        _require_unchanged(observed)
        planned = writes.of_plan(context, plan, agreed.answers.key, observed)
        unusual = tuple(targets.notices(targets.of_changes(planned)))
        if planned:
            context.probe.early().stop()
            changed_start = _changed_start(context, agreed, found)
            if changed_start is not None:
                nothing = ending(context, plan, observed, (changed_start,))
                return outcome.durably_blocked(nothing, (), (), here_only=False)
        changes.apply(planned)
        proof = proving.prove(context, agreed, found, writes=bool(planned), secrets=secrets)
        reached = ending(context, plan, observed, proof.findings + unusual)
        if proof.blocks_durably and not _may_stay(request, context, plan, proof):
            return _put_back(context, agreed, proof, reached, changes)
        kept = _commit(context, agreed, found, changes)
    if proof.blocks_durably:
        return outcome.kept_elsewhere(reached, kept)
    if any(finding.blocks for finding in reached.findings):
        return outcome.session_blocked(reached, kept)
    return outcome.success(reached, kept)


def _require_unchanged(observed: Observation) -> None:
    for snapshot in (observed.key_file, observed.state_file, observed.marker):
        if not reading.unchanged(snapshot):
            raise TargetChanged(Path(snapshot.path))


def _changed_start(context: Context, agreed: Agreed, found: Found) -> Finding | None:
    """What opencode would start with instead, if GonkaGate is only made available."""
    if not agreed.plan.choice.available_only:
        return None
    return starting.would_change(context, agreed.observed, found)


def _may_stay(request: Request, context: Context, plan: Plan, proof: proving.Proof) -> bool:
    """Whether a setup that only this folder blocks is kept for other folders."""
    return (
        request.on_blocked is OnBlocked.KEEP
        and blocked.of_this_folder(proof.findings, plan.choice.scope, proof.survey)
        and proving.holds_elsewhere(context, plan)
    )


def _put_back(
    context: Context, agreed: Agreed, proof: proving.Proof, reached: outcome.Ending, changes: Transaction
) -> Report:
    failures = changes.rollback()
    left = _left(context, agreed.plan, agreed.observed) if failures else ()
    here_only = blocked.of_this_folder(proof.findings, agreed.plan.choice.scope, proof.survey)
    return outcome.durably_blocked(reached, failures, left, here_only=here_only)


def _commit(context: Context, agreed: Agreed, found: Found, changes: Transaction) -> dict[Path, Path]:
    """Write the records and commit; returns the kept copies, by the path of their file."""
    plan, observed = agreed.plan, agreed.observed
    last = last_change.writing(
        context.store, context.host, plan, observed.state, changes, available=observed.marker.exists
    )
    changes.apply([*writes.records(context, plan, found, observed), *last])
    kept = changes.kept
    changes.commit()
    return kept


def _left(context: Context, plan: Plan, observed: Observation) -> list[str]:
    """The files that differ from before, as they are on disk after an incomplete rollback."""
    former = [(copy, str(copy.path)) for copy in observed.former_keys(plan)]
    before = [(observed.key_file, str(context.store.key)), *former]
    before += [(config.snapshot, str(config.snapshot.path)) for config in plan.configs]
    return [name for snapshot, name in before if not _as_before(snapshot)]


def _as_before(snapshot: Snapshot) -> bool:
    try:
        return reading.read_snapshot(Path(snapshot.real)).data == snapshot.data
    except Refusal:
        return False


def ending(
    context: Context, plan: Plan, observed: Observation, findings: tuple[Finding, ...]
) -> outcome.Ending:
    """The parts of a report; waits until opencode is found."""
    return outcome.Ending(
        profile=context.profile,
        store=context.store,
        plan=plan,
        found=context.probe.result(),
        findings=findings,
        state_existed=observed.state_file.exists,
        former_keys=tuple(str(copy.path) for copy in observed.former_keys(plan)),
    )
