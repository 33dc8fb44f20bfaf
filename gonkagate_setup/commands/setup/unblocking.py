"""After a block: the plan for each choice that setup carries out itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Final, Sequence

from foundation.errors import Refusal
from foundation.terminal.prompts import Option, Question
from foundation.terminal.text import listed
from gonkagate_setup.changes import plan as plans
from gonkagate_setup.changes import repairs
from gonkagate_setup.changes.plan import Plan
from gonkagate_setup.choice import Scope
from gonkagate_setup.commands.setup import blocked, planning, starting
from gonkagate_setup.commands.setup.blocked import InProject, Offers, OnBlocked
from gonkagate_setup.commands.setup.context import Agreed, Attempt, Context, Observation, Request
from gonkagate_setup.commands.setup.questions import Answers
from gonkagate_setup.commands.setup.recommendation import active_model, no_project
from gonkagate_setup.judgement import verdict
from gonkagate_setup.judgement.findings import Finding
from gonkagate_setup.report import Report
from opencode_config.jsonc.operations import Repair

_KEPT: Final = (None, OnBlocked.AVAILABLE)


class OutOfReachError(Exception):
    """What is in the way is not in a file that setup may edit."""


def amended(context: Context, observed: Observation, plan: Plan, blockers: Sequence[Finding]) -> Plan:
    """The plan with the edits that remove the blockers; raises OutOfReachError."""
    if not blockers:
        return plan
    survey = observed.survey.replace(plan.texts)
    proposal = repairs.propose(
        context.expectation(plan), survey, blockers, context.store.home, plans.project_target(plan)
    )
    if proposal.left:
        raise OutOfReachError
    whole = plans.repaired(plan, proposal.repairs)
    planning.require_writable(context, observed, whole)
    return whole


def offers(context: Context, agreed: Agreed, report: Report, attempt: Attempt) -> Offers:
    """What would work, judged by the files as they are now."""
    observed = planning.observe(context)
    blockers = [*attempt.blockers, *report.blockers]
    fix = _would_work(context, observed, agreed.answers, blockers, available_only=attempt.available_only)
    available = None
    if not attempt.available_only and starting.is_chosen(observed.survey):
        available = _would_work(context, observed, agreed.answers, blockers, available_only=True)
    return Offers(
        fix=() if fix is None else _by_file(fix.repairs),
        available=available is not None,
        keep=report.here_only,
        project=_in_project(context, agreed, observed) if report.here_only else None,
    )


def _by_file(edits: Sequence[Repair]) -> tuple[str, ...]:
    """What is done to each file, one sentence per file."""
    sentences: dict[str, list[str]] = {}
    for repair in edits:
        sentences.setdefault(str(repair.snapshot.path), []).append(repair.sentence)
    return tuple(f"{listed(told)} in {path}" for path, told in sentences.items())


def _would_work(
    context: Context,
    observed: Observation,
    answers: Answers,
    blockers: Sequence[Finding],
    *,
    available_only: bool,
) -> Plan | None:
    """The plan after which the files predict no blocker; None if there is none."""
    choice = planning.choice(answers, available_only=available_only)
    try:
        plan = planning.plan(context, observed, answers, choice, join=False)
        plan = amended(context, observed, plan, blockers)
    except (Refusal, OutOfReachError):
        return None
    predicted = verdict.predict(context.expectation(plan), observed.survey.replace(plan.texts))
    return None if blocked.durable_blocker(predicted) else plan


def _in_project(context: Context, agreed: Agreed, observed: Observation) -> InProject:
    """Whether a setup for this project would work."""
    choice = replace(planning.choice(agreed.answers), scope=Scope.PROJECT)
    root = observed.survey.project_root
    unavailable = no_project(observed.survey, context.store.home)
    if unavailable is not None:
        return InProject(root, unavailable.message)
    try:
        plan = planning.plan(context, observed, agreed.answers, choice, join=False)
    except Refusal as problem:
        return InProject(root, problem.message)
    predicted = verdict.predict(context.expectation(plan), observed.survey.replace(plan.texts))
    return InProject.judged(root, predicted)


def first_attempt(request: Request, context: Context, given: Answers) -> tuple[Answers, Attempt]:
    """What the first attempt should reach, and the answers that need not be asked for.

    If GonkaGate was only made available, a rerun keeps that, unless --on-blocked asks for something else,
    --scope names another scope than the setup record, this folder's own config names a model of the
    catalogue, or the user says so.
    """
    if request.on_blocked not in _KEPT or not context.store.available.exists():
        return given, Attempt()
    observed = planning.observe(context)
    recorded = observed.state.scope if observed.state is not None else None
    survey, profile = observed.survey, context.profile
    named = any(active_model(profile, shots) for shots in (survey.project_files, survey.user_files))
    if named or given.scope not in (None, recorded):
        return given, Attempt()
    if context.prompter.asks and not (request.yes or request.dry_run) and _wants_to_start(context):
        return given, Attempt()
    model = given.model or profile.model((observed.state.model_key if observed.state else None) or "")
    return (
        replace(given, model=model, scope=given.scope or recorded or Scope.USER),
        Attempt(available_only=True),
    )


def _wants_to_start(context: Context) -> bool:
    name = context.profile.display_name
    chosen = context.prompter.pick(
        Question(
            id="start",
            title=f"{name} is available in opencode. What now?",
            options=(
                Option("keep", "Keep it that way", "opencode starts with the same model as before"),
                Option("start", f"Have opencode start with {name}", "asks for the model and where to use it"),
            ),
            default="keep",
            reason="your current choice",
            help="The first answer updates the model list and the key, and changes nothing else.",
        )
    )
    return chosen == "start"
