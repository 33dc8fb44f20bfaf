"""The main job with each supported opencode: whatever came before, plain `opencode` then uses GonkaGate."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from tests.stand_in import HOST
from tests.support.configs import (
    BINDING,
    KIMI,
    MINIMAX,
    PROVIDER,
    QWEN,
    SCHEMA,
    UPSTREAM,
    activation,
    npm_tool_config,
    read,
)
from tests.support.machine import Machine

pytestmark = pytest.mark.usefixtures("opencode_version")

# All that opencode may put into a chat-completions body: no cache key, which GonkaGate rejects.
BODY_FIELDS = {
    "model",
    "messages",
    "tools",
    "tool_choice",
    "max_tokens",
    "stream",
    "stream_options",
    "temperature",
    "top_p",
}


def set_up(
    machine: Machine, *arguments: str, key: str | None = None, cwd: Path | None = None
) -> dict[str, Any]:
    stdin = None
    if key is not None:
        arguments, stdin = (*arguments, "--api-key-stdin"), key + "\n"
    done = machine.run_setup("--yes", "--json", *arguments, stdin=stdin, cwd=cwd)
    assert done.status == 0, done.output
    assert done.stderr == ""
    return done.json


def answers(machine: Machine, model: str, key: str, cwd: Path | None = None) -> None:
    """Plain `opencode run` answers, and every request it made carried this key and this upstream model."""
    machine.stand_in.requests.clear()
    done = machine.opencode("run", "say hi", cwd=cwd)
    assert "Hello from the GonkaGate stand-in. This is turn 1; the first prompt was: say hi" in done.stdout, (
        done.output
    )
    requests = machine.stand_in.requests
    assert len(machine.stand_in.completions) == 1
    assert {(request.host, request.key, request.json["model"], request.status) for request in requests} == {
        (HOST, key, UPSTREAM[model], 200)
    }


def key_file_is_private(machine: Machine, key: str) -> None:
    assert machine.key_file.read_bytes() == key.encode()
    assert stat.S_IMODE(machine.key_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(machine.key_file.parent.stat().st_mode) == 0o700


def test_user_scope(machine: Machine) -> None:
    report = set_up(machine, "--scope", "user", "--model", QWEN, key=machine.key)
    assert (report["changed"], report["scope"], report["modelKey"]) == (True, "user", QWEN)
    assert read(machine.user_config) == {
        "$schema": SCHEMA,
        "provider": {"gonkagate": PROVIDER},
        **activation(QWEN),
    }
    assert not machine.project_config.exists()
    key_file_is_private(machine, machine.key)
    answers(machine, QWEN, machine.key)
    answers(machine, QWEN, machine.key, cwd=machine.elsewhere)
    # The session title is asked for with small_model; the limits of the catalogue reach the wire.
    assert [request.json["model"] for request in machine.stand_in.titles] == [UPSTREAM[QWEN]]
    assert machine.stand_in.completions[0].json["max_tokens"] == 8192


def test_project_scope(machine: Machine) -> None:
    report = set_up(machine, "--scope", "project", "--model", MINIMAX, key=machine.key)
    assert (report["changed"], report["scope"], report["modelKey"]) == (True, "project", MINIMAX)
    assert read(machine.project_config) == {"$schema": SCHEMA, **activation(MINIMAX)}
    assert read(machine.user_config) == {"$schema": SCHEMA, "provider": {"gonkagate": PROVIDER}}
    key_file_is_private(machine, machine.key)
    answers(machine, MINIMAX, machine.key)
    resolved = machine.opencode("debug", "config", cwd=machine.elsewhere)
    assert "model" not in json.loads(resolved.stdout)


def test_switch_from_user_to_project_and_back(machine: Machine) -> None:
    set_up(machine, "--scope", "user", key=machine.key)
    set_up(machine, "--scope", "project", "--model", MINIMAX)
    assert not {"model", "small_model"} & set(read(machine.user_config))
    assert read(machine.project_config) == {"$schema": SCHEMA, **activation(MINIMAX)}
    answers(machine, MINIMAX, machine.key)
    set_up(machine, "--scope", "user", "--model", KIMI)
    assert read(machine.user_config) == {
        "$schema": SCHEMA,
        "provider": {"gonkagate": PROVIDER},
        **activation(KIMI),
    }
    assert not machine.project_config.exists() or read(machine.project_config) == {"$schema": SCHEMA}
    answers(machine, KIMI, machine.key)


def test_a_rerun_has_nothing_to_change(machine: Machine) -> None:
    set_up(machine, "--scope", "user", key=machine.key)
    answers(machine, KIMI, machine.key)
    before, state = machine.tree(machine.home, machine.project), read(machine.state_file)
    report = set_up(machine, "--scope", "user")
    assert report["changed"] is False
    assert report["message"].startswith("Nothing needed to change")
    assert {file["action"] for file in report["files"] if file["role"] != "state"} == {"keep"}
    after, later = machine.tree(machine.home, machine.project), read(machine.state_file)
    ours = {machine.user_config, machine.key_file, machine.project_config}
    assert {path: after.get(str(path)) for path in ours} == {path: before.get(str(path)) for path in ours}
    assert not [path for path in after if ".bak" in path]
    assert later.pop("lastDurableSetupAt") > state.pop("lastDurableSetupAt")
    assert later == state
    answers(machine, KIMI, machine.key)


def test_key_rotation(machine: Machine) -> None:
    set_up(machine, "--scope", "project", key=machine.key)
    new = machine.new_key()
    report = set_up(machine, "--scope", "project", key=new)
    assert report["changed"] is True
    key_file_is_private(machine, new)
    answers(machine, KIMI, new)


def test_take_over_of_an_npm_tool_installation(machine: Machine) -> None:
    machine.config_folder.mkdir(parents=True)
    machine.user_config.write_text(json.dumps(npm_tool_config(QWEN), indent=2) + "\n")
    machine.key_file.parent.mkdir(parents=True, mode=0o700)
    machine.key_file.write_text(machine.key)
    machine.key_file.chmod(0o600)
    state = {
        "currentTransport": "chat_completions",
        "installerVersion": "0.2.4",
        "lastSuccessfulSetupAt": "2026-05-01T10:00:00.000Z",
        "selectedModelKey": QWEN,
        "selectedScope": "user",
    }
    machine.state_file.write_text(json.dumps(state))
    report = set_up(machine)  # no key and no choice: both are there already
    assert (report["modelKey"], report["scope"]) == (QWEN, "user")
    # All models come in, `api`, which opencode reads as a URL, goes; what is not ours stays.
    assert read(machine.user_config) == {
        "$schema": SCHEMA,
        "autoupdate": False,
        "provider": {"gonkagate": PROVIDER},
        **activation(QWEN),
    }
    assert sorted(read(machine.state_file)) == [
        "currentTransport",
        "installerVersion",
        "lastDurableSetupAt",
        "selectedModelKey",
        "selectedScope",
    ]
    key_file_is_private(machine, machine.key)
    answers(machine, QWEN, machine.key)


def test_tools_edits_and_continuation_through_the_service(machine: Machine) -> None:
    set_up(machine, "--scope", "project", key=machine.key)
    notes = machine.project / "notes.txt"
    assert machine.opencode("run", "WRITE notes.txt: first draft").status == 0
    assert notes.read_text() == "first draft\n"
    assert machine.opencode("run", "EDIT notes.txt: first => second").status == 0
    assert notes.read_text() == "second draft\n"
    continued = machine.opencode("run", "--continue", "what came first?")
    assert "This is turn 2; the first prompt was: EDIT notes.txt" in continued.stdout, continued.output
    for request in machine.stand_in.requests:
        assert set(request.json) <= BODY_FIELDS
        assert (request.key, request.status) == (machine.key, 200)
        assert BINDING.encode() not in request.body
