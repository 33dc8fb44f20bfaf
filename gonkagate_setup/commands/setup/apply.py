"""The writing half of a setup: apply, prove, commit or put back."""

from __future__ import annotations

from pathlib import Path
from typing import Sequence

from foundation import background
from foundation import transaction as transactions
from foundation.errors import Refusal
from foundation.files import reading
from foundation.files.snapshot import Snapshot
from foundation.secrets import Secret
from foundation.transaction import Role, TargetChanged, Transaction, journal
from foundation.transaction.changes import Change
from gonkagate_setup import __version__
from gonkagate_setup.changes import install_state as states
from gonkagate_setup.changes.install_state import Scope
from gonkagate_setup.changes.plan import KeyAction, Plan
from gonkagate_setup.commands import key_findings, last_change, recovery, second_reading, targets
from gonkagate_setup.commands.setup import blocked, outcome, starting
from gonkagate_setup.commands.setup.blocked import OnBlocked
from gonkagate_setup.commands.setup.context import Agreed, Context, Observation, Request
from gonkagate_setup.judgement import verdict
from gonkagate_setup.judgement.findings import DURABLE, Finding
from gonkagate_setup.report import Report
from opencode_config.evidence import Answer
from opencode_config.program import asking
from opencode_config.program.search import Found, note
from opencode_config.program.surveying import older_than, take_survey
from opencode_config.survey import Survey


def carry_out(request: Request, context: Context, agreed: Agreed) -> Report:
    """Write, prove, and commit or put back; raises TargetChanged when a target moved meanwhile."""
    plan, observed = agreed.plan, agreed.observed
    check = background.start(lambda: _second_reading(plan), deep=True)
    found = context.probe.result()
    second_reading.await_end(check, context.terminal)
    secrets = [*observed.secrets, *([agreed.answers.key] if agreed.answers.key else [])]
    with (
        transactions.lock(context.store, context.host),
        Transaction(context.store, context.host, secrets) as changes,
    ):
        # Another setup may have been killed since the start of this one.
        recovery.put_back_under_lock(context.store, context.host, go_on=True)
        for snapshot in (observed.key_file, observed.state_file, observed.marker):
            if not reading.unchanged(snapshot):
                raise TargetChanged(Path(snapshot.path))
        writes = _writes(context, plan, agreed.answers.key, observed)
        unusual = tuple(targets.notices(targets.of_changes(writes)))
        if writes:
            context.probe.forget_early()
        if writes and plan.choice.available_only:
            changed_start = starting.would_change(context, observed, found)
            if changed_start is not None:
                nothing = ending(context, plan, observed, (changed_start,))
                return outcome.durably_blocked(nothing, (), (), here_only=False)
        changes.apply(writes)
        survey = observed.survey.replace(plan.texts)
        survey, findings = _prove(context, agreed, survey, found, known=not writes, secrets=secrets)
        findings += unusual
        reached = ending(context, plan, observed, findings)
        durably = blocked.durable_blocker(findings) is not None
        here_only = blocked.of_this_folder(findings, plan.choice.scope, survey)
        if durably and not (
            here_only and request.on_blocked is OnBlocked.KEEP and _holds_elsewhere(context, plan)
        ):
            failures = changes.rollback()
            left = _left(context, plan, observed) if failures else ()
            return outcome.durably_blocked(reached, failures, left, here_only=here_only)
        last = last_change.writing(
            context.store,
            context.host,
            plan,
            observed.state,
            changes,
            available=observed.marker.exists,
        )
        changes.apply([*_records(context, plan, found, observed), *last])
        kept = changes.kept
        changes.commit()
    if durably:
        return outcome.kept_elsewhere(reached, kept)
    if any(finding.blocks for finding in findings):
        return outcome.session_blocked(reached, kept)
    return outcome.success(reached, kept)


