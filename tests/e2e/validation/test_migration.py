"""The migration to `responses`, rehearsed with test catalogues over an installed chat-completions setup."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from tests.stand_in import COMPLETIONS
from tests.stand_in.responses import ANSWER, PATH, responses
from tests.support.configs import KIMI, MINIMAX, PROVIDER, SCHEMA, UPSTREAM, activation, read
from tests.support.machine import Machine

OPENAI = "@ai-sdk/openai"
CHAT_ANSWER = "Hello from the GonkaGate stand-in."


@pytest.fixture
def installed(machine: Machine) -> Machine:
    """A machine with today's setup, user scope, behind a service that speaks both transports."""
    machine.stand_in.answerers[PATH] = responses
    rerun(machine, None, "--scope", "user", "--model", MINIMAX, key=machine.key)
    assert read(machine.user_config)["provider"] == {"gonkagate": PROVIDER}
    return machine


def rerun(machine: Machine, catalogue: str | None, *arguments: str, key: str | None = None) -> dict[str, Any]:
    """The product with a test catalogue; no key is given again, so the stored one has to do."""
    module = ["gonkagate_setup"] if catalogue is None else ["tests.support.migrating", catalogue]
    machine.python = [sys.executable, "-m", *module]
    stdin = None
    if key is not None:
        arguments, stdin = (*arguments, "--api-key-stdin"), f"{key}\n"
    done = machine.run_setup("--yes", "--json", *arguments, stdin=stdin, timeout=300)
    assert done.status == 0, done.output
    return done.json


def asks(machine: Machine, model: str, path: str, answer: str) -> None:
    """A run with the model asks exactly that path for it, with the one key, and prints the answer."""
    machine.stand_in.requests.clear()
    done = machine.opencode("run", "-m", f"gonkagate/{model}", "say hi", timeout=300)
    assert answer in done.stdout, done.output
    # The session title is asked of small_model, so it may go another way.
    main = [request for request in machine.stand_in.requests if request.json.get("tools")]
    assert {(request.path, request.json["model"]) for request in main} == {(path, UPSTREAM[model])}
    assert {(request.key, request.status) for request in machine.stand_in.requests} == {(machine.key, 200)}


def provider(machine: Machine) -> dict[str, Any]:
    config = read(machine.user_config)
    assert set(config) == {"$schema", "provider", "model", "small_model"}
    assert list(config["provider"]) == ["gonkagate"]
    assert {key: config[key] for key in ("$schema", "model", "small_model")} == {
        "$schema": SCHEMA,
        **activation(MINIMAX),
    }
    return dict(config["provider"]["gonkagate"])


def state(machine: Machine) -> tuple[str, str]:
    value = read(machine.state_file)
    return value["currentTransport"], value["selectedModelKey"]


def with_override(model: str) -> dict[str, Any]:
    models = {**PROVIDER["models"], model: {**PROVIDER["models"][model], "provider": {"npm": OPENAI}}}
    return {**PROVIDER, "models": models}


def refuses_a_release_that_forgets_to_retire(machine: Machine) -> None:
    """Back to chat completions with the override still there: no success, and nothing changed."""
    machine.python = [sys.executable, "-m", "tests.support.migrating", "forgotten"]
    before = machine.user_config.read_bytes()
    done = machine.run_setup("--yes", "--json", timeout=300)
    assert done.status != 0
    assert [(blocker["code"], blocker["key"]) for blocker in done.json["blockers"]] == [
        ("provider_extended", f"provider.gonkagate.models.{MINIMAX}.provider.npm")
    ]
    assert machine.user_config.read_bytes() == before


def test_one_model_moves_to_responses_and_back(installed: Machine) -> None:
    key_file = installed.tree(installed.home)[str(installed.key_file)]
    report = rerun(installed, "one-model")
    assert (report["changed"], report["modelKey"], report["transport"]) == (True, MINIMAX, "responses")
    assert provider(installed) == with_override(MINIMAX)
    assert state(installed) == ("responses", MINIMAX)
    asks(installed, MINIMAX, PATH, ANSWER)
    asks(installed, KIMI, COMPLETIONS, CHAT_ANSWER)
    refuses_a_release_that_forgets_to_retire(installed)
    rerun(installed, "back-again")
    assert provider(installed) == PROVIDER
    assert state(installed) == ("chat_completions", MINIMAX)
    asks(installed, MINIMAX, COMPLETIONS, CHAT_ANSWER)
    assert installed.tree(installed.home)[str(installed.key_file)] == key_file


def test_the_whole_provider_moves_after_one_model_did(installed: Machine) -> None:
    key_file = installed.tree(installed.home)[str(installed.key_file)]
    rerun(installed, "one-model")
    assert rerun(installed, "whole-provider")["transport"] == "responses"
    # The override that the release before wrote is gone: one adapter, in one place.
    assert provider(installed) == {**PROVIDER, "npm": OPENAI}
    assert state(installed) == ("responses", MINIMAX)
    asks(installed, MINIMAX, PATH, ANSWER)
    asks(installed, KIMI, PATH, ANSWER)
    assert installed.tree(installed.home)[str(installed.key_file)] == key_file
