"""The three questions of a setup: model, scope, key. Each answer may come from an option instead."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Callable, Sequence

from gonkagate_setup.core import jsonc
from gonkagate_setup.core.catalog import Model, Profile
from gonkagate_setup.core.layers import Survey
from gonkagate_setup.core.snapshot import Snapshot
from gonkagate_setup.core.state import Scope, State
from gonkagate_setup.errors import SetupError
from gonkagate_setup.redaction import Secret
from gonkagate_setup.system.credential import parse_key
from gonkagate_setup.ui.prompts import Back, Option, Prompter, Question

KEY_ATTEMPTS = 3
TYPED = "typed at the prompt"
_KEY_STEP = 2


def active_model(profile: Profile, snapshots: Sequence[Snapshot]) -> Model | None:
    """The catalogue model that these files (low to high) switch on; what cannot be read names none."""
    for snapshot in reversed(snapshots):
        try:
            value = jsonc.parse(jsonc.decode(snapshot.data or b"")).value
        except jsonc.JsoncError:
            continue
        if "model" in value:
            references = {profile.reference(model.key): model for model in profile.validated}
            return references.get(value["model"]) if isinstance(value["model"], str) else None
    return None


@dataclass(frozen=True)
class Answers:
    """What was chosen; `key_source` says in words where the key comes from."""

    model: Model | None = None
    scope: Scope | None = None
    key: Secret | None = None
    key_source: str = ""


@dataclass(frozen=True)
class Questions:
    """What can be asked, of whom, and what the recommended answers rest on.

    `given` holds what options answer. `defaults` takes the recommendations without asking (--yes).
    `find_key` returns a key that need not be asked for, with its source in words, or None.
    `key_optional` leaves the key out where there is none (a dry run).
    """

    profile: Profile
    survey: Survey
    state: State | None
    prompter: Prompter
    given: Answers
    defaults: bool
    find_key: Callable[[], tuple[Secret, str] | None]
    key_optional: bool

    def ask(self, before_each: Callable[[], None], back_from: Answers | None = None) -> Answers:
        """Every answer; `back` leads to the previous question that was asked.

        `before_each` runs before every question and may raise. `back_from` holds the answers of an earlier
        call whose confirmation was answered with `back`: the last question is asked again. Raises SetupError
        model_selection_required, scope_selection_required or one of secret_*.
        """
        steps = (self._model, self._scope, self._key)
        answers, step = self.given, 0
        asked: list[int] = []
        if back_from is not None:
            answers, asked = back_from, self._asked_for(back_from)
            step = asked.pop() if asked else len(steps)
            answers = self._without(answers, step)
        while step < len(steps):
            before_each()
            try:
                answered = steps[step](answers)
            except Back:
                step = asked.pop() if asked else step
                answers = self._without(answers, step)
                continue
            if answered is not None:
                answers = answered
                asked.append(step)
            step += 1
        return answers

    def _asked_for(self, answers: Answers) -> list[int]:
        asked = [self.given.model is None, self.given.scope is None, answers.key_source == TYPED]
        return [step for step, was in enumerate(asked) if was and (step == _KEY_STEP or not self.defaults)]

    def _without(self, answers: Answers, step: int) -> Answers:
        """The answers before that step; what an option gave stays."""
        return Answers(
            model=answers.model if step > 0 else self.given.model,
            scope=answers.scope if step > 1 else self.given.scope,
            key=answers.key if step > _KEY_STEP else None,
            key_source=answers.key_source if step > _KEY_STEP else "",
        )

    def _model(self, answers: Answers) -> Answers | None:
        if answers.model is not None:
            return None
        models = self.profile.validated
        recommended, reason = self._recommended_model()
        if self.defaults or (len(models) == 1 and not self.prompter.asks):
            return replace(answers, model=recommended)
        key = self.prompter.pick(
            Question(
                id="model",
                title="Which model should opencode use?",
                options=tuple(
                    Option(value=model.key, label=model.display_name, detail=model.key) for model in models
                ),
                default=recommended.key,
                reason=reason,
                help=(
                    "Every model listed here is written to opencode's config, so you can switch between "
                    "them later inside opencode with /models. This answer is the one it starts with."
                ),
            )
        )
        return replace(answers, model=self.profile.model(key))

    def _recommended_model(self) -> tuple[Model, str]:
        here = active_model(self.profile, self.survey.project_files)
        if here is not None:
            return here, "this project's opencode.json names it"
        recorded = self.profile.model(self.state.model_key or "") if self.state is not None else None
        if recorded is not None:
            return recorded, "your present choice"
        default = self.profile.model(self.profile.default_model)
        return default or self.profile.validated[0], self.profile.default_model_reason

    def _scope(self, answers: Answers) -> Answers | None:
        if answers.scope is not None:
            return None
        recommended, reason = self._recommended_scope()
        if self.defaults:
            return replace(answers, scope=recommended)
        chosen = self.prompter.pick(
            Question(
                id="scope",
                title="Where should opencode use it?",
                options=(
                    Option("user", "Everywhere", "in every folder, for your account on this machine"),
                    Option("project", "Only in this project", str(self.survey.project_root)),
                ),
                default=recommended.value,
                reason=reason,
                help=(
                    "Everywhere: opencode starts with this model in every folder. Only in this project: "
                    "two lines go into the project's opencode.json, which is safe to commit: it never holds "
                    "your key, and a colleague who runs this tool is asked only for theirs."
                ),
            )
        )
        return replace(answers, scope=Scope(chosen))

    def _recommended_scope(self) -> tuple[Scope, str]:
        # Someone who set it up everywhere must not lose that in other folders by a rerun with --yes.
        if self.state is not None and self.state.scope is Scope.USER:
            return Scope.USER, "as it is set up now"
        if self.survey.in_git:
            return Scope.PROJECT, "this folder is a git repository"
        return Scope.USER, "this folder is not a git repository"

    def _key(self, answers: Answers) -> Answers | None:
        found = self.find_key()
        if found is None and self.key_optional:
            return None
        if found is None:
            found = self._ask_key(), TYPED
        return replace(answers, key=found[0], key_source=found[1])

    def _ask_key(self) -> Secret:
        for attempt in range(KEY_ATTEMPTS):
            text = self.prompter.secret(
                f"{self.profile.display_name} API key (it is not shown as you type)",
                help=f'Keys start with "{self.profile.key_prefix}"; get one at {self.profile.register_url}',
            )
            try:
                return parse_key(text, self.profile)
            except SetupError as problem:
                if attempt + 1 == KEY_ATTEMPTS or not self.prompter.asks:
                    raise
                self.prompter.tell(problem)
        raise AssertionError("unreachable: the last attempt raises")
