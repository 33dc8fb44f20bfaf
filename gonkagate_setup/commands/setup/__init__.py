"""setup: observe -> choose -> plan -> preview -> apply -> verify -> report."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from foundation.errors import Declined, Refusal
from foundation.host import Host
from foundation.secrets import Secret
from foundation.terminal.prompts import Back, Prompter
from foundation.terminal.terminal import Terminal
from foundation.terminal.text import wrap
from foundation.transaction import TargetChanged
from gonkagate_setup import credential
from gonkagate_setup.catalog import Model, Profile
from gonkagate_setup.changes.plan import Plan
from gonkagate_setup.choice import Scope
from gonkagate_setup.command_line.usage_errors import meant
from gonkagate_setup.commands import key_findings, known_keys, recovery, targets
from gonkagate_setup.commands.setup import blocked, outcome, planning, unblocking
from gonkagate_setup.commands.setup.apply import carry_out, ending
from gonkagate_setup.commands.setup.blocked import Answer, OnBlocked
from gonkagate_setup.commands.setup.context import Agreed, Attempt, Context, Observation, Request
from gonkagate_setup.commands.setup.questions import Answers, Questions
from gonkagate_setup.judgement import verdict
from gonkagate_setup.judgement.findings import Finding
from gonkagate_setup.report import Report
from gonkagate_setup.store import Store
from gonkagate_setup.ui import render
from opencode_config.program.search import Probe

ATTEMPTS = 3
# Setups that run at the same time each end once; this limits retries if something else writes our own files.
TURNS = 100
# An edit may uncover another blocker, which the next try removes; this limits the number of tries.
ROUNDS = 4

_CONSENT_HELP: Final = (
    "Nothing is written before you say yes. If opencode then does not use the new settings, every file is "
    "put back as it was."
)


def run(
    request: Request, host: Host, profile: Profile, terminal: Terminal, prompter: Prompter, probe: Probe
) -> Report:
    """Set opencode up. Raises Refusal, and then nothing is left half done."""
    given = Answers(model=_given_model(request, profile), scope=request.scope)
    context = Context(host, profile, Store.at(host.home, profile), terminal, prompter, probe)
    known_keys.keys(context.store, host, terminal)
    left = recovery.put_back(context.store, host, terminal, dry_run=request.dry_run, go_on=True)
    report = _run(request, context, given)
    return replace(report, findings=(*report.findings, *left))


def _run(request: Request, context: Context, given: Answers) -> Report:
    prompter = context.prompter
    given, attempt = unblocking.first_attempt(request, context, given)
    agreed, report = _set_up(request, context, given, attempt)
    if not _is_blocked(request, report):
        return report
    if request.on_blocked in (OnBlocked.FIX, OnBlocked.AVAILABLE):
        available = request.on_blocked is OnBlocked.AVAILABLE or attempt.available_only
        return _try_again(request, context, given, agreed, report, available_only=available)
    if request.on_blocked is OnBlocked.KEEP or request.dry_run:
        return report
    offers = unblocking.offers(context, agreed, report, attempt)
    if not offers.any:
        return report
    if not prompter.asks:
        return replace(report, next_step=f"{report.next_step}; {offers.as_options}")
    if any(finding.id not in agreed.seen for finding in report.blockers):
        # Shown on the terminal, because with --quiet or a redirection the question would make no sense.
        terminal = context.terminal
        terminal.show("\n".join([*render.section("In the way:", report.blockers, terminal.width), ""]))
    return _follow(blocked.ask(prompter, offers), request, context, given, agreed, report, attempt)


def _is_blocked(request: Request, report: Report) -> bool:
    """Whether everything was put back, or would be, so that something else can be tried."""
    foreseen = request.dry_run and blocked.durable_blocker(report.findings) is not None
    return report.put_back or foreseen


def _follow(
    answer: Answer,
    request: Request,
    context: Context,
    given: Answers,
    agreed: Agreed,
    report: Report,
    attempt: Attempt,
) -> Report:
    """Do what the user chose after a blocked setup."""
    if answer is Answer.LEAVE:
        return report
    if answer is Answer.PROJECT:
        in_project = replace(agreed.answers, scope=Scope.PROJECT)
        return _set_up(request, context, given, Attempt(), in_project)[1]
    if answer is Answer.KEEP:
        # The same changes were shown and agreed to already.
        request = replace(request, on_blocked=OnBlocked.KEEP, yes=True)
        return _set_up(request, context, given, attempt, agreed.answers, shown=agreed)[1]
    available = answer is Answer.AVAILABLE or attempt.available_only
    # The user has not agreed to these changes yet, even if --yes was given.
    request = replace(request, yes=False, read_stdin_key=None)
    return _try_again(request, context, given, agreed, report, available_only=available)


def _try_again(
    request: Request,
    context: Context,
    given: Answers,
    agreed: Agreed,
    report: Report,
    *,
    available_only: bool,
) -> Report:
    """Remove what is in the way, as far as setup may edit it; return the first report if it may not.

    For example, the first try removes default_agent; opencode then starts with build, whose own model is the
    next blocker, and the second try removes both.
    """
    first, met = report, list[Finding]()
    for _ in range(ROUNDS):
        known = {one.id for one in met}
        more = [one for one in report.blockers if one.id not in known]
        if met and not more:
            return report
        met += more
        attempt = Attempt(available_only=available_only, blockers=tuple(met))
        try:
            agreed, report = _set_up(request, context, given, attempt, agreed.answers, shown=agreed)
        except unblocking.OutOfReachError:
            return first
        if not _is_blocked(request, report):
            return report
    return report


def _set_up(
    request: Request,
    context: Context,
    given: Answers,
    attempt: Attempt,
    answers: Answers | None = None,
    shown: Agreed | None = None,
) -> tuple[Agreed, Report]:
    agreed = _agree(request, context, given, attempt, answers, shown)
    foreign = 0
    for _ in range(TURNS):
        if request.dry_run:
            reached = ending(context, agreed.plan, agreed.observed, agreed.predicted)
            return agreed, outcome.dry_run(reached, render.plain_diff(agreed.plan))
        try:
            report = carry_out(request, context, agreed)
        except TargetChanged as moved:
            changed = moved
            foreign += not context.store.owns(moved.path)
            if foreign == ATTEMPTS:
                break
            context.terminal.say("A file changed while this was running; reading everything again.")
            agreed = _agree(request, context, given, attempt, agreed.answers, shown=agreed)
            continue
        return agreed, replace(report, seen=agreed.seen if context.terminal.result_on_screen else frozenset())
    raise changed


def _agree(
    request: Request,
    context: Context,
    given: Answers,
    attempt: Attempt,
    answers: Answers | None,
    shown: Agreed | None = None,
) -> Agreed:
    """Read, ask, plan, show and get consent; a plan that was agreed to already is not shown again."""
    back_from: Answers | None = None
    while True:
        observed = planning.observe(context)
        questions = _questions(request, context, observed, given)
        if answers is None:
            answers = questions.ask(context.probe.check, back_from)
        if answers.key is not None:
            context.terminal.guard(answers.key)
        choice = planning.choice(answers, available_only=attempt.available_only)
        base = planning.plan(context, observed, answers, choice, join=given.scope is None)
        plan = unblocking.amended(context, observed, base, attempt.blockers)
        if shown is not None and shown.plan.configs == plan.configs:
            return replace(shown, answers=answers, plan=plan, observed=observed)
        # After a block the user has seen the plan already: if only repairs are new, only they are shown.
        only_repairs = shown is not None and bool(plan.repairs) and not attempt.available_only
        predicted = _show(request, context, plan, observed, base if only_repairs else None)
        back = not attempt.blockers and questions.leads_back(answers)
        try:
            _consent(request, plan, context.prompter, base if only_repairs else None, back=back)
        except Back:
            answers, back_from = None, answers
            continue
        seen = frozenset() if shown is None else shown.seen
        if context.terminal.notes_on_screen or _asks_consent(request, plan, context.prompter):
            seen |= {finding.id for finding in predicted}
        return Agreed(answers, plan, observed, predicted, seen)


def _show(
    request: Request, context: Context, plan: Plan, observed: Observation, base: Plan | None
) -> tuple[Finding, ...]:
    """Show the plan; if `base` was agreed to already, only what is edited beyond it."""
    if observed.state is not None and observed.state.repaired is not None:
        context.terminal.say(
            f"The setup record ({context.store.state}) will be rewritten: {observed.state.repaired}."
        )
    asks = _asks_consent(request, plan, context.prompter)
    if not (asks or context.terminal.talks or request.dry_run):
        return ()
    survey = observed.survey.replace(plan.texts)
    predicted = verdict.predict(context.expectation(plan), survey)
    predicted += tuple(key_findings.around(survey, context.host, observed.secrets))
    predicted += tuple(targets.notices(targets.of_plan(plan, observed.key_file, observed.state_file)))
    if base is not None:
        preview = render.repairs_preview(plan, base, context.terminal.width)
    else:
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
        context.terminal.show(f"{preview}\n")  # nobody can agree to what --quiet or a redirection hid
    else:
        context.terminal.say(preview)
    return predicted


def _given_model(request: Request, profile: Profile) -> Model | None:
    if not profile.validated:
        raise Refusal(
            "validated_models_unavailable",
            "This build has no validated model",
            next_step="install a released version of this tool",
        )
    if request.model is None:
        return None
    model = profile.model(request.model)
    if model is None:
        keys = [model.key for model in profile.validated]
        raise Refusal(
            "unsupported_model_key",
            "--model does not name a validated model",
            next_step=f"{meant(request.model, keys, '--model ')}choose one of: {', '.join(keys)}",
        )
    return model


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
        return stored.secret, "the key that is already stored"
    return None


def _asks_consent(request: Request, plan: Plan, prompter: Prompter) -> bool:
    # Without a terminal, explicit choices are the consent, as scripts written for the npm tool expect; a run
    # with a piped key counts as a script even if there is a terminal.
    piped = request.read_stdin_key is not None and request.model is not None and request.scope is not None
    return prompter.asks and plan.changed and not (piped or request.yes or request.dry_run)


def _consent(request: Request, plan: Plan, prompter: Prompter, base: Plan | None, *, back: bool) -> None:
    if not _asks_consent(request, plan, prompter):
        return
    if base is not None:
        agreed = prompter.confirm("Change this?", diff=None, help=_CONSENT_HELP, back=back)
    else:
        agreed = prompter.confirm(
            "Write this?", diff=lambda: render.diff(plan), help=_CONSENT_HELP, back=back
        )
    if not agreed:
        raise Declined("Nothing was written")
