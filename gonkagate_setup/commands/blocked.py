"""What can be done when something of this folder is in the way of a setup for every folder."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path, PurePath
from typing import Final, Sequence

from gonkagate_setup.core import verdict
from gonkagate_setup.core.findings import DURABLE, Finding
from gonkagate_setup.core.places import AGENT_MARKDOWN, DOT_OPENCODE, PROJECT
from gonkagate_setup.core.state import Scope
from gonkagate_setup.core.survey import Survey
from gonkagate_setup.system import evidence
from gonkagate_setup.system.host import Host
from gonkagate_setup.system.probe import Found
from gonkagate_setup.system.survey import take_survey
from gonkagate_setup.ui.prompts import Option, Prompter, Question

KEEP_OPTION: Final = "or keep it for every other folder: run the same command with `--on-blocked keep`"


class OnBlocked(str, Enum):
    """What becomes of a blocked setup: everything is put back, or it stays for every other folder."""

    ROLLBACK = "rollback"
    KEEP = "keep"


class WayOut(str, Enum):
    """What a person chose after a blocked setup."""

    PROJECT = "project"
    KEEP = "keep"
    LEAVE = "leave"


def of_this_folder(findings: Sequence[Finding], scope: Scope, survey: Survey) -> bool:
    """Whether a setup for every folder is blocked, durably, by nothing but this folder's own config."""
    blockers = [finding for finding in findings if finding.blocks and finding.reach == DURABLE]
    return (
        scope is Scope.USER
        and bool(blockers)
        and all(_of_folder(finding, survey.project_root) for finding in blockers)
    )


def _of_folder(finding: Finding, root: PurePath) -> bool:
    # The same layers also lie above the folder, and agent files among the user's own: those count elsewhere.
    inside = finding.path is not None and root in PurePath(finding.path).parents
    return finding.layer in (PROJECT, DOT_OPENCODE, AGENT_MARKDOWN) and inside


@dataclass(frozen=True)
class InProject:
    """What a setup for this project would come to; `why_not` says why nothing, None where it would work."""

    root: PurePath
    why_not: str | None

    @classmethod
    def judged(cls, root: PurePath, predicted: Sequence[Finding]) -> InProject:
        """From the findings that are predicted for project scope."""
        blocker = next((f for f in predicted if f.blocks and f.reach == DURABLE), None)
        if blocker is None:
            return cls(root, None)
        place = blocker.path or blocker.layer
        return cls(root, f"{blocker.key or 'what stands'} in {place} would win over this project's file too")


def ask(prompter: Prompter, project: InProject) -> WayOut:
    """Offer what makes sense here; everything is put back already while this is asked."""
    keep = Option(WayOut.KEEP.value, "Set it up for every other folder", "this one stays as it is")
    leave = Option(WayOut.LEAVE.value, "Leave everything as it is", "you can change the config yourself")
    options: tuple[Option, ...] = (keep, leave)
    reason = f"a setup for this project would not help: {project.why_not}"
    explained = (
        "The first answer sets GonkaGate up everywhere and leaves this folder with what its own config says."
    )
    if project.why_not is None:
        here = Option(WayOut.PROJECT.value, "Set it up for this project", f"changes {project.root}")
        options, reason = (here, *options), "the project's config wins over yours in this folder"
        explained = (
            "The first answer writes the model into this project's opencode.json; the second sets GonkaGate "
            "up everywhere and leaves this project with the model that it names."
        )
    question = Question(
        id="blocked",
        title="This folder's own opencode config is in the way. What now?",
        options=options,
        default=options[0].value,
        reason=reason,
        help=f"Nothing is changed at this moment. {explained}",
    )
    return WayOut(prompter.pick(question))


def prove_elsewhere(
    expectation: verdict.Expectation, found: Found, host: Host, folder: Path
) -> tuple[Finding, ...]:
    """The same judgement in `folder`, one of ours under the home folder: it stands for every other folder."""
    elsewhere = replace(host, cwd=folder)
    survey = take_survey(elsewhere, folder, expectation.profile)
    proof = evidence.gather(found.executable, found.version, elsewhere, survey, ask_models=False)
    return verdict.judge(expectation, survey, proof)
