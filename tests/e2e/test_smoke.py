"""One whole setup and one answer: what runs under every Python of the machine."""

from __future__ import annotations

import json

import pytest

from tests.support.machine import Machine

pytestmark = pytest.mark.smoke


def test_set_up_and_answer(machine: Machine) -> None:
    done = machine.run_setup("--scope", "user", "--yes", "--json", "--api-key-stdin", stdin=machine.key)
    assert done.status == 0, done.output
    assert json.loads(done.stdout)["status"] == "success"
    answered = machine.opencode("run", "say hi")
    assert "Hello from the GonkaGate stand-in." in answered.stdout, answered.output
    assert {request.key for request in machine.stand_in.requests} == {machine.key}
