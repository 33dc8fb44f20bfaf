"""Which agent opencode starts with, and so which model answers: `core/agents.py` against `opencode run`."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gonkagate_setup.core.agents import starting_agents
from gonkagate_setup.core.layers import lookup
from gonkagate_setup.core.state import Scope
from tests.e2e.oracle import OTHER_REFERENCE, REFERENCE, SCHEMA, Case
from tests.machine import Machine

OTHERS = {"model": OTHER_REFERENCE}
CONFIGS: dict[str, dict[str, Any]] = {
    "build is disabled": {"agent": {"build": {"disable": True}, "plan": OTHERS}},
    "default_agent is nobody": {"default_agent": "nobody"},
    "build and plan are disabled": {
        "agent": {"build": {"disable": True}, "plan": {"disable": True}, "x": {**OTHERS, "description": "d"}}
    },
    "build is hidden": {"agent": {"build": {"hidden": True}, "plan": OTHERS}},
    "build is a subagent": {"agent": {"build": {"mode": "subagent"}, "plan": OTHERS}},
    "default_agent is ours": {"default_agent": "x", "agent": {"x": {**OTHERS, "description": "d"}}},
    "default_agent is hidden": {"default_agent": "title"},
    "default_agent is a subagent": {"default_agent": "general"},
    "default_agent is our subagent": {
        "default_agent": "x",
        "agent": {"x": {"mode": "subagent", "description": "d"}},
    },
}
NORMAL = ("build is disabled", "default_agent is nobody")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in NORMAL else pytest.mark.deep) for name in CONFIGS]
)
def test_the_agent_that_opencode_starts_with(machine: Machine, opencode_version: str, name: str) -> None:
    case = Case(machine, "git", Scope.USER, [])
    case.lay_out()
    case.install()
    config = CONFIGS[name]
    machine.project_config.write_text(json.dumps({**SCHEMA, **config}))
    case.uses_gonkagate("session")
    answered = {request.json["model"] for request in machine.stand_in.requests if not request.is_title}
    agent = next(iter(starting_agents(config)), None)
    model = lookup(config, ("agent", agent or "", "model"))
    expected = {None: set(), REFERENCE: {"minimaxai/minimax-m2.7"}, OTHER_REFERENCE: {"moonshotai/Kimi-K2.6"}}
    assert answered == (set() if agent is None else expected[model]), f"{opencode_version}: {agent}"
