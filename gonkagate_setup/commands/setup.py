"""setup: observe -> choose -> plan -> preview -> apply -> verify -> report."""

from __future__ import annotations

from dataclasses import replace

from gonkagate_setup.commands import blocked, guarded, interrupted, key_notices, outcome
from gonkagate_setup.commands.apply import carry_out, ending
from gonkagate_setup.commands.blocked import OnBlocked, WayOut
from gonkagate_setup.commands.choices import Answers, Questions
from gonkagate_setup.commands.context import Agreed, Context, Observation, Request
from gonkagate_setup.commands.mistyped import meant
from gonkagate_setup.commands.recommending import active_here, no_project
from gonkagate_setup.core import plan as plans
from gonkagate_setup.core import state as states
from gonkagate_setup.core import verdict
from gonkagate_setup.core.catalog import Model, Profile
from gonkagate_setup.core.findings import Finding
from gonkagate_setup.core.plan import Choice, KeyAction, Plan
from gonkagate_setup.core.report import Report
from gonkagate_setup.core.state import Scope
from gonkagate_setup.errors import Declined, SetupError
from gonkagate_setup.redaction import Secret
from gonkagate_setup.system import credential, files
from gonkagate_setup.system.host import Host
from gonkagate_setup.system.probe import Probe
from gonkagate_setup.system.store import Store
from gonkagate_setup.system.survey import take_survey
from gonkagate_setup.system.transaction import TargetChanged
from gonkagate_setup.ui import render
from gonkagate_setup.ui.prompts import Back, Prompter
from gonkagate_setup.ui.terminal import Terminal
from gonkagate_setup.ui.text import wrap

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
    agreed, report = _set_up(request, context, given)
    if not report.here_only or request.on_blocked is OnBlocked.KEEP:
        return report
    if not prompter.asks:
        return replace(report, next_step=f"{report.next_step}; {blocked.KEEP_OPTION}")
    if not _seen(agreed, report):
        # Shown where the answer is typed: with --quiet or a redirection nobody would know what this is about.
        terminal.show("\n".join([*render.section("In the way:", report.blockers, terminal.width), ""]))
    way_out = blocked.ask(prompter, _in_project(context, agreed))
    if way_out is WayOut.LEAVE:
        return report
    if way_out is WayOut.PROJECT:
        return _set_up(request, context, given, replace(agreed.answers, scope=Scope.PROJECT))[1]
    # The same changes were shown and agreed to already.
    request = replace(request, on_blocked=OnBlocked.KEEP, yes=True)
    return _set_up(request, context, given, agreed.answers, shown=agreed.plan)[1]


def _set_up(
    request: Request,
    context: Context,
    given: Answers,
    answers: Answers | None = None,
    shown: Plan | None = None,
) -> tuple[Agreed, Report]:
    agreed = _agree(request, context, given, answers, shown)
    foreign = 0
    for _ in range(TURNS):
        if request.dry_run:
            reached = ending(context, agreed.plan, agreed.observed, agreed.predicted)
            return agreed, outcome.dry_run(reached, render.plain_diff(agreed.plan))
        try:
            return agreed, carry_out(request, context, agreed)
        except TargetChanged as moved:
            changed = moved
            foreign += not context.store.owns(moved.path)
            if foreign == ATTEMPTS:
                break
            context.terminal.say("A file changed while this was running; reading everything again.")
            agreed = _agree(request, context, given, agreed.answers, shown=agreed.plan)
    raise changed


def _seen(agreed: Agreed, report: Report) -> bool:
    """Whether the preview that stands above on the same screen told of every blocker."""
    told = {(finding.code, finding.path, finding.key) for finding in agreed.predicted}
    return agreed.on_screen and all((f.code, f.path, f.key) in told for f in report.blockers)


def _in_project(context: Context, agreed: Agreed) -> blocked.InProject:
    """What a setup for this project would come to, from the files as they are now."""
    observed = _observe(context)
    choice = replace(_choice(agreed.answers), scope=Scope.PROJECT)
    root = observed.survey.project_root
    unavailable = no_project(observed.survey, context.store.home)
    if unavailable is not None:
        return blocked.InProject(root, unavailable.message)
    try:
        plan = _plan(context, observed, agreed.answers, choice, join=False)
    except SetupError as problem:
        return blocked.InProject(root, problem.message)
    predicted = verdict.predict(context.expectation(plan), observed.survey.replace(plan.texts))
    return blocked.InProject.judged(root, predicted)


