"""Ask opencode after the changes are written, and judge its answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Sequence

from foundation import background
from foundation.secrets import Secret
from foundation.transaction import journal
from gonkagate_setup.changes.plan import Plan
from gonkagate_setup.choice import Scope
from gonkagate_setup.commands import key_findings
from gonkagate_setup.commands.setup import blocked
from gonkagate_setup.commands.setup.context import Agreed, Context
from gonkagate_setup.judgement import verdict
from gonkagate_setup.judgement.findings import DURABLE, Finding
from opencode_config.program import asking
from opencode_config.program.search import Found
from opencode_config.program.surveying import take_survey
from opencode_config.survey import Survey


@dataclass(frozen=True)
class Proof:
    """The findings, and the survey that shows which layer is responsible."""

    survey: Survey
    findings: tuple[Finding, ...]

    @property
    def blocks_durably(self) -> bool:
        """Whether something blocks in every shell."""
        return blocked.durable_blocker(self.findings) is not None


def prove(
    context: Context,
    agreed: Agreed,
    found: Found,
    *,
    writes: bool,
    secrets: Sequence[Secret],
) -> Proof:
    """Ask opencode what it uses now, and judge it.

    If nothing was written (`writes`), the answer that opencode gave at the start may be used.
    """
    plan = agreed.plan
    survey = agreed.observed.survey.replace(plan.texts)
    scratch = context.store.journal if journal.exists(context.store) else None
    with context.terminal.progress("asking opencode what it uses now") as progress:
        background.start(context.terminal.warm_up)
        proof = asking.gather(
            found.asked_in(survey.surroundings.cwd, context.host, scratch),
            found.version,
            survey,
            ask_models=plan.choice.available_only,
            progress=progress,
            known=context.probe.early().valid(survey, writes=writes),
        )
    findings = verdict.judge(context.expectation(plan), survey, proof)
    if any(finding.blocks for finding in findings):
        # The user may have taken long to answer, and opencode adds lines to configs when it starts: which
        # layer is responsible is looked up again. The notices are kept: they say what opencode was about to
        # do.
        survey = take_survey(context.host, context.host.cwd, context.profile.id)
        again = verdict.judge(context.expectation(plan), survey, proof)
        findings = tuple(f for f in again if f.blocks) + tuple(f for f in findings if not f.blocks)
    if plan.choice.scope is Scope.USER and blocked.durable_blocker(findings) is None:
        findings += _blocked_elsewhere(context, plan, survey)
    findings += tuple(key_findings.of(context.store, context.host))
    findings += tuple(key_findings.around(survey, context.host, secrets))
    return Proof(survey, findings)


def holds_elsewhere(context: Context, plan: Plan) -> bool:
    """Whether opencode uses GonkaGate in a folder without a config of its own."""
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
