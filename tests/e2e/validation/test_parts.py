"""The parts of the validation gate that need no opencode: settings, budget and relay, masks, the table."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, Mapping
from urllib.parse import urlsplit

import pytest

from gonkagate_setup.catalog import GONKAGATE, Model
from scripts import audit_opencode
from scripts.lib import cache, opencode_versions
from scripts.validating.names import AROUND, WORKFLOW_NAMES
from scripts.validating.outcome import Outcome, WorkflowFailure, failed
from scripts.validating.relay import Budget, relay_to
from scripts.validating.settings import check_settings
from tests.stand_in import COMPLETIONS, MODELS, Authority, Request, StandIn
from tests.support.machine import ROOT

QWEN = GONKAGATE.models[1]
BODY: dict[str, Any] = {
    "model": QWEN.upstream_id,
    "stream": True,
    "max_tokens": 8192,
    "tools": [{"type": "f"}],
}


def asked(body: dict[str, Any], headers: dict[str, str] | None = None) -> Request:
    return Request("POST", "h", COMPLETIONS, headers or {}, json.dumps(body).encode(), 200)


def with_settings(**compatibility: Any) -> Model:
    return replace(QWEN, compatibility=compatibility)


def test_settings_of_the_catalogue_have_to_be_in_the_request() -> None:
    assert check_settings(QWEN, asked(BODY)) == {"max_tokens": 8192, "stream": True, "tool_call": True}
    model = with_settings(headers={"X-Mode": "agent"}, options={"reasoningEffort": "low", "seed": 1})
    request = asked({**BODY, "reasoning_effort": "low", "seed": 1}, {"x-mode": "agent"})
    assert set(check_settings(model, request)) >= {
        "headers.X-Mode",
        "options.seed",
        "options.reasoningEffort",
    }


@pytest.mark.parametrize(
    ("model", "body", "expected"),
    [
        (QWEN, {**BODY, "max_tokens": 32000}, "max_tokens: 8192"),
        (replace(QWEN, limit=None), BODY, "max_tokens: 32000"),
        (QWEN, {**BODY, "stream": 1}, "stream: True"),
        (QWEN, {**BODY, "tools": []}, "tools offered: True"),
        (with_settings(tool_call=False), BODY, "tools offered: False"),
        (QWEN, {**BODY, "promptCacheKey": "x"}, "no promptCacheKey"),
        (with_settings(headers={"X-Mode": "agent"}), BODY, "header X-Mode: agent"),
        (with_settings(options={"reasoningEffort": "low"}), BODY, "option reasoningEffort: low"),
        (with_settings(interleaved=True), BODY, "a check for the compatibility setting interleaved"),
    ],
)
def test_a_setting_that_is_not_in_force_is_named(model: Model, body: dict[str, Any], expected: str) -> None:
    with pytest.raises(WorkflowFailure) as caught:
        check_settings(model, asked(body))
    assert caught.value.expected.startswith(expected)


def ask(service: StandIn, key: str) -> tuple[int, bytes]:
    address = urlsplit(service.address)
    connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=20)
    body = {"model": MODELS[0], "stream": True, "messages": [{"role": "user", "content": "hi"}]}
    try:
        connection.request("POST", COMPLETIONS, json.dumps(body), {"Authorization": f"Bearer {key}"})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def test_the_relay_passes_on_what_the_budget_allows(authority: Authority, stand_in: StandIn) -> None:
    stand_in.accept("gp-live")
    upstream = urlsplit(stand_in.address)

    def connect() -> http.client.HTTPConnection:
        return http.client.HTTPConnection(str(upstream.hostname), upstream.port, timeout=20)

    budget = Budget(requests=3, tokens=35)
    with StandIn(authority) as relay:
        relay.accept("gp-live")
        relay.accept("gp-unknown-upstream")
        relay.answerers = {COMPLETIONS: relay_to("unused", budget, connect)}
        status, answer = ask(relay, "gp-live")
        assert (status, answer) == ask(stand_in, "gp-live")
        assert (budget.spent_requests, budget.spent_tokens) == (1, 20)
        assert ask(relay, "gp-unknown-upstream")[0] == 401
        assert ask(relay, "gp-live")[0] == 200
        assert (budget.spent_requests, budget.spent_tokens) == (3, 40)
        before = len(stand_in.requests)
        status, answer = ask(relay, "gp-live")
        assert (status, json.loads(answer)["error"]["code"]) == (402, "spending_limit_reached")
        assert len(stand_in.requests) == before
        assert stand_in.requests[0].key == "gp-live"
        assert relay.mishaps == []


def test_tokens_alone_end_the_budget() -> None:
    budget = Budget(requests=100, tokens=20)
    budget.take()
    budget.add(20)
    with pytest.raises(Exception, match="spending_limit_reached"):
        budget.take()


def test_an_unreachable_service_gives_no_key_away(authority: Authority) -> None:
    def refuse() -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", 1, timeout=5)

    with StandIn(authority) as relay:
        relay.accept("gp-live")
        relay.answerers = {COMPLETIONS: relay_to("unused", Budget(1, 1), refuse)}
        status, answer = ask(relay, "gp-live")
    assert status == 502
    assert b"gp-live" not in answer


def script(
    name: str, *arguments: str, key: str | None = None, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if name != "GONKAGATE_API_KEY"}
    environ.update(env or {})
    if key is not None:
        environ["GONKAGATE_API_KEY"] = key
    command = [sys.executable, f"scripts/{name}.py", *arguments]
    return subprocess.run(
        command,
        cwd=ROOT,
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_live_run_states_its_limit_first_and_needs_consent_and_a_key() -> None:
    stated = "60 requests, and no new request after\n1,000,000 tokens"
    asks = script("validate_model", "kimi-k2.6", "--live", key="gp-some-key-of-mine")
    assert (asks.returncode, asks.stderr) == (
        2,
        "validate_model: run this command again with --yes to agree\n",
    )
    assert stated in asks.stdout
    assert "gp-some" not in asks.stdout + asks.stderr
    none = script("validate_model", "kimi-k2.6", "--live", "--yes")
    assert none.returncode == 2
    assert "GONKAGATE_API_KEY" in none.stderr
    wrong = script("validate_model", "kimi-k2.6", "--live", "--yes", key="no key of mine")
    assert wrong.returncode == 2
    assert "no key of mine" not in wrong.stdout + wrong.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="makes a link to a folder")
def test_a_live_run_states_its_limit_once_though_it_starts_itself_again(tmp_path: Path) -> None:
    # By another name for the environment, so that the script does not find itself in it.
    (tmp_path / "venv").symlink_to(cache.folder() / "venv")
    environ = {"GONKAGATE_SETUP_CACHE": str(tmp_path), "PATH": str(tmp_path)}
    arguments = ("kimi-k2.6", "--live", "--yes", "--opencode", "0.0.0")
    done = script("validate_model", *arguments, key="gp-some-key-of-mine", env=environ)
    # Without npm there is no opencode to run, so nobody is asked anything.
    assert (done.returncode, done.stderr) == (
        1,
        "validate_model: node is not on PATH: install Node.js with npm, then run this command again\n",
    )
    assert done.stdout.count("costs money") == 1
    assert done.stdout.startswith("This asks the real service")


@pytest.mark.parametrize("arguments", [[], ["--all", "kimi-k2.6"], ["no-such-model"]])
def test_what_to_validate_has_to_be_named(arguments: list[str]) -> None:
    done = script("validate_model", *arguments)
    assert done.returncode == 2
    assert "name one or more of kimi-k2.6, " in done.stderr


def test_a_failure_is_said_without_the_key_and_within_bounds() -> None:
    key = "gp-test-abcdefgh.ijklmnop"
    failure = WorkflowFailure(f"not {key}", "x" * 5000 + f"Authorization: Bearer {key} the end")
    outcome = failed("run", failure, [key])
    assert not outcome.held
    assert "abcdefgh" not in outcome.expected + outcome.seen
    assert outcome.seen.endswith("the end")
    assert len(outcome.seen) < 1600


NEEDS_A_TERMINAL = pytest.mark.skipif(
    sys.platform == "win32", reason="the interactive session needs a pseudo-terminal"
)


@NEEDS_A_TERMINAL
@pytest.mark.parametrize(
    ("printed", "expected", "seen"),
    [
        ("What is this? apiKey: KEY", "opencode prints its config as a JSON object", "What is this?"),
        ('["KEY"]', "opencode prints its config as a JSON object", '["'),
        (
            '{"model": "gonkagate/REFERENCE", "small_model": "gonkagate/REFERENCE", "provider": "KEY"}',
            "what was seen can be judged",
            "AttributeError (workflows.py, line ",
        ),
    ],
)
def test_unexpected_output_of_opencode_fails_its_workflow_and_not_the_run(
    printed: str, expected: str, seen: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from scripts.validating import services, workflows
    from scripts.validating.rig import Rig

    def set_up(rig: Rig, scope: str) -> dict[str, Any]:
        return {"proved": ["durable"]}

    monkeypatch.setattr(Rig, "set_up", set_up)
    opencode = tmp_path / "opencode"
    with services.rig(GONKAGATE, QWEN, opencode, 60) as rig:
        text = printed.replace("KEY", rig.machine.key).replace("REFERENCE", QWEN.key)
        opencode.write_text(f"#!/bin/sh\ncat <<'END'\n{text}\nEND\n", encoding="utf-8")
        opencode.chmod(0o755)
        outcomes = workflows.judge(rig, ["user_scope", "transport"], lambda outcome: None)
        key = rig.machine.key
    assert [(one.workflow, one.held) for one in outcomes] == [("user_scope", False), ("transport", False)]
    assert outcomes[0].expected == expected
    assert seen in outcomes[0].seen
    assert key not in outcomes[0].seen
    assert outcomes[1].expected == "only POST /v1/chat/completions"


@NEEDS_A_TERMINAL
def test_what_fails_around_the_workflows_is_an_outcome_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from scripts.validating import judging, workflows
    from scripts.validating.rig import Rig

    def judge(rig: Rig, names: object, say: Any) -> list[Outcome]:
        say(Outcome("run", {}))
        (rig.machine.home / "copy-of-the-key").write_text(rig.machine.key, encoding="utf-8")
        return []

    monkeypatch.setattr(workflows, "judge", judge)
    heard: list[Outcome] = []
    outcomes = judging.judge(GONKAGATE, QWEN, tmp_path / "none", 60, WORKFLOW_NAMES, heard.append)
    assert outcomes == heard
    assert [(one.workflow, one.held) for one in outcomes] == [("run", True), (AROUND, False)]
    assert outcomes[1].expected == "the key is only in its own file"
    assert "copy-of-the-key" in outcomes[1].seen


@NEEDS_A_TERMINAL
def test_the_audit_goes_on_after_a_version_that_broke_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from scripts.validating import judging, services

    def broken(*_: object) -> Any:
        raise RuntimeError("no machine today, apiKey: gp-test-abcdefgh")

    monkeypatch.setattr(services, "rig", broken)
    monkeypatch.setattr(opencode_versions, "executable", lambda version: tmp_path / version)
    first = audit_opencode.audit("9.9.9", QWEN.key)
    monkeypatch.setattr(judging, "judge", lambda *_: [Outcome(name, {}) for name in WORKFLOW_NAMES])
    rows = {"9.9.9": first, "1.18.33": audit_opencode.audit("1.18.33", QWEN.key)}
    lines = audit_opencode.table(rows)
    assert lines[-2] == "| 9.9.9 | " + "- | " * len(WORKFLOW_NAMES) + "FAILED |"
    assert lines[-1] == "| 1.18.33 | " + "ok | " * len(WORKFLOW_NAMES) + "ok |"
    said = capsys.readouterr().out
    assert "FAILED  around" in said
    assert "no machine today" in said
    assert "abcdefgh" not in said


def test_the_names_are_the_workflows_that_a_proof_needs() -> None:
    schema = json.loads((ROOT / "validation" / "proof.schema.json").read_text(encoding="utf-8"))
    assert schema["properties"]["workflows"]["required"] == list(WORKFLOW_NAMES)


def test_the_audits_table_says_what_failed_and_what_was_not_there() -> None:
    row = [Outcome(name, None if name == "tools" else {}) for name in WORKFLOW_NAMES]
    lines = audit_opencode.table({"1.18.33": row, "9.9.9": [None]})
    assert lines[0].startswith("| opencode | user_scope | run |")
    cells = [line.strip("| ").split(" | ") for line in lines[2:]]
    names = (*WORKFLOW_NAMES, AROUND)
    assert cells[0] == ["1.18.33", *("FAILED" if name == "tools" else "ok" for name in names)]
    assert cells[1] == ["9.9.9", *["-"] * len(names)]


@pytest.fixture
def npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An npm that a test writes, alone on the PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder / "npm"


def write_npm(npm: Path, printed: str, error: str = "", status: int = 0) -> None:
    script = f"import sys; print({printed!r}); print({error!r}, file=sys.stderr); sys.exit({status})"
    npm.write_text(f"#!{sys.executable}\n{script}\n", encoding="utf-8")
    npm.chmod(0o755)


NEEDS_SCRIPTS = pytest.mark.skipif(sys.platform == "win32", reason="writes a script with a first line for sh")


@NEEDS_SCRIPTS
def test_the_audit_asks_the_registry_for_the_oldest_and_the_newest(npm: Path) -> None:
    versions = ["0.5.29", "1.3.2", "1.4.0-rc.1", "1.14.34", "1.4.1", "1.18.33", "2.0.0-beta.1", "2.1.0"]
    write_npm(npm, json.dumps({"version": "1.18.33", "versions": versions}))
    assert audit_opencode.registry_ends() == ["1.4.1", "1.18.33"]
    write_npm(npm, json.dumps({"version": "1.18.33", "versions": ["1.18.33"]}))
    assert audit_opencode.registry_ends() == ["1.18.33"]


@NEEDS_SCRIPTS
@pytest.mark.parametrize(
    ("printed", "error", "status", "message"),
    [
        (
            "{}",
            "npm error code ENOTFOUND\nnpm error request to https://me:password@registry failed",
            1,
            "npm could not list the versions of opencode-ai (ENOTFOUND). Without a registry, name versions",
        ),
        ("What?", "", 0, "npm could not list the versions of opencode-ai. Without a registry, name versions"),
        (
            '"1.18.33"',
            "",
            0,
            "npm could not list the versions of opencode-ai. Without a registry, name versions",
        ),
        (
            '{"version": "2.1.0", "versions": ["1.3.2", "2.1.0"]}',
            "",
            0,
            "the registry has no opencode-ai from 1.4.0 to below 2.0.0: name the versions to audit",
        ),
    ],
)
def test_an_audit_without_a_registry_says_what_to_do(
    printed: str, error: str, status: int, message: str, npm: Path
) -> None:
    write_npm(npm, printed, error, status)
    with pytest.raises(cache.PreparationError) as caught:
        audit_opencode.registry_ends()
    assert str(caught.value).startswith(message)
    assert "password" not in str(caught.value)


def test_an_audit_without_npm_says_so(npm: Path) -> None:
    with pytest.raises(cache.PreparationError, match="npm is not on PATH"):
        audit_opencode.registry_ends()
