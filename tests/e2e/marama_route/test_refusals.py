"""What a real opencode tells the model about calls that its user refused is heard as that."""

from __future__ import annotations

import json
from typing import Any

from marama_route.gate.hearing import results
from tests.stand_in.model_backend import (
    Answer,
    ModelBackend,
    Received,
    call,
    chunk,
    finish,
    hello,
    stream,
)
from tests.support.machine import Machine


def answered(request: Received) -> Answer:
    """Three tool calls to the first question, a text to everything else."""
    body = request.json()
    if not body.get("tools") or body["messages"][-1]["content"] != "begin":
        return stream(chunk("Fine."), finish()) if body.get("stream") else hello(request)
    return stream(
        call(0, json.dumps({"filePath": "missing.txt"}), "read", "read_1"),
        call(1, json.dumps({"command": "touch made.txt", "description": "x"}), "bash", "rule_1"),
        call(2, json.dumps({"command": "ls", "description": "x"}), "bash", "user_1"),
        finish("tool_calls"),
    )


def test_a_refused_call_is_heard_in_the_next_request(machine: Machine) -> None:
    """One call fails by itself, one is forbidden by the config, one is refused, by `run` itself."""
    with ModelBackend(answerer=answered) as backend:
        model: dict[str, Any] = {
            "name": "m",
            "tool_call": True,
            "limit": {"context": 100_000, "output": 8000},
        }
        config = {
            "model": "p/m",
            "small_model": "p/m",
            "permission": {"bash": {"*": "ask", "touch *": "deny"}},
            "provider": {
                "p": {
                    "npm": "@ai-sdk/openai-compatible",
                    "options": {"baseURL": backend.base_url, "apiKey": "none"},
                    "models": {"m": model},
                }
            },
        }
        machine.project_config.write_text(json.dumps(config))
        # Without this the backend would be asked through the stand-in's proxy.
        direct = {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
        for words in (("run", "begin"), ("run", "--continue", "go on")):
            done = machine.opencode(*words, env=direct)
            assert done.status == 0, done
        messages = backend.requests[-1].json()["messages"]
    assert not (machine.project / "made.txt").exists()
    assert results(messages) == {"read_1": "answered", "rule_1": "refused", "user_1": "refused"}
