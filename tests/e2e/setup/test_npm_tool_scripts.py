"""A script that knows the npm tool's flags and JSON keys works unchanged with the packed file."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from scripts.building import pyz
from tests.support.configs import KIMI
from tests.support.machine import Finished, Machine
from tests.support.refusals import ours

# The keys that docs/npm-tool.md#options-json-and-error-codes names.
ON_SUCCESS = {
    "message",
    "modelDisplayName",
    "modelKey",
    "modelRef",
    "scope",
    "ok",
    "providerId",
    "status",
    "transport",
}
ON_BLOCKED = ON_SUCCESS | {"blockers", "errorCode"}
ON_FAILURE = {"errorCode", "message", "ok", "status"}
LAYERS = {
    "OPENCODE_CONFIG",
    "OPENCODE_CONFIG_CONTENT",
    "inferred_higher_precedence",
    "project_config",
    "system_managed_config",
    "user_config",
}

# What a team may have in its bootstrap script today; only the first word of the command was `npx …`.
SCRIPT = """\
set -eu
report=$("$@" --scope user --yes --json) || status=$?
printf '%s' "$report"
exit ${status:-0}
"""


@pytest.fixture(scope="session")
def artefact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pyz.build(tmp_path_factory.mktemp("dist"))


@pytest.fixture
def packed(machine: Machine, artefact: Path) -> Machine:
    machine.python = ["sh", "-c", SCRIPT, "bootstrap", sys.executable, str(artefact)]
    return machine


def script(machine: Machine, **env: str) -> Finished:
    return machine.run_setup(env={"GONKAGATE_API_KEY": machine.key, **env})


def test_success(packed: Machine) -> None:
    done = script(packed)
    assert done.status == 0, done.output
    report = done.json
    assert set(report) >= ON_SUCCESS
    assert {key: report[key] for key in ON_SUCCESS - {"message"}} == {
        "modelDisplayName": "Kimi K2.6",
        "modelKey": KIMI,
        "modelRef": f"gonkagate/{KIMI}",
        "scope": "user",
        "ok": True,
        "providerId": "gonkagate",
        "status": "success",
        "transport": "chat_completions",
    }
    answered = packed.opencode("run", "say hi")
    assert "Hello from the GonkaGate stand-in." in answered.stdout, answered.output
    assert {request.key for request in packed.stand_in.requests} == {packed.key}


def test_blocked_for_good(packed: Machine) -> None:
    packed.config_folder.mkdir(parents=True)
    packed.user_config.write_text(
        '{\n  "$schema": "https://opencode.ai/config.json",\n  "disabled_providers": ["gonkagate"]\n}\n'
    )
    before = ours(packed)
    done = script(packed)
    assert done.status == 6, done.output
    report = done.json
    assert set(report) >= ON_BLOCKED
    assert (report["ok"], report["status"], report["errorCode"]) == (
        False,
        "blocked",
        "effective_config_blocked",
    )
    (blocker,) = report["blockers"]
    assert (blocker["key"], blocker["layer"]) == ("disabled_providers", "user_config")
    assert blocker["reason"]
    after = ours(packed)
    assert after["home/.config/opencode/opencode.json"] == before["home/.config/opencode/opencode.json"]
    assert not packed.key_file.exists()
    assert not packed.state_file.exists()


def test_blocked_in_this_session(packed: Machine) -> None:
    done = script(packed, OPENCODE_CONFIG_CONTENT=json.dumps({"model": "other/model"}))
    assert done.status == 7, done.output
    report = done.json
    assert set(report) >= ON_BLOCKED
    assert (report["ok"], report["status"]) == (False, "blocked")
    assert {blocker["layer"] for blocker in report["blockers"]} <= LAYERS
    assert ("model", "OPENCODE_CONFIG_CONTENT") in {
        (blocker["key"], blocker["layer"]) for blocker in report["blockers"]
    }
    assert packed.state_file.exists()
    answered = packed.opencode("run", "say hi")
    assert "Hello from the GonkaGate stand-in." in answered.stdout, answered.output


def test_failed(packed: Machine) -> None:
    packed.use_opencode(None)
    done = script(packed)
    assert done.status == 3, done.output
    assert set(done.json) >= ON_FAILURE
    assert (done.json["ok"], done.json["status"], done.json["errorCode"]) == (
        False,
        "failed",
        "opencode_not_found",
    )
