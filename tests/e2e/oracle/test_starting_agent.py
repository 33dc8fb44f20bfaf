"""Which agent opencode starts with, and so which model answers: `judgement.agents` and `opencode run`."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gonkagate_setup.choice import Scope
from gonkagate_setup.judgement.agents import starting_agents
from opencode_config.layers import lookup
from scripts.lib import opencode_versions
from tests.e2e.oracle.test_evidence import ask, write
from tests.support.machine import Machine
from tests.support.oracle.machine import OTHER_REFERENCE, REFERENCE, SCHEMA, Case

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


# With a plugin, each run waits for half a minute for packages that this machine cannot have.
@pytest.mark.parametrize(
    ("version", "model"),
    [
        pytest.param(
            version,
            model,
            marks=() if (version, model) == (opencode_versions.NEWEST, REFERENCE) else pytest.mark.deep,
        )
        for version in opencode_versions.SUPPORTED
        for model in (REFERENCE, OTHER_REFERENCE)
    ],
)
def test_w3_an_agent_that_a_plugin_brings(machine: Machine, version: str, model: str) -> None:
    machine.use_opencode(opencode_versions.executable(version))
    case = Case(machine, "git", Scope.USER, [])
    case.lay_out()
    case.install()
    agent = json.dumps({"mode": "primary", "prompt": "p", "model": model})
    path = machine.home / "plugin.js"
    write(
        path, f"export const P = async () => ({{ config: async (c) => {{ c.agent = {{ x: {agent} }} }} }})\n"
    )
    write(machine.project_config, {**SCHEMA, "default_agent": "x", "plugin": [path.as_uri()]})
    _, found = ask(case)
    blamed = [(entry.code, entry.key) for entry in found if entry.blocks]
    assert case.uses_gonkagate("session") == (model == REFERENCE)
    assert blamed == ([] if model == REFERENCE else [("plugins_change_config", "agent.x.model")])