def _prove(
    context: Context,
    agreed: Agreed,
    survey: Survey,
    found: Found,
    *,
    known: bool,
    secrets: Sequence[Secret],
) -> tuple[Survey, tuple[Finding, ...]]:
    """The judgement of what opencode answers now, and the survey that says which layer is responsible.

    `known`: the answer that opencode gave at the start, valid because nothing was written since.
    """
    plan = agreed.plan
    with context.terminal.progress("asking opencode what it uses now") as progress:
        background.start(context.terminal.warm_up)
        proof = asking.gather(
            found.executable,
            found.version,
            context.host,
            survey,
            ask_models=plan.choice.available_only,
            scratch=context.store.journal if journal.exists(context.store) else None,
            progress=progress,
            known=_answered_already(context, survey) if known else None,
        )
    findings = verdict.judge(context.expectation(plan), survey, proof)
    if any(finding.blocks for finding in findings):
        # The user may have taken long to answer, and opencode adds lines to configs when it starts: which
        # layer is responsible is looked up again. The notices are kept: they say what opencode was about to
        # do.
        survey = take_survey(context.host, context.host.cwd, context.profile)
        again = verdict.judge(context.expectation(plan), survey, proof)
        findings = tuple(f for f in again if f.blocks) + tuple(f for f in findings if not f.blocks)
    if plan.choice.scope is Scope.USER and blocked.durable_blocker(findings) is None:
        findings += _blocked_elsewhere(context, plan, survey)
    findings += tuple(key_findings.of(context.store, context.host))
    findings += tuple(key_findings.around(survey, context.host, secrets))
    return survey, findings


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


def _answered_already(context: Context, survey: Survey) -> Answer | None:
    """What opencode answered at the start; only if no file has changed since it was asked."""
    early = context.probe.early()
    return early.answer if early is not None and older_than(survey, early.asked_at) else None


def _holds_elsewhere(context: Context, plan: Plan) -> bool:
    return not _proved_elsewhere(context, plan)


def _proved_elsewhere(context: Context, plan: Plan) -> tuple[Finding, ...]:
    """What blocks in every shell, in a folder without a config of its own."""
    with context.terminal.progress("asking opencode what it uses in another folder"):
        findings = blocked.prove_elsewhere(
            context.expectation(plan), context.probe.result(), context.host, context.store.folder
        )
    return tuple(finding for finding in findings if finding.blocks and finding.reach == DURABLE)


def _blocked_elsewhere(context: Context, plan: Plan, survey: Survey) -> tuple[Finding, ...]:
    """What blocks in every other folder, and is overridden only by the config of this one.

    opencode is asked there only if the files predict a blocker.
    """
    elsewhere = survey.elsewhere()
    if elsewhere is survey:
        return ()
    foreseen = verdict.predict(context.expectation(plan), elsewhere)
    if blocked.durable_blocker(foreseen) is None:
        return ()
    return _proved_elsewhere(context, plan)


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


def _second_reading(plan: Plan) -> None:
    for config in plan.configs:
        if config.changed:
            second_reading.require(config.snapshot.path, config.before, config.after, config.operations)


def _writes(context: Context, plan: Plan, key: Secret | None, observed: Observation) -> list[Change]:
    # The key before the configs: opencode refuses to start while a config names a missing key file.
    changes: list[Change] = []
    if plan.key is KeyAction.PROTECT:
        changes.append(transactions.Protect(context.store.key))
    elif plan.key is not KeyAction.KEEP and key is not None:
        data = key.reveal().encode()
        changes.append(transactions.Write(observed.key_file, data, role=Role.SECRET, private=True))
        changes += [transactions.Delete(copy, Role.SECRET) for copy in observed.former_keys(plan)]
    for config in plan.configs:
        if config.changed:
            role = Role.USER_CONFIG if config.layer == "user_config" else Role.PROJECT_CONFIG
            data = config.after.encode()
            changes.append(transactions.Write(config.snapshot, data, role=role, private=False))
    return changes


def _records(context: Context, plan: Plan, found: Found, observed: Observation) -> list[Change]:
    model_key, scope = plan.choice.model.key, plan.choice.scope
    former = observed.state
    if plan.joins and former is not None and former.model_key and former.scope:
        # The project says for itself what it uses; the setup record keeps describing every other folder.
        model_key, scope = former.model_key, former.scope
    state = states.render(
        transport=plan.choice.model.transport.value,
        version=__version__,
        last_durable_setup_at=states.timestamp(context.host.now()),
        model_key=model_key,
        scope=scope,
    )
    records: list[Change] = [transactions.Write(observed.state_file, state, role=Role.STATE, private=True)]
    if plan.choice.available_only and not observed.marker.exists:
        records.append(
            transactions.Write(observed.marker, states.AVAILABLE_ONLY, role=Role.STATE, private=True)
        )
    elif observed.marker.exists and not (plan.choice.available_only or plan.joins):
        records.append(transactions.Delete(observed.marker, Role.STATE))
    noted, note_file = note(found), reading.read_snapshot(context.store.note, follow_links=False)
    if noted is not None and note_file.data != noted:
        records.append(transactions.Write(note_file, noted, role=Role.NOTE, private=True))
    return records
