from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import PurePosixPath
from types import SimpleNamespace
from typing import Any, Callable

import pytest

from gonkagate_setup.commands.choices import Answers, Questions
from gonkagate_setup.core.catalog import GONKAGATE
from gonkagate_setup.core.snapshot import Snapshot
from gonkagate_setup.core.state import Scope, State
from gonkagate_setup.errors import SetupError
from gonkagate_setup.redaction import Secret
from gonkagate_setup.ui.prompts import Back, Question, RefusingPrompter

KIMI, QWEN, MINIMAX = GONKAGATE.models


@dataclass
class ScriptedPrompter:
    """Gives prepared answers; fails on a question it did not expect and on an answer nobody asked for."""

    answers: list[Any]
    asks: bool = True
    seen: list[Question] = field(default_factory=list)
    told: list[SetupError] = field(default_factory=list)

    def _next(self) -> Any:
        assert self.answers, "an unexpected question"
        answer = self.answers.pop(0)
        if answer is Back:
            raise Back
        return answer

    def pick(self, question: Question) -> str:
        self.seen.append(question)
        answer = self._next()
        return question.default if answer == "" else str(answer)

    def confirm(
        self,
        text: str,
        *,
        diff: Callable[[], str] | None,
        default: bool = True,
        help: str = "",  # noqa: A002 - the protocol's name
    ) -> bool:
        raise AssertionError("choosing never confirms")

    def secret(self, title: str, *, help: str) -> str:  # noqa: A002 - the protocol's name
        return str(self._next())

    def tell(self, problem: SetupError) -> None:
        self.told.append(problem)


def survey(*, in_git: bool = False, project: str | None = None) -> Any:
    root = PurePosixPath("/src/app")
    files = (Snapshot(root / "opencode.json", root / "opencode.json", project.encode() if project else None),)
    return SimpleNamespace(in_git=in_git, project_root=root, project_files=files)


def ask(prompter: Any, **changes: Any) -> Answers:
    settings: dict[str, Any] = {
        "profile": GONKAGATE,
        "survey": survey(),
        "state": None,
        "prompter": prompter,
        "given": Answers(),
        "defaults": False,
        "find_key": lambda: None,
        "key_optional": False,
    }
    answers = Questions(**{**settings, **changes}).ask(lambda: None)
    assert not getattr(prompter, "answers", None), "an answer that nobody asked for"
    return answers


def test_three_questions_and_enter_takes_the_recommended_answers() -> None:
    prompter = ScriptedPrompter(["", "", "gp-abc"])
    answers = ask(prompter, survey=survey(in_git=True))
    assert (answers.model, answers.scope, answers.key) == (KIMI, Scope.PROJECT, Secret("gp-abc"))
    assert [question.reason for question in prompter.seen] == [
        "GonkaGate's own default for opencode",
        "this folder is a git repository",
    ]


def test_outside_git_user_scope_is_recommended() -> None:
    prompter = ScriptedPrompter(["", "", "gp-abc"])
    assert ask(prompter).scope is Scope.USER


def test_the_picker_is_shown_even_for_one_model() -> None:
    from dataclasses import replace

    one = replace(GONKAGATE, models=(QWEN,))
    prompter = ScriptedPrompter(["", "", "gp-abc"])
    assert ask(prompter, profile=one).model == QWEN
    assert [option.value for option in prompter.seen[0].options] == [QWEN.key]


def test_options_are_not_asked_again() -> None:
    prompter = ScriptedPrompter([])
    given = Answers(model=QWEN, scope=Scope.USER)
    answers = ask(prompter, given=given, find_key=lambda: (Secret("gp-x"), "standard input"))
    assert (answers.model, answers.key_source) == (QWEN, "standard input")


def test_yes_takes_the_recommendations_and_still_asks_for_a_key_that_is_nowhere() -> None:
    prompter = ScriptedPrompter(["gp-abc"])
    answers = ask(prompter, defaults=True)
    assert (answers.model, answers.scope, answers.key) == (KIMI, Scope.USER, Secret("gp-abc"))


def test_a_rerun_recommends_what_is_set_up() -> None:
    state = State(model_key=QWEN.key, scope=Scope.USER)
    answers = ask(ScriptedPrompter(["gp-abc"]), defaults=True, state=state, survey=survey(in_git=True))
    assert (answers.model, answers.scope) == (QWEN, Scope.USER)