def _agree(
    request: Request, context: Context, given: Answers, answers: Answers | None, shown: Plan | None = None
) -> Agreed:
    """Read, ask, plan, show and get consent; a plan that was agreed to already is not shown again."""
    back_from: Answers | None = None
    while True:
        observed = _observe(context)
        questions = _questions(request, context, observed, given)
        if answers is None:
            answers = questions.ask(context.probe.check, back_from)
        if answers.key is not None:
            context.terminal.guard(answers.key)
        plan = _plan(context, observed, answers, _choice(answers), join=given.scope is None)
        if shown is not None and shown.configs == plan.configs:
            return Agreed(answers, plan, observed, ())
        predicted = _show(request, context, plan, observed)
        try:
            _consent(request, plan, context.prompter, back=questions.leads_back(answers))
        except Back:
            answers, back_from = None, answers
            continue
        on_screen = context.terminal.notes_on_screen or _asks_consent(request, plan, context.prompter)
        return Agreed(answers, plan, observed, predicted, on_screen)


def _plan(context: Context, observed: Observation, answers: Answers, choice: Choice, *, join: bool) -> Plan:
    """`join`: a project that names one of our models already is no reason to switch it off elsewhere."""
    elsewhere = observed.state is not None and observed.state.scope is Scope.USER
    joins = (
        join
        and elsewhere
        and choice.scope is Scope.PROJECT
        and active_here(context.profile, observed.survey, context.store.home) is not None
    )
    return plans.build(
        context.profile,
        choice,
        _key_action(observed.stored, answers.key),
        observed.survey.user_files,
        observed.survey.project_files,
        observed.state,
        joins=joins,
    )


def _show(request: Request, context: Context, plan: Plan, observed: Observation) -> tuple[Finding, ...]:
    if observed.state is not None and observed.state.repaired is not None:
        context.terminal.say(
            f"The record of the last setup ({context.store.state}) will be written anew: "
            f"{observed.state.repaired}."
        )
    asks = _asks_consent(request, plan, context.prompter)
    if not (asks or context.terminal.talks or request.dry_run):
        return ()
    survey = observed.survey.replace(plan.texts)
    predicted = verdict.predict(context.expectation(plan), survey)
    predicted += tuple(key_notices.around(survey, context.host, observed.secrets))
    preview = render.preview(
        plan,
        profile=context.profile,
        store=context.store,
        findings=predicted,
        in_git=observed.survey.in_git,
        former_keys=[copy.path for copy in observed.former_keys(plan)],
        width=context.terminal.width,
    )
    if asks:
        context.terminal.show(f"{preview}\n")  # nobody agrees to what --quiet or a redirection hid
    else:
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
        keys = [model.key for model in profile.validated]
        raise SetupError(
            "unsupported_model_key",
            "--model names no validated model",
            next_step=f"{meant(request.model, keys, '--model ')}choose one of: {', '.join(keys)}",
        )
    return model


def _observe(context: Context) -> Observation:
    state_file = files.read_snapshot(context.store.state, follow_links=False)
    # Also the key that was put back, or that another program has stored since.
    secrets = guarded.keys(context.store, context.host, context.terminal)
    return Observation(
        survey=take_survey(context.host, context.host.cwd, context.profile),
        key_file=files.read_snapshot(context.store.key, follow_links=False),
        stored=credential.read_stored(context.store, context.host),
        state_file=state_file,
        state=states.parse(state_file.data),
        secrets=secrets,
        key_copies=credential.former_keys(context.store),
    )


def _questions(request: Request, context: Context, observed: Observation, given: Answers) -> Questions:
    return Questions(
        profile=context.profile,
        survey=observed.survey,
        home=context.store.home,
        state=observed.state,
        prompter=context.prompter,
        given=given,
        defaults=request.yes,
        find_key=lambda: _find_key(request, context, observed.stored),
        key_stored=observed.stored is not None and observed.stored.secret is not None,
        key_optional=request.dry_run,
        announce=lambda sentence: context.terminal.say(wrap(sentence, context.terminal.width)),
    )


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


def _consent(request: Request, plan: Plan, prompter: Prompter, *, back: bool) -> None:
    if not _asks_consent(request, plan, prompter):
        return
    if not prompter.confirm("Write this?", diff=lambda: render.diff(plan), back=back):
        raise Declined("Nothing was written")
