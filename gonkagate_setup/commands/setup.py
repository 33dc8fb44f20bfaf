"""setup: observe -> choose -> plan -> preview -> apply -> verify -> report."""

from __future__ import annotations

from dataclasses import replace

from gonkagate_setup.commands import blocked, guarded, interrupted, outcome
from gonkagate_setup.commands.apply import carry_out, ending
from gonkagate_setup.commands.blocked import OnBlocked, WayOut
from gonkagate_setup.commands.choices import Answers, Questions
from gonkagate_setup.commands.context import Agreed, Context, Observation, Request
from gonkagate_setup.core import plan as plans
from gonkagate_setup.core import state as states
from gonkagate_setup.core import verdict
from gonkagate_setup.core.catalog import Model, Profile
from gonkagate_setup.core.findings import Finding
from gonkagate_setup.core.plan import Choice, KeyAction, Plan
from gonkagate_setup.core.report import Report
from gonkagate_setup.core.state import Scope
from gonkagate_setup.errors import SetupError
from gonkagate_setup.redaction import Secret
from gonkagate_setup.system import credential, files
from gonkagate_setup.system.host import Host
from gonkagate_setup.system.probe import Probe
from gonkagate_setup.system.survey import take_survey
from gonkagate_setup.system.transaction import Store, TargetChanged
from gonkagate_setup.ui import render
from gonkagate_setup.ui.prompts import Back, Prompter
from gonkagate_setup.ui.terminal import Terminal
from gonkagate_setup.ui.text import closest

ATTEMPTS = 3
# Others that set up at the same time come to an end, each once; this bounds what else writes our own files.
TURNS = 100


def run(
    request: Request, host: Host, profile: Profile, terminal: Terminal, prompter: Prompter, probe: Probe
) -> Report:
    """Set opencode up. Raises SetupError; whatever it raises, nothing is left half done."""
    given = Answers(model=_given_model(request, profile), scope=request.scope)
    context = Context(host, profile, Store.at(host.home, profile), terminal, prompter, probe)
    guarded.keys(context.store, host, terminal)
    interrupted.put_back(context.store, host, terminal, dry_run=request.dry_run)
    answers, report = _set_up(request, context, given)
    if not (prompter.asks and report.here_only and request.on_blocked is OnBlocked.ROLLBACK):
        return report
    terminal.say("\n".join(render.section("In the way:", report.blockers, terminal.width)))
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
    agreed = _agree(request, context, given, answers)
    foreign = 0
    for _ in range(TURNS):
        if request.dry_run:
            reached = ending(context, agreed.plan, agreed.observed, agreed.predicted)
            return agreed.answers, outcome.dry_run(reached, render.plain_diff(agreed.plan))
        try:
            return agreed.answers, carry_out(request, context, agreed)
        except TargetChanged as moved:
            changed = moved
            foreign += not context.store.owns(moved.path)
            if foreign == ATTEMPTS:
                break
            context.terminal.say("A file changed while this was running; reading everything again.")
            agreed = _agree(request, context, given, agreed.answers, shown=agreed.plan)
    raise changed


def _agree(
    request: Request, context: Context, given: Answers, answers: Answers | None, shown: Plan | None = None
) -> Agreed:
    """Read, ask, plan, show and get consent; a plan that was agreed to already is not shown again."""
    back_from: Answers | None = None
    while True:
        observed = _observe(context)
        if answers is None:
            answers = _ask(request, context, observed, given, back_from)
        plan = plans.build(
            context.profile,
            _choice(answers),
            _key_action(observed.stored, answers.key),
            observed.survey.user_files,
            observed.survey.project_files,
            observed.state,
        )
        if shown is not None and shown.configs == plan.configs:
            return Agreed(answers, plan, observed, ())
        predicted = _show(request, context, plan, observed)
        try:
            _consent(request, plan, context.prompter)
        except Back:
            answers, back_from = None, answers
            continue
        return Agreed(answers, plan, observed, predicted)


def _show(request: Request, context: Context, plan: Plan, observed: Observation) -> tuple[Finding, ...]:
    if observed.state is not None and observed.state.repaired is not None:
        context.terminal.say(
            f"The record of the last setup ({context.store.state}) will be written anew: "
            f"{observed.state.repaired}."
        )
    asks = _asks_consent(request, plan, context.prompter)
    if not (asks or context.terminal.talks or request.dry_run):
        return ()
    predicted = verdict.predict(context.expectation(plan), observed.survey.replace(plan.texts))
    preview = render.preview(
        plan,
        profile=context.profile,
        store=context.store,
        findings=predicted,
        width=context.terminal.width,
    )
    if asks:
        context.terminal.show(f"{preview}\n")  # nobody agrees to what --quiet or a redirection hid
    else:
        context.terminal.say(preview)
    return predicted


def _meant(typed: str, profile: Profile) -> str:
    near = closest(typed, [model.key for model in profile.validated])
    return "" if near is None else f"did you mean --model {near}? "


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
            "unsupported_model_key",
            "--model names no validated model",
            next_step=f"{_meant(request.model, profile)}choose one of: {keys}",
        )
    return model


def _observe(context: Context) -> Observation:
    state_file = files.read_snapshot(context.store.state, follow_links=False)
    # Also the one that was put back, or that another program has stored since.
    guarded.keys(context.store, context.host, context.terminal)
    return Observation(
        survey=take_survey(context.host, context.host.cwd, context.profile),
        key_file=files.read_snapshot(context.store.key, follow_links=False),
        stored=credential.read_stored(context.store, context.host),
        state_file=state_file,
        state=states.parse(state_file.data),
    )


def _ask(
    request: Request, context: Context, observed: Observation, given: Answers, back_from: Answers | None
) -> Answers:
    answers = Questions(
        profile=context.profile,
        survey=observed.survey,
        state=observed.state,
        prompter=context.prompter,
        given=given,
        defaults=request.yes,
        find_key=lambda: _find_key(request, context, observed.stored),
        key_optional=request.dry_run,
    ).ask(context.probe.check, back_from)
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
    return KeyAction.PROTECT if stored.protected.repairable else KeyAction.KEEP


def _choice(answers: Answers) -> Choice:
    if answers.model is None or answers.scope is None:
        raise AssertionError("every question was answered")
    return Choice(answers.model, answers.scope)


def _asks_consent(request: Request, plan: Plan, prompter: Prompter) -> bool:
    # Without a terminal, explicit choices are the consent, as scripts written for the npm tool expect; one
    # that pipes the key in is a script also where a terminal is at hand.
    piped = request.read_stdin_key is not None and request.model is not None and request.scope is not None
    return prompter.asks and plan.changed and not (piped or request.yes or request.dry_run)


def _consent(request: Request, plan: Plan, prompter: Prompter) -> None:
    if not _asks_consent(request, plan, prompter):
        return
    if not prompter.confirm("Write this?", diff=lambda: render.diff(plan)):
        raise SetupError(
            "cancelled", "Nothing was written", next_step="run the command again when you want to go on"
        )