def test_a_colleagues_project_proposes_its_model() -> None:
    project = '{"model": "gonkagate/minimax-m2.7"}'
    prompter = ScriptedPrompter(["", "", "gp-abc"])
    answers = ask(
        prompter,
        survey=survey(in_git=True, project=project),
        state=State(model_key=QWEN.key, scope=Scope.PROJECT),
    )
    assert answers.model == MINIMAX
    assert prompter.seen[0].reason == "this project's opencode.json names it"


@pytest.mark.parametrize("project", ["{", '{"model": 5}', '{"model": "gonkagate/unknown"}'])
def test_a_project_that_names_none_of_ours_proposes_nothing(project: str) -> None:
    answers = ask(ScriptedPrompter(["", "", "gp-abc"]), survey=survey(project=project))
    assert answers.model == KIMI


def test_back_leads_to_the_previous_question() -> None:
    prompter = ScriptedPrompter([QWEN.key, Back, MINIMAX.key, "project", Back, "user", "gp-abc"])
    answers = ask(prompter)
    assert (answers.model, answers.scope) == (MINIMAX, Scope.USER)


def test_back_skips_what_an_option_answered_and_stays_at_the_first_question() -> None:
    prompter = ScriptedPrompter([Back, "project", Back, "user", "gp-abc"])
    answers = ask(prompter, given=Answers(model=QWEN))
    assert (answers.model, answers.scope) == (QWEN, Scope.USER)


def test_a_malformed_key_may_be_typed_again_twice() -> None:
    prompter = ScriptedPrompter(["", "", "abc def", "nope", "gp-abc"])
    assert ask(prompter).key == Secret("gp-abc")
    assert [problem.code for problem in prompter.told] == ["secret_invalid", "secret_invalid"]


def test_three_malformed_keys_are_enough() -> None:
    with pytest.raises(SetupError) as refused:
        ask(ScriptedPrompter(["", "", "a", "b", "c"]))
    assert refused.value.code == "secret_invalid"


def test_a_dry_run_needs_no_key() -> None:
    assert ask(ScriptedPrompter(["", ""]), key_optional=True).key is None


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (Answers(), "model_selection_required"),
        (Answers(model=KIMI), "scope_selection_required"),
        (Answers(model=KIMI, scope=Scope.USER), "secret_source_unavailable"),
    ],
)
def test_without_anybody_to_ask_the_missing_choice_is_named(given: Answers, code: str) -> None:
    with pytest.raises(SetupError) as refused:
        ask(RefusingPrompter("there is no terminal to ask at", "GONKAGATE_API_KEY"), given=given)
    assert refused.value.code == code


def test_nothing_is_asked_once_the_search_for_opencode_has_failed() -> None:
    def fail() -> None:
        raise SetupError("opencode_not_found", "none", next_step="install it")

    questions = Questions(
        GONKAGATE, survey(), None, ScriptedPrompter([]), Answers(), False, lambda: None, key_optional=False
    )
    with pytest.raises(SetupError) as refused:
        questions.ask(fail)
    assert refused.value.code == "opencode_not_found"


def questions(prompter: Any, **changes: Any) -> Questions:
    settings: dict[str, Any] = {"given": Answers(), "defaults": False, "find_key": lambda: None, **changes}
    return Questions(GONKAGATE, survey(), None, prompter, key_optional=False, **settings)


def test_back_from_the_confirmation_asks_the_last_question_again() -> None:
    first = Answers(QWEN, Scope.PROJECT, Secret("gp-abc"), "typed at the prompt")
    again = questions(ScriptedPrompter(["gp-other"])).ask(lambda: None, back_from=first)
    assert again == Answers(QWEN, Scope.PROJECT, Secret("gp-other"), "typed at the prompt")


def test_back_from_the_confirmation_keeps_a_key_that_was_not_typed() -> None:
    stored = (Secret("gp-stored"), "the key that is stored already")
    asked = questions(ScriptedPrompter(["user"]), find_key=lambda: stored)
    again = asked.ask(lambda: None, back_from=Answers(QWEN, Scope.PROJECT, *stored))
    assert again == Answers(QWEN, Scope.USER, *stored)


def test_back_from_the_confirmation_with_nothing_to_ask_changes_nothing() -> None:
    given = Answers(QWEN, Scope.USER)
    stored = (Secret("gp-stored"), "the key that is stored already")
    asked = questions(ScriptedPrompter([]), given=given, find_key=lambda: stored)
    first = Answers(QWEN, Scope.USER, *stored)
    assert asked.ask(lambda: None, back_from=first) == first
