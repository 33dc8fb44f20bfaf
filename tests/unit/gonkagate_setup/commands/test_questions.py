"""The three questions: what is asked, what options and the project answer, and the way back."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import PurePosixPath
from types import SimpleNamespace
from typing import Any, Callable

import pytest

from foundation.errors import Refusal
from foundation.files.snapshot import Snapshot
from foundation.secrets import Secret
from foundation.terminal.prompts import Back, Question, RefusingPrompter
from gonkagate_setup.catalog import GONKAGATE
from gonkagate_setup.changes.install_state import State
from gonkagate_setup.choice import Scope
from gonkagate_setup.commands.setup.questions import Answers, Questions
from gonkagate_setup.commands.setup.recommendation import recommend
from gonkagate_setup.errors import code_of

KIMI, QWEN, MINIMAX = GONKAGATE.models[:3]


@dataclass
class ScriptedPrompter:
    """Gives prepared answers; fails on a question it did not expect and on an answer nobody asked for."""

    answers: list[Any]
    asks: bool = True
    seen: list[Question] = field(default_factory=list)
    told: list[Refusal] = field(default_factory=list)
    key_leads_back: bool = False

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
        back: bool = False,
    ) -> bool:
        raise AssertionError("choosing never confirms")

    def secret(self, title: str, *, help: str, back: bool = False) -> str:  # noqa: A002 - the protocol's name
        self.key_leads_back = back
        return str(self._next())

    def tell(self, problem: Refusal) -> None:
        self.told.append(problem)


HOME = PurePosixPath("/home/me")
USERS = HOME / ".config" / "opencode" / "opencode.json"


def survey(*, in_git: bool = False, project: str | None = None, root: str = "/src/app") -> Any:
    file = PurePosixPath(root) / "opencode.json"
    return SimpleNamespace(
        in_git=in_git,
        distrust=None,
        project_root=PurePosixPath(root),
        project_files=(Snapshot(file, file, project.encode() if project else None),),
        user_files=(Snapshot(USERS, USERS, None),),
    )


def ask(prompter: Any, **changes: Any) -> Answers:
    settings: dict[str, Any] = {
        "profile": GONKAGATE,
        "survey": survey(),
        "home": HOME,
        "state": None,
        "prompter": prompter,
        "given": Answers(),
        "defaults": False,
        "find_key": lambda: None,
        "key_stored": False,
        "key_optional": False,
        "announce": lambda _: None,
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


NAMES_MINIMAX = '{"model": "gonkagate/minimax-m2.7"}'
NAMED = "this project's opencode.json names it"
OWN = GONKAGATE.default_model_reason
IN_GIT, NO_GIT = "this folder is a git repository", "this folder is not a git repository"
RECORDS = {
    "none": None,
    "user": State(model_key=QWEN.key, scope=Scope.USER),
    "project": State(model_key=QWEN.key, scope=Scope.PROJECT),
}


@pytest.mark.parametrize(
    ("record", "in_git", "project", "model", "scope", "reasons"),
    [
        # The project's own file comes before every record, for both answers.
        ("none", True, NAMES_MINIMAX, MINIMAX, Scope.PROJECT, (NAMED, NAMED)),
        ("none", False, NAMES_MINIMAX, MINIMAX, Scope.PROJECT, (NAMED, NAMED)),
        ("user", True, NAMES_MINIMAX, MINIMAX, Scope.PROJECT, (NAMED, NAMED)),
        ("user", False, NAMES_MINIMAX, MINIMAX, Scope.PROJECT, (NAMED, NAMED)),
        ("project", True, NAMES_MINIMAX, MINIMAX, Scope.PROJECT, (NAMED, NAMED)),
        ("project", False, NAMES_MINIMAX, MINIMAX, Scope.PROJECT, (NAMED, NAMED)),
        # Then a record for every folder.
        ("user", True, None, QWEN, Scope.USER, ("your current choice", "as it is set up now")),
        ("user", False, None, QWEN, Scope.USER, ("your current choice", "as it is set up now")),
        # A record for another project says nothing about this folder.
        ("project", True, None, QWEN, Scope.PROJECT, ("your last choice", IN_GIT)),
        ("project", False, None, QWEN, Scope.USER, ("your last choice", NO_GIT)),
        ("none", True, None, KIMI, Scope.PROJECT, (OWN, IN_GIT)),
        ("none", False, None, KIMI, Scope.USER, (OWN, NO_GIT)),
    ],
)  # fmt: skip
def test_both_recommendations_rest_on_one_place(
    record: str, in_git: bool, project: str | None, model: Any, scope: Scope, reasons: tuple[str, str]
) -> None:
    place, state = survey(in_git=in_git, project=project), RECORDS[record]
    found = recommend(GONKAGATE, place, state, HOME)
    assert (found.model, found.scope, found.why_model, found.why_scope) == (model, scope, *reasons)
    taken = ask(ScriptedPrompter(["gp-abc"]), survey=place, state=state, defaults=True)
    assert (taken.model, taken.scope) == (model, scope)


@pytest.mark.parametrize("record", ["none", "user", "project"])
@pytest.mark.parametrize("in_git", [True, False])
def test_in_a_project_of_somebody_else_only_the_key_is_asked_for(record: str, in_git: bool) -> None:
    said: list[str] = []
    prompter = ScriptedPrompter(["gp-abc"])
    place = survey(in_git=in_git, project=NAMES_MINIMAX)
    answers = ask(prompter, survey=place, state=RECORDS[record], announce=said.append)
    assert (answers.model, answers.scope, prompter.key_leads_back) == (MINIMAX, Scope.PROJECT, True)
    assert "MiniMax M2.7" in said[0]
    assert "--model" in said[0]


def test_back_at_the_key_leads_to_the_questions_that_the_project_answered() -> None:
    prompter = ScriptedPrompter([Back, QWEN.key, Back, "", "user", "gp-abc"])
    answers = ask(prompter, survey=survey(in_git=True, project=NAMES_MINIMAX))
    assert (answers.model, answers.scope) == (MINIMAX, Scope.USER)
    assert [(q.id, q.default, q.back) for q in prompter.seen] == [
        ("model", MINIMAX.key, False),
        ("scope", "project", True),
        ("model", MINIMAX.key, False),
        ("scope", "project", True),
    ]


def test_who_comes_again_to_the_project_that_was_set_up_may_choose_anew() -> None:
    record = State(model_key=MINIMAX.key, scope=Scope.PROJECT)
    stored = (Secret("gp-stored"), "the key that is already stored")
    prompter = ScriptedPrompter([QWEN.key, ""])
    answers = ask(
        prompter,
        survey=survey(in_git=True, project=NAMES_MINIMAX),
        state=record,
        find_key=lambda: stored,
        key_stored=True,
    )
    assert (answers.model, answers.scope) == (QWEN, Scope.PROJECT)


@pytest.mark.parametrize("given", [Answers(model=KIMI), Answers(scope=Scope.USER)])
def test_an_option_brings_the_other_question_back(given: Answers) -> None:
    prompter = ScriptedPrompter(["", "gp-abc"])
    answers = ask(prompter, survey=survey(in_git=True, project=NAMES_MINIMAX), given=given)
    assert (answers.model, answers.scope) == (given.model or MINIMAX, given.scope or Scope.PROJECT)


def test_without_anybody_to_ask_the_project_answers_too() -> None:
    stored = (Secret("gp-stored"), "the key that is already stored")
    answers = ask(
        RefusingPrompter("--no-input forbids questions", "GONKAGATE_API_KEY"),
        survey=survey(in_git=True, project=NAMES_MINIMAX),
        state=State(model_key=MINIMAX.key, scope=Scope.PROJECT),
        find_key=lambda: stored,
        key_stored=True,
    )
    assert (answers.model, answers.scope, answers.key) == (MINIMAX, Scope.PROJECT, stored[0])


@pytest.mark.parametrize("root", ["/home/me", "/home", "/home/me/.config/opencode"])
def test_the_home_folder_and_opencodes_own_are_no_projects(root: str) -> None:
    place = survey(in_git=True, project=NAMES_MINIMAX, root=root)
    with pytest.raises(Refusal) as refused:
        ask(ScriptedPrompter([]), survey=place, given=Answers(model=KIMI, scope=Scope.PROJECT))
    assert code_of(refused.value) == "project_scope_unavailable"
    # Where there is nothing to choose, nobody is asked.
    prompter = ScriptedPrompter(["", "gp-abc"])
    assert ask(prompter, survey=place).scope is Scope.USER
    assert [question.id for question in prompter.seen] == ["model"]
    assert ask(ScriptedPrompter(["gp-abc"]), survey=place, defaults=True).scope is Scope.USER


def test_outside_git_the_scope_question_says_that_folders_below_are_included() -> None:
    prompter = ScriptedPrompter(["", "", "gp-abc"])
    ask(prompter)
    assert prompter.seen[1].options[1].label == "Only in this folder and those below it"
    assert "the folders below this one are included" in prompter.seen[1].help
    prompter = ScriptedPrompter(["", "", "gp-abc"])
    ask(prompter, survey=survey(in_git=True))
    assert "below" not in prompter.seen[1].options[1].label + prompter.seen[1].help


def test_only_questions_with_one_before_them_lead_back() -> None:
    prompter = ScriptedPrompter(["", "", "gp-abc"])
    ask(prompter)
    assert [question.back for question in prompter.seen] == [False, True]
    assert prompter.key_leads_back
    alone = ScriptedPrompter(["gp-abc"])
    ask(alone, given=Answers(model=KIMI, scope=Scope.USER))
    assert not alone.key_leads_back


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
    assert [code_of(problem) for problem in prompter.told] == ["secret_invalid", "secret_invalid"]


def test_three_malformed_keys_are_enough() -> None:
    with pytest.raises(Refusal) as refused:
        ask(ScriptedPrompter(["", "", "a", "b", "c"]))
    assert code_of(refused.value) == "secret_invalid"


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
    with pytest.raises(Refusal) as refused:
        ask(RefusingPrompter("there is no terminal to prompt on", "GONKAGATE_API_KEY"), given=given)
    assert code_of(refused.value) == code


def test_nothing_is_asked_once_the_search_for_opencode_has_failed() -> None:
    def fail() -> None:
        raise Refusal("opencode_not_found", "none", next_step="install it")

    with pytest.raises(Refusal) as refused:
        questions(ScriptedPrompter([])).ask(fail)
    assert code_of(refused.value) == "opencode_not_found"


def questions(prompter: Any, **changes: Any) -> Questions:
    settings: dict[str, Any] = {"given": Answers(), "defaults": False, "find_key": lambda: None, **changes}
    more: dict[str, Any] = {"key_stored": False, "key_optional": False, "announce": lambda _: None}
    return Questions(GONKAGATE, survey(), HOME, None, prompter, **settings, **more)


def test_back_from_the_confirmation_asks_the_last_question_again() -> None:
    first = Answers(QWEN, Scope.PROJECT, Secret("gp-abc"), "typed at the prompt")
    again = questions(ScriptedPrompter(["gp-other"])).ask(lambda: None, back_from=first)
    assert again == Answers(QWEN, Scope.PROJECT, Secret("gp-other"), "typed at the prompt")


def test_back_from_the_confirmation_keeps_a_key_that_was_not_typed() -> None:
    stored = (Secret("gp-stored"), "the key that is already stored")
    asked = questions(ScriptedPrompter(["user"]), find_key=lambda: stored)
    again = asked.ask(lambda: None, back_from=Answers(QWEN, Scope.PROJECT, *stored))
    assert again == Answers(QWEN, Scope.USER, *stored)


def test_back_from_the_confirmation_with_nothing_to_ask_changes_nothing() -> None:
    given = Answers(QWEN, Scope.USER)
    stored = (Secret("gp-stored"), "the key that is already stored")
    asked = questions(ScriptedPrompter([]), given=given, find_key=lambda: stored)
    first = Answers(QWEN, Scope.USER, *stored)
    assert asked.ask(lambda: None, back_from=first) == first
    assert not asked.leads_back(first)
