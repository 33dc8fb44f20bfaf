"""The lock is not held while questions are open: somebody may leave for lunch at one."""

from __future__ import annotations

import json

from tests.sessions.desk import Desk
from tests.sessions.test_setup import questions_until

OTHER = ("--scope", "user", "--model", "minimax-m2.7", "--yes", "--json")


def test_a_setup_completes_while_another_waits_at_a_question(desk: Desk) -> None:
    machine = desk.machine
    waiting = desk.sit()
    questions_until(waiting, "confirm", machine.key)
    lock = machine.key_file.with_name("lock")
    assert not lock.exists()
    other = machine.new_key()
    done = machine.run_setup(*OTHER, env={"GONKAGATE_API_KEY": other})
    assert done.status == 0, done.output
    assert machine.key_file.read_text() == other
    assert not lock.exists()
    # What was agreed to is out of date: it is read, shown and asked again, and then the later one stands.
    waiting.type("y\r")
    waiting.answer("b back]: ", "y")
    assert waiting.end() == 0, waiting.text
    assert "A file changed while this was running; reading everything again." in waiting.text
    assert machine.key_file.read_text() == machine.key
    state = json.loads(machine.state_file.read_bytes())
    assert (state["selectedScope"], state["selectedModelKey"]) == ("project", "kimi-k2.6")
    assert json.loads(machine.project_config.read_bytes())["model"] == "gonkagate/kimi-k2.6"
    assert not lock.exists()
