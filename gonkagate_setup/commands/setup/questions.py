"""The three questions of a setup: model, scope, key. Each answer may come from an option instead.

If the project's own file names one of our models and this machine is not set up for it yet, model and
scope are taken from there and only the key is asked for; `b` leads to the two questions.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Callable

from foundation.errors import Refusal
from foundation.secrets import Secret
from foundation.terminal.prompts import Back, Option, Prompter, Question
from gonkagate_setup.catalog import Model, Profile
from gonkagate_setup.changes.install_state import State
from gonkagate_setup.choice import Scope
from gonkagate_setup.commands.setup.recommendation import Recommendation, active_here, no_project, recommend
from gonkagate_setup.credential import parse_key
from opencode_config.survey import Survey

KEY_ATTEMPTS = 3
TYPED = "typed at the prompt"
_KEY_STEP = 2
_BELOW = (
    "Outside a git repository, opencode also reads the opencode.json of every parent folder, so the "
    "folders below this one are included."
)


@dataclass(frozen=True)
class Answers:
    """What was chosen; `key_source` says in words where the key comes from."""

    model: Model | None = None
    scope: Scope | None = None
    key: Secret | None = None
    key_source: str = ""


@dataclass(frozen=True)
class Questions:
    """What can be asked, who is asked, and what the recommended answers are based on.

    `home` is the home folder without links. `given` holds what options answer. `defaults` takes the
    recommendations without asking (--yes). `find_key` returns a key that need not be asked for, with its
    source in words, or None; `key_stored`: there is one on this machine already. `key_optional` allows to
    do without one (a dry run). `announce` shows a sentence to the user.
    """

    profile: Profile
    survey: Survey
    home: PurePath
    state: State | None
    prompter: Prompter
    given: Answers
    defaults: bool
    find_key: Callable[[], tuple[Secret, str] | None]
    key_stored: bool
    key_optional: bool
    announce: Callable[[str], None]

    def ask(self, before_each: Callable[[], None], back_from: Answers | None = None) -> Answers:
        """Every answer; `back` leads to the previous question that was asked.

        `before_each` runs before every question and may raise. `back_from` holds the answers of an earlier
        call whose confirmation was answered with `back`: the last question is asked again. Raises Refusal
        model_selection_required, scope_selection_required, project_scope_unavailable or one of secret_*.
        """
        unavailable = no_project(self.survey, self.home)
        if self.given.scope is Scope.PROJECT and unavailable is not None:
            raise unavailable
        steps = (self._model, self._scope, self._key)
        answers, step = self.given, 0
        asked: list[int] = []
        joined = None
        if back_from is not None:
            answers, asked = back_from, self._askable(back_from)
            step = asked.pop() if asked else len(steps)
            answers = self._without(answers, step)
        else:
            joined = self._joined()
        if joined is not None:
            answers, step = replace(answers, model=joined, scope=Scope.PROJECT), _KEY_STEP
            self.announce(self._about_joining(joined))
        while step < len(steps):
            before_each()
            try:
                answered = steps[step](answers, back=bool(asked) or joined is not None)
            except Back:
                step, joined = (asked.pop() if asked else 0), None
                answers = self._without(answers, step)
                continue
            if answered is not None:
                if step in self._askable(answered):
                    asked.append(step)
                answers = answered
            step += 1
        return answers

    def leads_back(self, answers: Answers) -> bool:
        """Whether there is a question that `ask` can ask again when it gets these answers as `back_from`."""
        return bool(self._askable(answers))

    def _askable(self, answers: Answers) -> list[int]:
        project = no_project(self.survey, self.home) is None
        choosing = not self.defaults and self.prompter.asks
        asked = [
            choosing and self.given.model is None,
            choosing and self.given.scope is None and project,
            answers.key_source == TYPED,
        ]
        return [step for step, was in enumerate(asked) if was]

    def _without(self, answers: Answers, step: int) -> Answers:
        """The answers before that step; those from options are kept."""
        return Answers(
            model=answers.model if step > 0 else self.given.model,
            scope=answers.scope if step > 1 else self.given.scope,
            key=answers.key if step > _KEY_STEP else None,
            key_source=answers.key_source if step > _KEY_STEP else "",
        )

    def _joined(self) -> Model | None:
        """The model of a project that somebody else set up; None if the two questions are asked."""
        if self.defaults or self.given.model is not None or self.given.scope is not None:
            return None
        here = active_here(self.profile, self.survey, self.home)
        if here is None:
            return None
        # A user who runs setup again in the recorded project may want another model.
        recorded = self.state is not None and (self.state.scope, self.state.model_key) == (
            Scope.PROJECT,
            here.key,
        )
        return None if recorded and self.key_stored and self.prompter.asks else here

    def _about_joining(self, model: Model) -> str:
        return (
            f"This project's opencode.json already selects {self.profile.display_name}'s {model.display_name}"
            ", so setup uses it for this project. Use --model or --scope to change that."
        )

    @property
    def _recommended(self) -> Recommendation:
        return recommend(self.profile, self.survey, self.state, self.home)

    def _model(self, answers: Answers, *, back: bool) -> Answers | None:
        if answers.model is not None:
            return None
        models = self.profile.validated
        recommended = self._recommended
        if self.defaults or (len(models) == 1 and not self.prompter.asks):
            return replace(answers, model=recommended.model)
        key = self.prompter.pick(
            Question(
                id="model",
                title="Which model should opencode use?",
                options=tuple(
                    Option(value=model.key, label=model.display_name, detail=model.key) for model in models
                ),
                default=recommended.model.key,
                reason=recommended.why_model,
                help=(
                    "All models listed here are written to opencode's config, so you can switch between "
                    "them later with /models in opencode. opencode starts with the one that you choose here."
                ),
                back=back,
            )
        )
        return replace(answers, model=self.profile.model(key))

    def _scope(self, answers: Answers, *, back: bool) -> Answers | None:
        if answers.scope is not None:
            return None
        recommended = self._recommended
        # Without a project there is nothing to choose.
        if self.defaults or (self.prompter.asks and no_project(self.survey, self.home) is not None):
            return replace(answers, scope=recommended.scope)
        root, below = self.survey.project_root, "" if self.survey.in_git else f" {_BELOW}"
        if self.survey.distrust is not None:
            below += f" git does not trust this repository; if you do, run: {self.survey.distrust.cure}"
        chosen = self.prompter.pick(
            Question(
                id="scope",
                title="Where should opencode use it?",
                options=(
                    Option("user", "Everywhere", "in every folder, for your account on this machine"),
                    Option("project", "Only in this project", str(root))
                    if self.survey.in_git
                    else Option("project", "Only in this folder and those below it", str(root)),
                ),
                default=recommended.scope.value,
                reason=recommended.why_scope,
                help=(
                    "Everywhere: opencode starts with this model in every folder. Only in this project: "
                    "two lines are added to the project's opencode.json. It never contains your key, so it "
                    "is safe to commit; a colleague who runs this tool there is only asked for a key." + below
                ),
                back=back,
            )
        )
        return replace(answers, scope=Scope(chosen))

    def _key(self, answers: Answers, *, back: bool) -> Answers | None:
        found = self.find_key()
        if found is None and self.key_optional:
            return None
        if found is None:
            found = self._ask_key(back=back), TYPED
        return replace(answers, key=found[0], key_source=found[1])

    def _ask_key(self, *, back: bool) -> Secret:
        for attempt in range(KEY_ATTEMPTS):
            text = self.prompter.secret(
                f"{self.profile.display_name} API key (it is not shown as you type)",
                help=f'Keys start with "{self.profile.key_prefix}"; get one at {self.profile.register_url}',
                back=back,
            )
            try:
                return parse_key(text, self.profile)
            except Refusal as problem:
                if attempt + 1 == KEY_ATTEMPTS or not self.prompter.asks:
                    raise
                self.prompter.tell(problem)
        raise AssertionError("unreachable: the last attempt raises")
