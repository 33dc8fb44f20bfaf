"""The writing half of a setup: apply, prove, commit or put back."""

from __future__ import annotations

from pathlib import Path

from gonkagate_setup import __version__
from gonkagate_setup.commands import blocked, interrupted, key_notices, outcome, record, second_reading
from gonkagate_setup.commands.blocked import OnBlocked
from gonkagate_setup.commands.context import Agreed, Context, Observation, Request
from gonkagate_setup.core import state as states
from gonkagate_setup.core import verdict
from gonkagate_setup.core.evidence import Answer
from gonkagate_setup.core.findings import DURABLE, Finding
from gonkagate_setup.core.plan import KeyAction, Plan
from gonkagate_setup.core.report import Report
from gonkagate_setup.core.survey import Survey
from gonkagate_setup.redaction import Secret
from gonkagate_setup.system import background, evidence, files
from gonkagate_setup.system import transaction as transactions
from gonkagate_setup.system.probe import Found, note
from gonkagate_setup.system.survey import older_than, take_survey
from gonkagate_setup.system.transaction import Role, TargetChanged, Transaction, journal
from gonkagate_setup.system.transaction.changes import Change


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
        interrupted.put_back_under_lock(context.store, context.host)
        for snapshot in (observed.key_file, observed.state_file):
            if not files.unchanged(snapshot):
                raise TargetChanged(Path(snapshot.path))
        writes = _writes(context, plan, agreed.answers.key, observed)
        if writes:
            context.probe.forget_early()
        changes.apply(writes)
        survey = observed.survey.replace(plan.texts)
        with context.terminal.progress("asking opencode what it uses now") as progress:
            background.start(context.terminal.warm_up)
            proof = evidence.gather(
                found.executable,
                found.version,
                context.host,
                survey,
                ask_models=False,
                scratch=context.store.journal if journal.exists(context.store) else None,
                progress=progress,
                known=None if writes else _answered_already(context, survey),
            )
        findings = verdict.judge(context.expectation(plan), survey, proof)
        if any(finding.blocks for finding in findings):
            # Questions may have stood open for long, and opencode adds lines to configs when it starts: who
            # is to blame is looked up anew. The notices stay, for they tell what opencode was about to do.
            survey = take_survey(context.host, context.host.cwd, context.profile)
            anew = verdict.judge(context.expectation(plan), survey, proof)
            findings = tuple(f for f in anew if f.blocks) + tuple(f for f in findings if not f.blocks)
        findings += tuple(key_notices.of(context.store, context.host))
        findings += tuple(key_notices.around(survey, context.host, secrets))
        reached = ending(context, plan, observed, findings)
        durably = any(finding.blocks and finding.reach == DURABLE for finding in findings)
        here_only = blocked.of_this_folder(findings, plan.choice.scope, survey)
        if durably and not (
            here_only and request.on_blocked is OnBlocked.KEEP and _holds_elsewhere(context, plan)
        ):
            return outcome.durably_blocked(reached, changes.rollback(), here_only=here_only)
        last = record.writing(context.store, context.host, context.profile, plan, observed.state, changes)
        changes.apply([*_records(context, plan, found, observed), *last])
        kept = changes.kept
        changes.commit()
    if durably:
        return outcome.kept_elsewhere(reached, kept)
    if any(finding.blocks for finding in findings):
        return outcome.session_blocked(reached, kept)
    return outcome.success(reached, kept)


def _answered_already(context: Context, survey: Survey) -> Answer | None:
    """What opencode said before anything was read; only while no file is newer than the question."""
    early = context.probe.early()
    return early.answer if early is not None and older_than(survey, early.asked_at) else None


def _holds_elsewhere(context: Context, plan: Plan) -> bool:
    with context.terminal.progress("asking opencode what it uses in another folder"):
        findings = blocked.prove_elsewhere(
            context.expectation(plan), context.probe.result(), context.host, context.store.folder
        )
    return not any(finding.blocks and finding.reach == DURABLE for finding in findings)


def ending(
    context: Context, plan: Plan, observed: Observation, findings: tuple[Finding, ...]
) -> outcome.Ending:
    """What a report is made of; waits for opencode to be found."""
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
        # The project says for itself what it uses; the record goes on telling of every other folder.
        model_key, scope = former.model_key, former.scope
    state = states.render(
        transport=plan.choice.model.transport.value,
        version=__version__,
        last_durable_setup_at=states.timestamp(context.host.now()),
        model_key=model_key,
        scope=scope,
    )
    records: list[Change] = [transactions.Write(observed.state_file, state, role=Role.STATE, private=True)]
    noted, note_file = note(found), files.read_snapshot(context.store.note, follow_links=False)
    if noted is not None and note_file.data != noted:
        records.append(transactions.Write(note_file, noted, role=Role.NOTE, private=True))
    return records
