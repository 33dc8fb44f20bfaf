"""setup: observe -> choose -> plan -> preview -> apply -> verify -> report."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Callable

from gonkagate_setup import __version__
from gonkagate_setup.commands import blocked, outcome
from gonkagate_setup.commands.blocked import OnBlocked, WayOut
from gonkagate_setup.commands.choices import Answers, Questions
from gonkagate_setup.core import plan as plans
from gonkagate_setup.core import state as states
from gonkagate_setup.core import verdict
from gonkagate_setup.core.catalog import Model, Profile
from gonkagate_setup.core.findings import DURABLE, Finding
from gonkagate_setup.core.layers import Survey
from gonkagate_setup.core.plan import Choice, KeyAction, Plan
from gonkagate_setup.core.report import Report
from gonkagate_setup.core.snapshot import Snapshot
from gonkagate_setup.core.state import Scope
from gonkagate_setup.errors import SetupError, Where
from gonkagate_setup.redaction import Secret
from gonkagate_setup.system import background, credential, evidence, files
from gonkagate_setup.system import transaction as transactions
from gonkagate_setup.system.host import Host
from gonkagate_setup.system.probe import Found, Probe, note
from gonkagate_setup.system.survey import take_survey
from gonkagate_setup.system.transaction import Role, Store, TargetChanged, Transaction, journal
from gonkagate_setup.system.transaction.changes import Change
from gonkagate_setup.ui import render
from gonkagate_setup.ui.prompts import Prompter
from gonkagate_setup.ui.terminal import Terminal

ATTEMPTS = 3


@dataclass(frozen=True)
class Request:
    """What the command line asked for; `read_stdin_key` (None: not asked for) is called once."""

    model: str | None
    scope: Scope | None
    yes: bool
    dry_run: bool
    read_stdin_key: Callable[[], str] | None
    on_blocked: OnBlocked = OnBlocked.ROLLBACK


@dataclass(frozen=True)
class Context:
    """What one setup works with: machine, provider, its files, person, opencode."""

    host: Host
    profile: Profile
    store: Store
    terminal: Terminal
    prompter: Prompter
    probe: Probe


@dataclass(frozen=True)
class Observation:
    """Everything that was read, once."""

    survey: Survey
    key_file: Snapshot
    stored: credential.StoredKey | None
    state_file: Snapshot
    state: states.State | None


def run(
    request: Request, host: Host, profile: Profile, terminal: Terminal, prompter: Prompter, probe: Probe
) -> Report:
    """Set opencode up. Raises SetupError; whatever it raises, nothing is left half done."""
    given = Answers(model=_given_model(request, profile), scope=request.scope)
    context = Context(host, profile, Store.at(host.home, profile), terminal, prompter, probe)
    _put_back_interrupted(context, request)
    answers, report = _set_up(request, context, given)
    if not (prompter.asks and report.here_only and request.on_blocked is OnBlocked.ROLLBACK):
        return report
    terminal.say(render.report(report, width=terminal.width))
    way_out = blocked.ask(prompter, take_survey(host, host.cwd, profile).project_root)
    if way_out is WayOut.LEAVE:
        return report
    if way_out is WayOut.PROJECT:
        answers = replace(answers, scope=Scope.PROJECT)
    else:
        # The same changes were shown and agreed to already.
        request = replace(request, on_blocked=OnBlocked.KEEP, yes=True)
    return _set_up(request, context, given, answers)[1]


def _set_up(
    request: Request, context: Context, given: Answers, answers: Answers | None = None
) -> tuple[Answers, Report]:
    shown: Plan | None = None
    for _ in range(ATTEMPTS):
        observed = _observe(context)
        if answers is None:
            answers = _ask(request, context, observed, given)
        plan = plans.build(
            context.profile,
            _choice(answers),
            _key_action(observed.stored, answers.key),
            observed.survey.user_files,
            observed.survey.project_files,
            observed.state,
        )
        if shown is None or shown.configs != plan.configs:
            predicted = _show(context, plan, observed)
            if request.dry_run:
                return answers, outcome.dry_run(_ending(context, plan, observed, predicted))
            _consent(request, plan, context.prompter)
            shown = plan
        try:
            return answers, _carry_out(request, context, plan, answers.key, observed)
        except TargetChanged as moved:
            changed = moved
            context.terminal.say("A file changed while this was running; reading everything again.")
    raise changed


def _show(context: Context, plan: Plan, observed: Observation) -> tuple[Finding, ...]:
    expectation = _expectation(plan, context.profile)
    predicted = verdict.predict(expectation, observed.survey.replace(plan.texts))
    preview = render.preview(
        plan,
        profile=context.profile,
        store=context.store,
        findings=predicted,
        width=context.terminal.width,
    )
    context.terminal.say(preview)
    return predicted


def _given_model(request: Request, profile: Profile) -> Model | None:
    if not profile.validated:
        raise SetupError(
            "validated_models_unavailable",
            "This build knows no validated model",
            next_step="install a released version of this tool",
        )
    if request.model is None:
        return None
    model = profile.model(request.model)
    if model is None:
        keys = ", ".join(model.key for model in profile.validated)
        raise SetupError(
            "unsupported_model_key", "--model names no validated model", next_step=f"choose one of: {keys}"
        )
    return model


def _put_back_interrupted(context: Context, request: Request) -> None:
    """Undo what a killed setup left, before anything is read."""
    if not journal.exists(context.store):
        return
    if request.dry_run:
        context.terminal.say("An earlier setup was interrupted; the next real run first puts it back.")
        return
    with transactions.lock(context.store, context.host):
        recovery = transactions.recover(context.store, context.host)
    if recovery is None:
        return
    if recovery.failures:
        raise SetupError(
            "managed_rollback_failed",
            "An earlier setup was interrupted, and not everything could be put back: "
            + "; ".join(recovery.failures),
            next_step="put those files right, then run this command again",
        )
    context.terminal.say("An earlier setup was interrupted; what it had changed was put back first.")


def _observe(context: Context) -> Observation:
    state_file = files.read_snapshot(context.store.state, follow_links=False)
    return Observation(
        survey=take_survey(context.host, context.host.cwd, context.profile),
        key_file=files.read_snapshot(context.store.key, follow_links=False),
        stored=credential.read_stored(context.store, context.host),
        state_file=state_file,
        state=states.parse(state_file.data),
    )


def _ask(request: Request, context: Context, observed: Observation, given: Answers) -> Answers:
    answers = Questions(
        profile=context.profile,
        survey=observed.survey,
        state=observed.state,
        prompter=context.prompter,
        given=given,
        defaults=request.yes,
        find_key=lambda: _find_key(request, context, observed.stored),
        key_optional=request.dry_run,
    ).ask(context.probe.check)
    if answers.key is not None:
        context.terminal.guard(answers.key)
    return answers


def _find_key(
    request: Request, context: Context, stored: credential.StoredKey | None
) -> tuple[Secret, str] | None:
    variable = context.profile.key_variable
    if request.read_stdin_key is not None:
        return credential.parse_key(request.read_stdin_key(), context.profile), "standard input"
    if context.host.environ.get(variable):
        return credential.parse_key(context.host.environ[variable], context.profile), variable
    if stored is not None and stored.secret is not None:
        return stored.secret, "the key that is stored already"
    return None


def _key_action(stored: credential.StoredKey | None, key: Secret | None) -> KeyAction:
    if stored is None:
        return KeyAction.CREATE
    if key is None or stored.secret != key:
        return KeyAction.REPLACE
    return KeyAction.KEEP if stored.protected.ok else KeyAction.PROTECT


def _choice(answers: Answers) -> Choice:
    if answers.model is None or answers.scope is None:
        raise AssertionError("every question was answered")
    return Choice(answers.model, answers.scope)


def _expectation(plan: Plan, profile: Profile) -> verdict.Expectation:
    return verdict.Expectation(profile, plan.choice.model.key, plan.choice.scope)


def _consent(request: Request, plan: Plan, prompter: Prompter) -> None:
    # Without a terminal, explicit choices are the consent, as scripts written for the npm tool expect.
    if request.yes or not prompter.asks or not plan.changed:
        return
    if not prompter.confirm("Write this?", diff=lambda: render.diff(plan)):
        raise SetupError(
            "cancelled", "Nothing was written", next_step="run the command again when you want to go on"
        )


def _carry_out(
    request: Request, context: Context, plan: Plan, key: Secret | None, observed: Observation
) -> Report:
    """Write, prove, and commit or put back; raises TargetChanged when a target moved meanwhile."""
    check = background.start(lambda: _second_reading(plan))
    found = context.probe.result()
    if not check.done():
        with context.terminal.progress("checking the edit with a second parser"):
            check.result()
    check.result()
    with transactions.lock(context.store, context.host), Transaction(context.store, context.host) as changes:
        for snapshot in (observed.key_file, observed.state_file):
            if not files.unchanged(snapshot):
                raise TargetChanged(Path(snapshot.path))
        changes.apply(_writes(context, plan, key, observed))
        survey = observed.survey.replace(plan.texts)
        with context.terminal.progress("asking opencode what it uses now") as progress:
            proof = evidence.gather(
                found.executable,
                found.version,
                context.host,
                survey,
                ask_models=False,
                progress=progress,
            )
        findings = verdict.judge(_expectation(plan, context.profile), survey, proof)
        ending = _ending(context, plan, observed, findings)
        durably = any(finding.blocks and finding.reach == DURABLE for finding in findings)
        here_only = blocked.of_this_folder(findings, plan.choice.scope, survey)
        if durably and not (
            here_only and request.on_blocked is OnBlocked.KEEP and _holds_elsewhere(context, plan)
        ):
            return outcome.durably_blocked(ending, changes.rollback(), here_only=here_only)
        changes.apply(_records(context, plan, found, observed))
        backups = changes.commit()
    if durably:
        return outcome.kept_elsewhere(ending, backups)
    if any(finding.blocks for finding in findings):
        return outcome.session_blocked(ending, backups)
    return outcome.success(ending, backups)


def _holds_elsewhere(context: Context, plan: Plan) -> bool:
    with context.terminal.progress("asking opencode what it uses in another folder"):
        findings = blocked.prove_elsewhere(
            _expectation(plan, context.profile), context.probe.result(), context.host, context.store.folder
        )
    return not any(finding.blocks and finding.reach == DURABLE for finding in findings)


def _ending(
    context: Context, plan: Plan, observed: Observation, findings: tuple[Finding, ...]
) -> outcome.Ending:
    return outcome.Ending(
        profile=context.profile,
        store=context.store,
        plan=plan,
        found=context.probe.result(),
        findings=findings,
        state_existed=observed.state_file.exists,
    )


def _second_reading(plan: Plan) -> None:
    from gonkagate_setup.core import second_reader

    for config in plan.configs:
        if not config.changed:
            continue
        try:
            second_reader.check_edit(config.before, config.after, config.operations)
        except second_reader.SafeMergeError as problem:
            raise SetupError(
                "managed_config_merge_failed",
                f"A second parser does not find exactly the intended change: {problem}",
                where=Where(str(config.snapshot.path)),
                next_step="nothing was written; please file the shape of this config as a bug",
            ) from None


def _writes(context: Context, plan: Plan, key: Secret | None, observed: Observation) -> list[Change]:
    # The key before the configs: opencode refuses to start while a config names a missing key file.
    changes: list[Change] = []
    if plan.key is KeyAction.PROTECT:
        changes.append(transactions.Protect(context.store.key))
    elif plan.key is not KeyAction.KEEP and key is not None:
        data = key.reveal().encode()
        changes.append(transactions.Write(observed.key_file, data, role=Role.SECRET, private=True))
    for config in plan.configs:
        if config.changed:
            role = Role.USER_CONFIG if config.layer == "user_config" else Role.PROJECT_CONFIG
            data = config.after.encode()
            changes.append(transactions.Write(config.snapshot, data, role=role, private=False))
    return changes


def _records(context: Context, plan: Plan, found: Found, observed: Observation) -> list[Change]:
    state = states.render(
        transport=plan.choice.model.transport.value,
        version=__version__,
        last_durable_setup_at=states.timestamp(context.host.now()),
        model_key=plan.choice.model.key,
        scope=plan.choice.scope,
    )
    records: list[Change] = [transactions.Write(observed.state_file, state, role=Role.STATE, private=True)]
    noted, note_file = note(found), files.read_snapshot(context.store.note, follow_links=False)
    if noted is not None and note_file.data != noted:
        records.append(transactions.Write(note_file, noted, role=Role.NOTE, private=True))
    return records
