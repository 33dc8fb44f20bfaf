"""Whole sessions at a real pseudo-terminal with the real opencode; screens are compared with stored ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable

import pytest

from tests.e2e import refusals
from tests.e2e.configs import SCHEMA
from tests.machine import Machine
from tests.sessions.desk import Desk
from tests.sessions.screen import CTRL_C, CTRL_D, Screen

KEY = "as you type) [? help, b back]: "
WRITE = "Write this?"
Matches = Callable[[str, str], None]


def ours(machine: Machine) -> dict[str, tuple[str, bytes]]:
    """Modes and bytes of every file that must be as before; opencode makes folders whenever it starts."""
    return {path: entry for path, entry in refusals.ours(machine).items() if not entry[0].startswith("d")}


def questions_until(screen: Screen, question: str, key: str, scope: str = "") -> None:
    """Answer everything before `question` (model, scope, key or confirm) and wait for its prompt."""
    for name, at, answer in (
        ("model", "[? help, b back]: ", ""),
        ("scope", "[? help, b back]: ", scope),
        ("key", "[? help, b back]: ", key),
        ("confirm", "b back]: ", ""),
    ):
        screen.wait_for(at)
        if name == question:
            return
        screen.type(f"{answer}\r")


def config(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("columns", [80, 40, 120])
def test_a_first_setup_with_every_recommendation(desk: Desk, matches: Matches, columns: int) -> None:
    screen = desk.sit(columns=columns)
    questions_until(screen, "confirm", desk.machine.key)
    screen.type("y\r")
    assert screen.end() == 0
    assert config(desk.machine.project_config)["model"] == "gonkagate/kimi-k2.6"
    assert desk.machine.key_file.read_text() == desk.machine.key
    matches(desk.shown(screen), f"first-{columns}")


def test_a_rerun_asks_for_no_key_and_no_consent(desk: Desk, matches: Matches) -> None:
    environ = {"GONKAGATE_API_KEY": desk.machine.key}
    assert desk.machine.run_setup("--yes", "--scope", "project", env=environ).status == 0
    screen = desk.sit()
    screen.answer("b back]: ", "")
    screen.answer("b back]: ", "")
    assert screen.end() == 0
    matches(desk.shown(screen), "rerun-80")


def test_colour_changes_nothing_but_the_colour(desk: Desk, matches: Matches) -> None:
    screen = desk.sit("--color", "always")
    questions_until(screen, "confirm", desk.machine.key)
    screen.type("y\r")
    assert screen.end() == 0
    assert "\x1b[1m" in screen.raw
    matches(desk.shown(screen), "first-80")


def test_colour_is_off_when_asked_for(desk: Desk) -> None:
    screen = desk.sit("models", "--color", "never", env={"TERM": "xterm-256color"})
    assert screen.end() == 0
    assert "\x1b" not in screen.raw
    coloured = desk.sit("models", env={"TERM": "xterm-256color"})
    assert coloured.end() == 0
    assert "\x1b[1m" in coloured.raw
    assert coloured.text == screen.text


def test_help_wrong_answers_going_back_and_the_diff(desk: Desk, matches: Matches) -> None:
    desk.machine.config_folder.mkdir(parents=True)
    desk.machine.user_config.write_text('{\n  // mine\n  "theme": "system"\n}\n')
    screen = desk.sit()
    for at, answer in (
        ("b back]: ", "b"),  # there is nothing before the first question
        ("b back]: ", "?"),
        ("b back]: ", "minimax-2.7"),
        ("b back]: ", "3"),
        ("b back]: ", "?"),
        ("b back]: ", "b"),
        ("b back]: ", "2"),
        ("b back]: ", "user"),
        (KEY, "?"),
        (KEY, "b"),
        ("b back]: ", "1"),
        (KEY, "not a key"),
        (KEY, desk.machine.key),
        (WRITE, "?"),
        (WRITE, "d"),
        (WRITE, "maybe"),
        (WRITE, ""),
    ):
        screen.answer(at, answer)
    assert screen.end() == 0
    assert '"theme": "system"' in desk.machine.user_config.read_text()
    assert '"model": "gonkagate/qwen3-235b-a22b-instruct-2507-fp8"' in desk.machine.user_config.read_text()
    matches(desk.shown(screen), "all-answers-80")


@pytest.mark.parametrize("columns", [80, 40])
def test_a_blocked_setup_offers_ways_out(desk: Desk, matches: Matches, columns: int) -> None:
    desk.machine.project_config.write_text('{\n  "model": "other/model"\n}\n')
    screen = desk.sit(columns=columns)
    questions_until(screen, "confirm", desk.machine.key, scope="1")
    screen.type("y\r")
    screen.answer("b back]: ", "3")
    assert screen.end() == 6
    # opencode itself adds $schema when it starts
    assert config(desk.machine.project_config).items() - {("$schema", SCHEMA)} == {("model", "other/model")}
    assert not desk.machine.key_file.exists()
    matches(desk.shown(screen), f"blocked-{columns}")


@pytest.mark.parametrize("question", ["model", "scope", "key", "confirm"])
@pytest.mark.parametrize("keys", [CTRL_C, CTRL_D], ids=["ctrl-c", "eof"])
def test_stopping_at_any_question_changes_nothing(desk: Desk, question: str, keys: str) -> None:
    before = ours(desk.machine)
    screen = desk.sit()
    questions_until(screen, question, desk.machine.key)
    screen.type(keys)
    assert screen.end() == 130
    assert "Traceback" not in screen.raw
    assert "error:" in screen.raw
    assert ours(desk.machine) == before


def test_ctrl_c_while_opencode_is_asked_puts_everything_back(desk: Desk) -> None:
    before = ours(desk.machine)
    screen = desk.sit()
    questions_until(screen, "confirm", desk.machine.key)
    screen.type("y\r")
    screen.wait_for("asking opencode what it uses now ...")
    screen.type(CTRL_C)
    assert screen.end() == 130
    assert ours(desk.machine) == before


def test_no_is_no(desk: Desk) -> None:
    before = ours(desk.machine)
    screen = desk.sit()
    questions_until(screen, "confirm", desk.machine.key)
    screen.type("n\r")
    assert screen.end() == 130
    assert "Nothing was written" in screen.text
    assert ours(desk.machine) == before


def test_back_at_the_confirmation_leads_through_the_questions(desk: Desk) -> None:
    screen = desk.sit()
    questions_until(screen, "confirm", desk.machine.key)
    screen.type("b\r")
    screen.answer(KEY, "b")
    screen.answer("b back]: ", "1")
    screen.answer(KEY, desk.machine.key)
    screen.answer(WRITE, "y")
    assert screen.end() == 0
    assert not desk.machine.project_config.exists()
    assert config(desk.machine.user_config)["model"] == "gonkagate/kimi-k2.6"


def test_three_wrong_keys_are_enough(desk: Desk) -> None:
    before = ours(desk.machine)
    screen = desk.sit()
    questions_until(screen, "key", "")
    for attempt, wrong in enumerate(("sk-other-0123456789", "", "gp-two words")):
        if attempt:
            screen.wait_for(KEY)
        screen.type(f"{wrong}\r")
    assert screen.end() == 4
    assert screen.text.count("error:") == 3
    for wrong in ("sk-other", "two words"):
        assert wrong not in screen.raw
    assert ours(desk.machine) == before


def test_a_key_pasted_with_more_text_is_refused_whole(desk: Desk) -> None:
    screen = desk.sit()
    questions_until(screen, "key", "")
    screen.type(f"{desk.machine.key}\rrm -rf /nothing\ry\r")
    screen.wait_for("error:")
    screen.answer(KEY, f"  {desk.machine.key}  ")
    screen.answer(WRITE, "y")
    assert screen.end() == 0
    assert "rm -rf" not in screen.raw
    assert desk.machine.key_file.read_text() == desk.machine.key


def test_a_key_from_a_pipe_leaves_the_questions_to_the_terminal(desk: Desk) -> None:
    key = desk.machine.root / "key.txt"
    key.write_text(f"{desk.machine.key}\n")
    desk.machine.allow_key_in(key)
    screen = desk.sit("--api-key-stdin", shell=f"cat {key} | {{}}")
    screen.answer("b back]: ", "")
    screen.answer("b back]: ", "")
    screen.answer(WRITE, "y")
    assert screen.end() == 0
    assert desk.machine.key_file.read_text() == desk.machine.key


def test_a_script_that_pipes_the_key_and_chooses_is_not_asked(desk: Desk) -> None:
    key = desk.machine.root / "key.txt"
    key.write_text(f"{desk.machine.key}\n")
    desk.machine.allow_key_in(key)
    arguments = ("--api-key-stdin", "--model", "kimi-k2.6", "--scope", "user", "--json")
    screen = desk.sit(*arguments, shell=f"cat {key} | {{}}")
    assert screen.end() == 0
    assert "b back]" not in screen.text


def test_a_terminal_that_goes_away_leaves_nothing_behind(desk: Desk) -> None:
    before = ours(desk.machine)
    for question in ("key", "confirm"):
        screen = desk.sit()
        questions_until(screen, question, desk.machine.key)
        screen.hang_up()
        assert screen.child.wait() == 129
        assert ours(desk.machine) == before


def test_json_for_a_file_and_questions_for_the_person(desk: Desk) -> None:
    out = desk.machine.root / "out.json"
    screen = desk.sit("--json", shell=f"{{}} >{out}")
    questions_until(screen, "confirm", desk.machine.key)
    screen.type("y\r")
    assert screen.end() == 0
    assert json.loads(out.read_text())["ok"] is True
    assert "asking opencode" in screen.text
    assert "{" not in screen.text


def test_quiet_asks_shows_what_is_agreed_to_and_ends(desk: Desk) -> None:
    screen = desk.sit("--quiet")
    questions_until(screen, "confirm", desk.machine.key)
    assert str(desk.machine.key_file) in screen.text
    screen.type("y\r")
    assert screen.end() == 0
    assert "asking opencode" not in screen.text
    assert screen.text.endswith("next: opencode")


def test_no_input_asks_nothing_at_a_terminal(desk: Desk) -> None:
    screen = desk.sit("--no-input")
    assert screen.end() == 2
    assert "--model" in screen.text
    assert "--no-input forbids" in screen.text


def test_a_progress_line_grows_and_is_not_redrawn(desk: Desk) -> None:
    screen = desk.sit("--yes", env={"GONKAGATE_API_KEY": desk.machine.key})
    assert screen.end() == 0
    assert "\r" not in screen.raw.replace("\r\n", "")
    assert "\b" not in screen.raw
    assert "\x1b" not in screen.raw
