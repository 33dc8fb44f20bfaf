"""The parts of the validation gate that need no opencode: settings, budget and relay, masks, the table."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest

from gonkagate_setup.core.catalog import GONKAGATE, Model
from scripts.validating.outcome import WorkflowFailure
from scripts.validating.relay import Budget, relay_to
from scripts.validating.settings import check_settings
from tests.machine import ROOT
from tests.stand_in import COMPLETIONS, MODELS, Authority, Request, StandIn

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


def script(name: str, *arguments: str, key: str | None = None) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if name != "GONKAGATE_API_KEY"}
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
    assert (asks.returncode, asks.stderr) == (2, "validate_model: run it again with --yes to agree to that\n")
    assert stated in asks.stdout
    assert "gp-some" not in asks.stdout + asks.stderr
    none = script("validate_model", "kimi-k2.6", "--live", "--yes")
    assert none.returncode == 2
    assert "GONKAGATE_API_KEY" in none.stderr
    wrong = script("validate_model", "kimi-k2.6", "--live", "--yes", key="no key of mine")
    assert wrong.returncode == 2
    assert "no key of mine" not in wrong.stdout + wrong.stderr


@pytest.mark.parametrize("arguments", [[], ["--all", "kimi-k2.6"], ["no-such-model"]])
def test_what_to_validate_has_to_be_named(arguments: list[str]) -> None:
    done = script("validate_model", *arguments)
    assert done.returncode == 2
    assert "name one or more of kimi-k2.6, " in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="the interactive session needs a pseudo-terminal")
def test_a_failure_is_said_without_the_key_and_within_bounds() -> None:
    from scripts.validating import workflows

    key = "gp-test-abcdefgh.ijklmnop"
    failure = WorkflowFailure(f"not {key}", "x" * 5000 + f"Authorization: Bearer {key} the end")
    outcome = workflows.failed("run", failure, key)
    assert not outcome.held
    assert "abcdefgh" not in outcome.expected + outcome.seen
    assert outcome.seen.endswith("the end")
    assert len(outcome.seen) < 1600


def test_the_names_are_the_workflows_that_a_proof_needs() -> None:
    from scripts.validating.names import WORKFLOW_NAMES

    schema = json.loads((ROOT / "validation" / "proof.schema.json").read_text(encoding="utf-8"))
    assert schema["properties"]["workflows"]["required"] == list(WORKFLOW_NAMES)


def test_the_audits_table_says_what_failed_and_what_was_not_there() -> None:
    from scripts import audit_opencode
    from scripts.validating.names import WORKFLOW_NAMES
    from scripts.validating.outcome import Outcome

    row = [Outcome(name, None if name == "tools" else {}) for name in WORKFLOW_NAMES]
    lines = audit_opencode.table({"1.18.33": row, "9.9.9": [None]})
    assert lines[0].startswith("| opencode | user_scope | run |")
    cells = [line.strip("| ").split(" | ") for line in lines[2:]]
    assert cells[0] == ["1.18.33", *("FAILED" if name == "tools" else "ok" for name in WORKFLOW_NAMES)]
    assert cells[1] == ["9.9.9", *["-"] * len(WORKFLOW_NAMES)]
