"""undo and uninstall at a real pseudo-terminal: what is shown before the question, and each answer to it."""

from __future__ import annotations

import json

import pytest

from tests.sessions.desk import Desk
from tests.sessions.screen import CTRL_C, CTRL_D
from tests.support.configs import KIMI, PROVIDER, SCHEMA, activation
from tests.support.machine import Machine
from tests.support.refusals import ours

QUESTION = "Remove all of this?"


def installed(machine: Machine) -> None:
    machine.config_folder.mkdir(parents=True)
    value = {"$schema": SCHEMA, "provider": {"gonkagate": PROVIDER}, **activation(KIMI), "theme": "dark"}
    machine.user_config.write_text(json.dumps(value, indent=2) + "\n")
    machine.key_file.parent.mkdir(parents=True, mode=0o700)
    machine.key_file.write_text(machine.key)
    machine.key_file.chmod(0o600)


@pytest.mark.parametrize("columns", [40, 80])
def test_everything_is_shown_before_the_question(desk: Desk, columns: int) -> None:
    installed(desk.machine)
    screen = desk.sit("uninstall", "--quiet", columns=columns)
    screen.wait_for(QUESTION)
    shown = screen.text.replace("\n", "")
    for part in (
        "Remove GonkaGate from opencode",
        "change",
        str(desk.machine.user_config),
        "remove",
        str(desk.machine.key_file),
        '-  "model": "gonkagate/kimi-k2.6"',
    ):
        assert part in shown
    screen.type("y\r")
    assert screen.end() == 0
    assert json.loads(desk.machine.user_config.read_text()) == {"$schema": SCHEMA, "theme": "dark"}
    assert not desk.machine.key_file.exists()


@pytest.mark.parametrize("keys", ["n\r", CTRL_C, CTRL_D], ids=["no", "Ctrl-C", "Ctrl-D"])
def test_every_other_answer_leaves_all_as_it_is(desk: Desk, keys: str) -> None:
    installed(desk.machine)
    before = ours(desk.machine)
    screen = desk.sit("uninstall")
    screen.wait_for("]: ")
    screen.type(keys)
    assert screen.end() == 130
    assert ours(desk.machine) == before


def test_enter_is_yes_and_help_explains_first(desk: Desk) -> None:
    installed(desk.machine)
    screen = desk.sit("uninstall")
    screen.answer("]: ", "?")
    screen.wait_for("Nothing changes before you say yes")
    screen.answer("]: ", "")
    assert screen.end() == 0
    assert not desk.machine.key_file.exists()


def test_undo_without_a_setup_asks_nothing(desk: Desk) -> None:
    screen = desk.sit("undo")
    assert screen.end() == 0
    assert "There is nothing to undo" in screen.text
