"""Questions at a terminal, and the prompter that refuses to ask: answers in, answers out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from foundation.errors import Refusal
from foundation.secrets import Secret
from foundation.terminal.device import EchoError
from foundation.terminal.prompts import AskingPrompter, Back, Option, Question, RefusingPrompter
from foundation.terminal.terminal import Terminal
from gonkagate_setup.errors import code_of
from tests.support.scripted_device import Answer, ScriptedDevice, terminal_on

KEY = "gp-unit-0123456789abcdef"
MODEL = Question(
    id="model",
    title="Which model?",
    options=(
        Option("kimi-k2.6", "Kimi K2.6", "kimi-k2.6"),
        Option("minimax-m2.7", "MiniMax M2.7"),
    ),
    default="minimax-m2.7",
    reason="your current choice",
    help="You can change it later.",
    back=True,
)


def asking(terminal: Terminal) -> AskingPrompter:
    return AskingPrompter(terminal, "pipe the key in with --api-key-stdin")


def pick(*texts: str | BaseException, width: int = 80) -> tuple[str, ScriptedDevice]:
    device = ScriptedDevice([Answer("1 to 2, Enter for 2", text) for text in texts])
    chosen = asking(terminal_on(device, width=width)).pick(MODEL)
    device.done()
    return chosen, device


@pytest.mark.parametrize(
    ("typed", "chosen"),
    [
        ("", "minimax-m2.7"),
        ("1", "kimi-k2.6"),
        (" 2 ", "minimax-m2.7"),
        ("KIMI-k2.6", "kimi-k2.6"),
        ("kimi k2.6", "kimi-k2.6"),
        ("k", "kimi-k2.6"),
        ("Mini", "minimax-m2.7"),
    ],
)
def test_a_number_a_name_or_enter_chooses(typed: str, chosen: str) -> None:
    assert pick(typed)[0] == chosen


def test_the_recommendation_says_on_its_line_where_it_comes_from() -> None:
    _, device = pick("")
    lines = device.shown.split("\n")
    assert "  1. Kimi K2.6: kimi-k2.6" in lines
    assert "  2. MiniMax M2.7 (recommended: your current choice)" in lines


def test_every_line_but_the_typed_one_fits_in_forty_columns() -> None:
    _, device = pick("?", "nonsense", "", width=40)
    assert all(len(line) <= 40 for line in device.shown.split("\n"))


def test_a_question_mark_explains_and_asks_again() -> None:
    _, device = pick("?", "1")
    assert "You can change it later.\n1 to 2" in device.shown


@pytest.mark.parametrize("typed", ["b", "B", " back "])
def test_b_goes_back(typed: str) -> None:
    with pytest.raises(Back):
        pick(typed)
    device = ScriptedDevice([Answer("Go?", typed)])
    with pytest.raises(Back):
        asking(terminal_on(device)).confirm("Go?", diff=None, back=True)
    device = ScriptedDevice([Answer("Key", typed, hidden=True)])
    with pytest.raises(Back):
        asking(terminal_on(device)).secret("Key", help="", back=True)


def test_back_is_offered_and_taken_only_where_it_leads_somewhere() -> None:
    first = replace(MODEL, back=False)
    device = ScriptedDevice([Answer("Enter for 2 [? help]: ", "b"), Answer("[? help]: ", "1")])
    assert asking(terminal_on(device)).pick(first) == "kimi-k2.6"
    assert "That is not one of the answers." in device.shown
    device = ScriptedDevice([Answer("n: no, ? help]: ", "b"), Answer("? help]: ", "n")])
    assert asking(terminal_on(device)).confirm("Go?", diff=None) is False
    device = ScriptedDevice([Answer("Key [? help]: ", "b", hidden=True)])
    assert asking(terminal_on(device)).secret("Key", help="") == "b"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("3", "not one of the answers"),
        ("0", "not one of the answers"),
        ("imi", "not one of the answers"),
        ("kimi-2.6", "Did you mean 1, Kimi K2.6?"),
        ("1\n2", "more than one line"),
        ("\n", "more than one line"),
    ],
)
def test_a_wrong_answer_is_explained_and_asked_again(typed: str, said: str) -> None:
    chosen, device = pick(typed, "1")
    assert chosen == "kimi-k2.6"
    assert said in device.shown


def test_a_key_pasted_at_the_wrong_question_is_not_repeated() -> None:
    _, device = pick(KEY, "1")
    assert KEY not in device.shown


def test_a_beginning_that_two_answers_share_chooses_neither() -> None:
    twins = replace(MODEL, options=(Option("kimi-a", "A"), Option("kimi-b", "B")), default="kimi-a")
    device = ScriptedDevice([Answer("Enter for 1", "kimi"), Answer("Enter for 1", "kimi-b")])
    assert asking(terminal_on(device)).pick(twins) == "kimi-b"
    assert "not one of the answers" in device.shown


def test_several_lines_at_once_choose_nothing() -> None:
    chosen, device = pick("2\ny\n", "1")
    assert chosen == "kimi-k2.6"
    assert len(device.prompts) == 2


@pytest.mark.parametrize(
    ("typed", "default", "agreed"),
    [("", True, True), ("", False, False), ("y", False, True), ("YES", True, True), ("n", True, False)],
)
def test_consent_is_y_n_or_enter(typed: str, default: bool, agreed: bool) -> None:
    device = ScriptedDevice([Answer("Enter or y: yes" if default else "Enter or n: no", typed)])
    assert asking(terminal_on(device)).confirm("Write this?", diff=None, default=default) is agreed


@pytest.mark.parametrize("typed", ["yep", "ja", "\n", "y\ny", "1", "d"])
def test_anything_else_is_no_consent(typed: str) -> None:
    device = ScriptedDevice([Answer("Write this?", typed), Answer("Write this?", "n")])
    assert asking(terminal_on(device)).confirm("Write this?", diff=None) is False
    device.done()


def test_d_shows_the_diff_and_asks_again() -> None:
    device = ScriptedDevice([Answer("d: diff", "d"), Answer("d: diff", "y")])
    assert asking(terminal_on(device)).confirm("Write this?", diff=lambda: "+ model") is True
    assert "+ model\n" in device.shown


def test_help_at_the_confirmation_says_what_happens_on_failure() -> None:
    device = ScriptedDevice([Answer("Write this?", "?"), Answer("Write this?", "n")])
    asking(terminal_on(device)).confirm("Write this?", diff=None, help="Every file is put back.")
    assert "put back" in device.shown


def test_a_secret_is_asked_hidden_and_comes_back_as_typed() -> None:
    pasted = f"  {KEY}\n"
    device = ScriptedDevice([Answer("Key", "?", hidden=True), Answer("Key", pasted, hidden=True)])
    assert asking(terminal_on(device)).secret("Key", help="Keys start with gp-") == pasted
    assert "Keys start with gp-" in device.shown
    assert KEY not in device.shown


def test_no_hidden_input_no_key_question() -> None:
    device = ScriptedDevice([Answer("Key", EchoError(), hidden=True)])
    with pytest.raises(Refusal) as refused:
        asking(terminal_on(device)).secret("Key", help="")
    assert code_of(refused.value) == "secret_prompt_unavailable"
    assert "--api-key-stdin" in refused.value.next_step


@pytest.mark.parametrize("end", [EOFError(), OSError(5, "Input/output error")])
def test_the_end_of_the_input_cancels(end: BaseException) -> None:
    with pytest.raises(Refusal) as refused:
        pick(end)
    assert code_of(refused.value) == "cancelled"


def test_ctrl_c_passes_through() -> None:
    with pytest.raises(KeyboardInterrupt):
        pick(KeyboardInterrupt())


def test_a_problem_is_told_where_the_question_is_asked() -> None:
    device = ScriptedDevice([])
    asking(terminal_on(device)).tell(Refusal("secret_invalid", "No prefix", next_step="paste it again"))
    assert device.shown == "error: No prefix\nnext: paste it again\n"


def test_controls_in_a_question_are_shown_as_escapes() -> None:
    device = ScriptedDevice([Answer("Enter for 1", "")])
    evil = Question("scope", "Where?", (Option("user", "Here", "/tmp/\x1b[2J"),), "user", "\x07", "")
    asking(terminal_on(device)).pick(evil)
    assert "\x1b[2J" not in device.shown
    assert "/tmp/\\x1b[2J (recommended: \\x07)" in device.shown


def test_a_known_key_does_not_reach_the_screen_even_from_a_diff() -> None:
    device = ScriptedDevice([Answer("Write this?", "d"), Answer("Write this?", "n")])
    terminal = terminal_on(device)
    terminal.guard(Secret("odd key that no pattern knows"))
    asking(terminal).confirm("Write this?", diff=lambda: "+ odd key that no pattern knows")
    assert "odd key" not in device.shown


REFUSING = RefusingPrompter(
    "there is no terminal to ask on", "set GONKAGATE_API_KEY, or pipe it in with --api-key-stdin"
)


@pytest.mark.parametrize(
    ("question", "code", "options"),
    [
        ("model", "model_selection_required", ["--model kimi-k2.6", "--model minimax-m2.7", "--yes"]),
        ("scope", "scope_selection_required", ["--scope kimi-k2.6"]),
    ],
)
def test_a_refusal_names_the_option_that_answers(question: str, code: str, options: list[str]) -> None:
    with pytest.raises(Refusal) as refused:
        REFUSING.pick(Question(question, "", MODEL.options, "kimi-k2.6", "", ""))
    assert code_of(refused.value) == code
    assert "there is no terminal to ask on" in refused.value.message
    assert all(option in refused.value.next_step for option in options)


def test_consent_and_key_are_refused_with_what_to_give_instead() -> None:
    with pytest.raises(Refusal) as consent:
        REFUSING.confirm("Write this?", diff=None)
    with pytest.raises(Refusal) as key:
        REFUSING.secret("Key", help="")
    assert (code_of(consent.value), code_of(key.value)) == ("consent_required", "secret_source_unavailable")
    assert "--yes" in consent.value.next_step
    assert "GONKAGATE_API_KEY" in key.value.next_step
    assert "--api-key-stdin" in key.value.next_step


def test_a_refusing_prompter_does_not_ask_twice() -> None:
    problem = Refusal("secret_invalid", "No prefix", next_step="")
    with pytest.raises(Refusal) as raised:
        REFUSING.tell(problem)
    assert raised.value is problem
    assert not REFUSING.asks
