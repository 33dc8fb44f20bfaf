"""Whole sessions at a real pseudo-terminal, some with the real opencode, compared with stored screens."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable

import pytest

from tests.sessions.desk import Desk
from tests.sessions.screen import CTRL_C, Screen
from tests.support import refusals
from tests.support.configs import SCHEMA
from tests.support.machine import Machine

KEY = "as you type) [? help, b back]: "
FIRST = "[? help]: "
WRITE = "Write this?"
Matches = Callable[[str, str], None]


def ours(machine: Machine) -> dict[str, tuple[str, bytes]]:
    """Modes and bytes of every file that must be as before; opencode makes folders whenever it starts."""
    return {path: entry for path, entry in refusals.ours(machine).items() if not entry[0].startswith("d")}


def questions_until(screen: Screen, question: str, key: str, scope: str = "") -> None:
    """Answer everything before `question` (model, scope, key or confirm) and wait for its prompt."""
    for name, at, answer in (
        ("model", FIRST, ""),
        ("scope", "]: ", scope),
        ("key", "]: ", key),
        ("confirm", "]: ", ""),
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


def test_a_rerun_asks_for_no_key_and_no_consent(quick_desk: Desk, matches: Matches) -> None:
    environ = {"GONKAGATE_API_KEY": quick_desk.machine.key}
    assert quick_desk.machine.run_setup("--yes", "--scope", "project", env=environ).status == 0
    screen = quick_desk.sit()
    screen.answer("]: ", "")
    screen.answer("]: ", "")
    assert screen.end() == 0
    matches(quick_desk.shown(screen), "rerun-80")


def test_colour_changes_nothing_but_the_colour(quick_desk: Desk, matches: Matches) -> None:
    screen = quick_desk.sit("--color", "always")
    questions_until(screen, "confirm", quick_desk.machine.key)
    screen.type("y\r")
    assert screen.end() == 0
    assert "\x1b[1m" in screen.raw
    matches(quick_desk.shown(screen), "first-80")


def test_colour_is_off_when_asked_for(quick_desk: Desk) -> None:
    screen = quick_desk.sit("models", "--color", "never", env={"TERM": "xterm-256color"})
    assert screen.end() == 0
    assert "\x1b" not in screen.raw
    coloured = quick_desk.sit("models", env={"TERM": "xterm-256color"})
    assert coloured.end() == 0
    assert "\x1b[1m" in coloured.raw
    assert coloured.text == screen.text


def test_help_wrong_answers_going_back_and_the_diff(quick_desk: Desk, matches: Matches) -> None:
    quick_desk.machine.config_folder.mkdir(parents=True)
    quick_desk.machine.user_config.write_text('{\n  // mine\n  "theme": "system"\n}\n')
    screen = quick_desk.sit()
    for at, answer in (
        ("]: ", "b"),  # there is nothing before the first question
        ("]: ", "?"),
        ("]: ", "minimax-2.7"),
        ("]: ", "3"),
        ("]: ", "?"),
        ("]: ", "b"),
        ("]: ", "2"),
        ("]: ", "user"),
        (KEY, "?"),
        (KEY, "b"),
        ("]: ", "1"),
        (KEY, "not a key"),
        (KEY, quick_desk.machine.key),
        (WRITE, "?"),
        (WRITE, "d"),
        (WRITE, "maybe"),
        (WRITE, ""),
    ):
        screen.answer(at, answer)
    assert screen.end() == 0
    assert '"theme": "system"' in quick_desk.machine.user_config.read_text()
    assert (
        '"model": "gonkagate/qwen3-235b-a22b-instruct-2507-fp8"' in quick_desk.machine.user_config.read_text()
    )
    matches(quick_desk.shown(screen), "all-answers-80")


@pytest.mark.parametrize("columns", [80, 40])
def test_a_blocked_setup_offers_ways_out(quick_desk: Desk, matches: Matches, columns: int) -> None:
    quick_desk.machine.project_config.write_text('{\n  "model": "other/model"\n}\n')
    screen = quick_desk.sit(columns=columns)
    questions_until(screen, "confirm", quick_desk.machine.key, scope="1")
    screen.type("y\r")
    screen.answer("]: ", "leave")
    assert screen.end() == 6
    # opencode itself adds $schema when it starts
    assert config(quick_desk.machine.project_config).items() - {("$schema", SCHEMA)} == {
        ("model", "other/model")
    }
    assert not quick_desk.machine.key_file.exists()
    matches(quick_desk.shown(screen), f"blocked-{columns}")


def test_ctrl_c_while_opencode_is_asked_puts_everything_back(desk: Desk) -> None:
    before = ours(desk.machine)
    screen = desk.sit()
    questions_until(screen, "confirm", desk.machine.key)
    screen.type("y\r")
    screen.wait_for("asking opencode what it uses now ...")
    screen.type(CTRL_C)
    assert screen.end() == 130
    assert ours(desk.machine) == before


def test_no_is_no(quick_desk: Desk) -> None:
    before = ours(quick_desk.machine)
    screen = quick_desk.sit()
    questions_until(screen, "confirm", quick_desk.machine.key)
    screen.type("n\r")
    assert screen.end() == 130
    assert "Nothing was written" in screen.text
    assert ours(quick_desk.machine) == before


def test_back_at_the_confirmation_leads_through_the_questions(quick_desk: Desk) -> None:
    screen = quick_desk.sit()
    questions_until(screen, "confirm", quick_desk.machine.key)
    screen.type("b\r")
    screen.answer(KEY, "b")
    screen.answer("]: ", "1")
    screen.answer(KEY, quick_desk.machine.key)
    screen.answer(WRITE, "y")
    assert screen.end() == 0
    assert not quick_desk.machine.project_config.exists()
    assert config(quick_desk.machine.user_config)["model"] == "gonkagate/kimi-k2.6"


def test_three_wrong_keys_are_enough(quick_desk: Desk) -> None:
    before = ours(quick_desk.machine)
    screen = quick_desk.sit()
    questions_until(screen, "key", "")
    for attempt, wrong in enumerate(("sk-other-0123456789", "", "gp-two words")):
        if attempt:
            screen.wait_for(KEY)
        screen.type(f"{wrong}\r")
    assert screen.end() == 4
    assert screen.text.count("error:") == 3
    for wrong in ("sk-other", "two words"):
        assert wrong not in screen.raw
    assert ours(quick_desk.machine) == before


def test_a_key_pasted_with_more_text_is_refused_whole(quick_desk: Desk) -> None:
    screen = quick_desk.sit()
    questions_until(screen, "key", "")
    screen.type(f"{quick_desk.machine.key}\rrm -rf /nothing\ry\r")
    screen.wait_for("error:")
    screen.answer(KEY, f"  {quick_desk.machine.key}  ")
    screen.answer(WRITE, "y")
    assert screen.end() == 0
    assert "rm -rf" not in screen.raw
    assert quick_desk.machine.key_file.read_text() == quick_desk.machine.key


def test_a_key_from_a_pipe_leaves_the_questions_to_the_terminal(desk: Desk) -> None:
    key = desk.machine.root / "key.txt"
    key.write_text(f"{desk.machine.key}\n")
    desk.machine.allow_key_in(key)
    screen = desk.sit("--api-key-stdin", shell=f"cat {key} | {{}}")
    screen.answer("]: ", "")
    screen.answer("]: ", "")
    screen.answer(WRITE, "y")
    assert screen.end() == 0
    assert desk.machine.key_file.read_text() == desk.machine.key


def test_a_script_that_pipes_the_key_and_chooses_is_not_asked(quick_desk: Desk) -> None:
    key = quick_desk.machine.root / "key.txt"
    key.write_text(f"{quick_desk.machine.key}\n")
    quick_desk.machine.allow_key_in(key)
    arguments = ("--api-key-stdin", "--model", "kimi-k2.6", "--scope", "user", "--json")
    screen = quick_desk.sit(*arguments, shell=f"cat {key} | {{}}")
    assert screen.end() == 0
    assert "b back]" not in screen.text


def test_a_terminal_that_goes_away_leaves_nothing_behind(quick_desk: Desk) -> None:
    before = ours(quick_desk.machine)
    for question in ("key", "confirm"):
        screen = quick_desk.sit()
        questions_until(screen, question, quick_desk.machine.key)
        screen.hang_up()
        assert screen.child.wait() == 129
        assert ours(quick_desk.machine) == before


def test_json_for_a_file_and_questions_for_the_person(quick_desk: Desk) -> None:
    out = quick_desk.machine.root / "out.json"
    screen = quick_desk.sit("--json", shell=f"{{}} >{out}")
    questions_until(screen, "confirm", quick_desk.machine.key)
    screen.type("y\r")
    assert screen.end() == 0
    assert json.loads(out.read_text())["ok"] is True
    assert "asking opencode" in screen.text
    assert "{" not in screen.text


def test_quiet_asks_shows_what_is_agreed_to_and_ends(quick_desk: Desk) -> None:
    screen = quick_desk.sit("--quiet")
    questions_until(screen, "confirm", quick_desk.machine.key)
    assert str(quick_desk.machine.key_file) in screen.text
    screen.type("y\r")
    assert screen.end() == 0
    assert "asking opencode" not in screen.text
    assert screen.text.endswith("next: opencode")


def test_no_input_asks_nothing_at_a_terminal(quick_desk: Desk) -> None:
    screen = quick_desk.sit("--no-input")
    assert screen.end() == 2
    assert "--model" in screen.text
    assert "--no-input forbids" in screen.text


def test_a_progress_line_grows_and_is_not_redrawn(desk: Desk) -> None:
    screen = desk.sit("--yes", env={"GONKAGATE_API_KEY": desk.machine.key})
    assert screen.end() == 0
    assert "\r" not in screen.raw.replace("\r\n", "")
    assert "\b" not in screen.raw
    assert "\x1b" not in screen.raw
