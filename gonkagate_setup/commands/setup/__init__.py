"""setup: observe -> choose -> plan -> preview -> apply -> verify -> report."""

from __future__ import annotations

from dataclasses import replace

from foundation.host import Host
from foundation.terminal.prompts import Prompter
from foundation.terminal.terminal import Terminal
from foundation.transaction import TargetChanged
from gonkagate_setup.catalog import Profile
from gonkagate_setup.choice import Scope
from gonkagate_setup.commands import known_keys, recovery
from gonkagate_setup.commands.setup import blocked, outcome, unblocking
from gonkagate_setup.commands.setup.apply import carry_out, ending
from gonkagate_setup.commands.setup.blocked import Answer, OnBlocked
from gonkagate_setup.commands.setup.context import Agreed, Attempt, Context, Request
from gonkagate_setup.commands.setup.conversation import Conversation, given_model
from gonkagate_setup.commands.setup.questions import Answers
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


def run(
    request: Request, host: Host, profile: Profile, terminal: Terminal, prompter: Prompter, probe: Probe
) -> Report:
    """Set opencode up. Raises Refusal, and then nothing is left half done."""
    given = Answers(model=given_model(request, profile), scope=request.scope)
    context = Context(host, profile, Store.at(host.home, profile), terminal, prompter, probe)
    known_keys.keys(context.store, host, terminal)
    left = recovery.put_back(context.store, host, terminal, dry_run=request.dry_run, go_on=True)
    report = _run(request, context, given)
    return replace(report, findings=(*report.findings, *left))


def _run(request: Request, context: Context, given: Answers) -> Report:
    prompter = context.prompter
    given, attempt = unblocking.first_attempt(request, context, given)
    talk = Conversation(request, context, given)
    agreed, report = _set_up(talk, attempt)
    if not _is_blocked(request, report):
        return report
    if request.on_blocked in (OnBlocked.FIX, OnBlocked.AVAILABLE):
        available = request.on_blocked is OnBlocked.AVAILABLE or attempt.available_only
        return _try_again(talk, agreed, report, available_only=available)
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
    return _follow(blocked.ask(prompter, offers), talk, agreed, report, attempt)


def _is_blocked(request: Request, report: Report) -> bool:
    """Whether everything was put back, or would be, so that something else can be tried."""
    foreseen = request.dry_run and blocked.durable_blocker(report.findings) is not None
    return report.put_back or foreseen


def _follow(answer: Answer, talk: Conversation, agreed: Agreed, report: Report, attempt: Attempt) -> Report:
    """Do what the user chose after a blocked setup."""
    if answer is Answer.LEAVE:
        return report
    if answer is Answer.PROJECT:
        in_project = replace(agreed.answers, scope=Scope.PROJECT)
        return _set_up(talk, Attempt(), in_project)[1]
    if answer is Answer.KEEP:
        # The same changes were shown and agreed to already.
        request = replace(talk.request, on_blocked=OnBlocked.KEEP, yes=True)
        return _set_up(replace(talk, request=request), attempt, agreed.answers, shown=agreed)[1]
    available = answer is Answer.AVAILABLE or attempt.available_only
    # The user has not agreed to these changes yet, even if --yes was given.
    request = replace(talk.request, yes=False, read_stdin_key=None)
    return _try_again(replace(talk, request=request), agreed, report, available_only=available)


def _try_again(talk: Conversation, agreed: Agreed, report: Report, *, available_only: bool) -> Report:
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
            agreed, report = _set_up(talk, attempt, agreed.answers, shown=agreed)
        except unblocking.OutOfReachError:
            return first
        if not _is_blocked(talk.request, report):
            return report
    return report


def _set_up(
    talk: Conversation, attempt: Attempt, answers: Answers | None = None, shown: Agreed | None = None
) -> tuple[Agreed, Report]:
    request, context = talk.request, talk.context
    agreed = talk.agree(attempt, answers, shown)
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
            agreed = talk.agree(attempt, agreed.answers, shown=agreed)
            continue
        return agreed, replace(report, seen=agreed.seen if context.terminal.result_on_screen else frozenset())
    raise changed
