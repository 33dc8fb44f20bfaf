"""The npm tool's false successes and misattributions, each a whole setup with the real opencode.

The numbers are those of docs/npm-tool.md#what-it-got-wrong. What it called a success is a success here only
when opencode says so, and what it blamed wrongly is blamed rightly. One case each in the normal run.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.e2e.verbs.test_verify import write
from tests.support.configs import BINDING, KIMI, PROVIDER, SCHEMA, UPSTREAM, activation, read
from tests.support.machine import Machine
from tests.support.oracle.machine import without_catalogue

KEY = "provider.gonkagate.options.apiKey"
SOMEBODY_ELSES = {"options": {"apiKey": "sk-somebody-elses"}}


def set_up(machine: Machine, **environ: str) -> dict[str, Any]:
    """A setup for every folder, in the project."""
    done = machine.run_setup(
        *("--yes", "--json", "--scope", "user", "--api-key-stdin"),
        stdin=machine.key + "\n",
        env={**without_catalogue(machine), **environ},
    )
    assert done.stderr == ""
    assert done.status == done.json["exitStatus"]
    return done.json


def blamed(report: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    """What stands in the way: layer, file, key and reach."""
    return [tuple(entry[name] for name in ("layer", "file", "key", "reach")) for entry in report["blockers"]]


def own(**more: Any) -> dict[str, Any]:
    return {"$schema": SCHEMA, "provider": {"gonkagate": more}}


def put_back(machine: Machine) -> bool:
    return not machine.key_file.exists() and not machine.user_config.exists()


@pytest.mark.parametrize(
    ("inline", "key"),
    [
        ({"disabled_providers": ["gonkagate"]}, "disabled_providers"),
        pytest.param({"enabled_providers": ["openai"]}, "enabled_providers", marks=pytest.mark.deep),
    ],
    ids=["deny list", "allow list"],
)
def test_npm_2_an_inline_provider_list_is_no_success(
    machine: Machine, inline: dict[str, Any], key: str
) -> None:
    report = set_up(machine, OPENCODE_CONFIG_CONTENT=json.dumps(inline))
    assert (report["exitStatus"], report["proved"]) == (7, ["durable", "fresh_shell"])
    assert blamed(report) == [("OPENCODE_CONFIG_CONTENT", "OPENCODE_CONFIG_CONTENT", key, "session")]


@pytest.mark.parametrize(
    ("place", "layer"),
    [
        ("project/opencode.jsonc", "project_config"),
        pytest.param("project/.opencode/opencode.json", "dot_opencode", marks=pytest.mark.deep),
        pytest.param("home/.opencode/opencode.json", "home_dot_opencode", marks=pytest.mark.deep),
        pytest.param("home/directory/opencode.json", "OPENCODE_CONFIG_DIR", marks=pytest.mark.deep),
    ],
)
def test_npm_3_another_key_in_another_layer_is_no_success(machine: Machine, place: str, layer: str) -> None:
    culprit = write(machine.root / place, own(**SOMEBODY_ELSES))
    environ = {"OPENCODE_CONFIG_DIR": str(culprit.parent)} if layer == "OPENCODE_CONFIG_DIR" else {}
    report = set_up(machine, **environ)
    assert report["exitStatus"] == 6
    assert blamed(report) == [(layer, str(culprit), KEY, "durable")]
    assert put_back(machine)


@pytest.mark.deep
def test_npm_3_another_key_in_the_global_jsonc_is_replaced(machine: Machine) -> None:
    path = write(machine.config_folder / "opencode.jsonc", own(**SOMEBODY_ELSES))
    report = set_up(machine)
    assert report["exitStatus"] == 0, report
    assert read(path)["provider"]["gonkagate"]["options"]["apiKey"] == BINDING
    answers(machine)


def test_npm_4_a_white_list_headers_and_an_agents_model_are_no_success(machine: Machine) -> None:
    culprit = write(
        machine.project_config,
        {
            **own(whitelist=["other"], options={"headers": {"X-Team": "a"}}),
            "agent": {"build": {"model": "openai/gpt"}},
        },
    )
    report = set_up(machine)
    assert report["exitStatus"] == 6
    assert sorted(blamed(report)) == sorted(
        ("project_config", str(culprit), key, "durable")
        for key in (
            "agent.build.model",
            "provider.gonkagate.options.headers.X-Team",
            "provider.gonkagate.whitelist",
        )
    )
    assert put_back(machine)


def test_npm_6_a_model_in_the_global_jsonc_does_not_defeat_the_setup(machine: Machine) -> None:
    path = write(machine.config_folder / "opencode.jsonc", {"$schema": SCHEMA, "model": "openai/gpt"})
    report = set_up(machine)
    assert (report["exitStatus"], report["blockers"]) == (0, [])
    assert read(path)["model"] == activation(KIMI)["model"]
    answers(machine)


def test_npm_7_a_layer_that_holds_the_right_value_is_not_blamed(machine: Machine) -> None:
    culprit = write(
        machine.project / ".opencode" / "opencode.json", {"$schema": SCHEMA, "model": "openai/gpt"}
    )
    innocent = write(machine.home / "mine.json", {"$schema": SCHEMA, **activation(KIMI)})
    report = set_up(machine, OPENCODE_CONFIG=str(innocent))
    assert report["exitStatus"] == 6
    assert blamed(report) == [("dot_opencode", str(culprit), "model", "durable")]
    assert put_back(machine)


def test_npm_8_a_moved_config_folder_is_followed(machine: Machine) -> None:
    moved = {"XDG_CONFIG_HOME": str(machine.home / "moved")}
    report = set_up(machine, **moved)
    assert (report["exitStatus"], report["blockers"]) == (0, [])
    assert [(entry["code"], entry["file"]) for entry in report["notices"]] == [
        ("config_folder_moved", str(machine.home / "moved" / "opencode"))
    ]
    assert read(machine.home / "moved" / "opencode" / "opencode.json") == {
        "$schema": SCHEMA,
        "provider": {"gonkagate": PROVIDER},
        **activation(KIMI),
    }
    assert not machine.config_folder.exists()
    answers(machine, **moved)


def answers(machine: Machine, **environ: str) -> None:
    """Plain `opencode run` sends everything to the service with the key, for the model."""
    machine.stand_in.requests.clear()
    machine.opencode("run", "say hi", env={**without_catalogue(machine), **environ})
    assert {(request.host, request.key, request.json["model"]) for request in machine.stand_in.requests} == {
        ("api.gonkagate.com", machine.key, UPSTREAM[KIMI])
    }
