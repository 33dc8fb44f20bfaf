"""After a block: the choices that would work, and the question which one it is to be."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path, PurePath
from typing import Final, Sequence

from foundation.host import Host
from foundation.terminal.prompts import Option, Prompter, Question
from gonkagate_setup.choice import Scope
from gonkagate_setup.judgement import verdict
from gonkagate_setup.judgement.findings import DURABLE, Finding
from opencode_config.places import AGENT_MARKDOWN, DOT_OPENCODE, PROJECT
from opencode_config.program import asking
from opencode_config.program.search import Found
from opencode_config.program.surveying import take_survey
from opencode_config.survey import Survey

KEEP_OPTION: Final = "or keep it for every other folder: run this command again with `--on-blocked keep`"


class OnBlocked(str, Enum):
    """What to do with a blocked setup.

    Put everything back; keep it for every other folder; change what is in the way; or
    only make GonkaGate available.
    """

    ROLLBACK = "rollback"
    KEEP = "keep"
    FIX = "fix"
    AVAILABLE = "available"


class Answer(str, Enum):
    """What the user chose after a blocked setup."""

    PROJECT = "project"
    FIX = "fix"
    KEEP = "keep"
    AVAILABLE = "available"
    LEAVE = "leave"


def of_this_folder(findings: Sequence[Finding], scope: Scope, survey: Survey) -> bool:
    """Whether only this folder's own config blocks a setup for every folder, in every shell."""
    blockers = [finding for finding in findings if finding.blocks and finding.reach == DURABLE]
    return (
        scope is Scope.USER
        and bool(blockers)
        and all(_of_folder(finding, survey.project_root) for finding in blockers)
    )


def _of_folder(finding: Finding, root: PurePath) -> bool:
    # Layers of the same kind also exist above the folder and among the user's own files: those also apply
    # elsewhere.
    inside = finding.path is not None and root in PurePath(finding.path).parents
    return finding.layer in (PROJECT, DOT_OPENCODE, AGENT_MARKDOWN) and inside


def durable_blocker(findings: Sequence[Finding]) -> Finding | None:
    """The first finding that blocks in every shell."""
    return next((one for one in findings if one.blocks and one.reach == DURABLE), None)


@dataclass(frozen=True)
class InProject:
    """Whether a setup for this project would work; `why_not` says why not, None if it would."""

    root: PurePath
    why_not: str | None

    @classmethod
    def judged(cls, root: PurePath, predicted: Sequence[Finding]) -> InProject:
        """Judged by the findings that are predicted for project scope."""
        blocker = durable_blocker(predicted)
        if blocker is None:
            return cls(root, None)
        place = blocker.path or blocker.layer
        return cls(root, f"{blocker.key or 'a value'} in {place} would override this project's file too")


@dataclass(frozen=True)
class Offers:
    """What would work now, after everything is put back.

    `fix` says what is edited, one sentence per file, empty if editing would not help; `project` is
    None, and `keep` False, if more than this folder's own config is in the way.
    """

    fix: tuple[str, ...]
    available: bool
    keep: bool
    project: InProject | None

    @property
    def any(self) -> bool:
        """Whether there is anything to choose."""
        return bool(self.fix) or self.available or self.keep

    @property
    def as_options(self) -> str:
        """The choices for a script: the values of --on-blocked, each with what it does."""
        choices = []
        if self.fix:
            choices.append(f"`--on-blocked fix` ({'; '.join(self.fix)})")
        if self.available:
            choices.append("`--on-blocked available` (opencode starts with the same model as before)")
        told = [f"or run this command again with {' or '.join(choices)}"] if choices else []
        return "; ".join([*told, KEEP_OPTION] if self.keep else told)


def ask(prompter: Prompter, offers: Offers) -> Answer:
    """Offer what would work; everything is put back already while this is asked."""
    options: list[Option] = []
    helps: list[str] = []

    def offer(answer: Answer, label: str, detail: str, explained: str) -> None:
        options.append(Option(answer.value, label, detail))
        helps.append(f"{len(options)}. {explained}")

    if offers.project is not None and offers.project.why_not is None:
        offer(
            Answer.PROJECT,
            "Set it up for this project",
            f"changes {offers.project.root}",
            "The model is written into this project's opencode.json.",
        )
    if offers.fix:
        offer(
            Answer.FIX,
            "Change what is in the way",
            "; ".join(offers.fix),
            "You see the exact lines before they change, and `gonkagate-setup undo` restores them.",
        )
    if offers.keep:
        offer(
            Answer.KEEP,
            "Set it up for every other folder",
            "this one stays as it is",
            "GonkaGate is set up for all other folders; this folder keeps using its own config.",
        )
    if offers.available:
        offer(
            Answer.AVAILABLE,
            "Only make it available",
            "opencode starts with the same model as before",
            "You can choose GonkaGate's models inside opencode with /models.",
        )
    offer(
        Answer.LEAVE,
        "Leave everything as it is",
        "you can change the config yourself",
        "Nothing is written.",
    )
    title = "Something keeps opencode from using GonkaGate. What now?"
    if offers.keep:
        title = "This folder's own opencode config is in the way. What now?"
    question = Question(
        id="blocked",
        title=title,
        options=tuple(options),
        default=options[0].value,
        reason=_reason(Answer(options[0].value), offers),
        help=" ".join(["Nothing has been changed.", *helps]),
    )
    return Answer(prompter.pick(question))


def _reason(answer: Answer, offers: Offers) -> str:
    """Why this one is recommended."""
    if answer is Answer.PROJECT:
        return "the project's config overrides yours in this folder"
    if answer is Answer.KEEP and offers.project is not None:
        return f"a setup for this project would not help: {offers.project.why_not}"
    return {
        Answer.FIX: "`gonkagate-setup undo` can undo it",
        Answer.AVAILABLE: "it changes nothing that you use now",
    }.get(answer, "it changes nothing")


def prove_elsewhere(
    expectation: verdict.Expectation, found: Found, host: Host, folder: Path
) -> tuple[Finding, ...]:
    """The same judgement in `folder`, one of this program's own: the result holds for every other folder."""
    elsewhere = replace(host, cwd=folder)
    survey = take_survey(elsewhere, folder, expectation.profile.id)
    proof = asking.gather(
        found.asked_in(survey.surroundings.cwd, elsewhere), found.version, survey, ask_models=False
    )
    return verdict.judge(expectation, survey, proof)
