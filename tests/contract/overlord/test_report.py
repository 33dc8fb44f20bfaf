"""The JSON of every verb, from real runs against the stand-in, against docs/overlord-report.schema.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Iterator

import jsonschema
import pytest

from overlord.command_line import VERBS
from overlord.core.failures import REASONS
from overlord.core.registry import RUN_STATES
from overlord.errors import CODES, Exit
from overlord.host_shell import SHELLS
from overlord.settings import KEYS
from tests.stand_in.chat import ChatStandIn
from tests.support.overlord_home import OverlordHome

SCHEMA: dict[str, Any] = json.loads(
    (Path(__file__).resolve().parents[3] / "docs" / "overlord-report.schema.json").read_text(encoding="utf-8")
)


def closed(schema: Any) -> Any:
    """The schema without its promise of more keys: here a key that is not described is a mistake."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    strict = {key: closed(value) for key, value in schema.items()}
    if "required" in schema and "properties" in schema:
        strict.setdefault("additionalProperties", False)
    return strict


# The conditions under allOf look at some keys only, so they stay open.
VALIDATOR = jsonschema.Draft202012Validator({**closed({**SCHEMA, "allOf": []}), "allOf": SCHEMA["allOf"]})


@pytest.fixture
def home(tmp_path: Path, chat_service: ChatStandIn) -> Iterator[OverlordHome]:
    made = OverlordHome(
        tmp_path / "of-the-overlord",
        {"MMI_OVERLORD_LLM_BASE_URL": chat_service.base_url, "SAKANA_API_KEY": chat_service.key},
    )
    yield made
    assert made.leaks() == []
    assert chat_service.mishaps == []


def valid(home: OverlordHome, exit_status: int, *arguments: str, **environ: str) -> dict[str, Any]:
    value = home.json(*arguments, **environ)
    VALIDATOR.validate(value)
    assert value["exitStatus"] == exit_status, value
    return value


def test_the_schema_is_one_and_has_the_words_of_the_program() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    properties, defined = SCHEMA["properties"], SCHEMA["$defs"]
    assert set(properties["command"]["enum"]) == {*VERBS, "help", "version"}
    assert properties["exitStatus"]["enum"] == [int(status) for status in Exit]
    assert properties["errorCode"]["enum"] == list(CODES)
    assert properties["settings"]["properties"]["shell"]["enum"] == list(SHELLS)
    assert properties["settings"]["properties"]["keySource"]["enum"] == [*KEYS, None]
    assert defined["run"]["properties"]["state"]["enum"] == list(RUN_STATES)
    for where in (defined["result"], properties["answers"]["items"]):
        assert where["properties"]["failureReason"]["enum"] == [*REASONS, None]
    assert defined["servant"]["properties"]["blockedReason"]["enum"] == [*REASONS, None]
    assert defined["message"]["properties"]["failureReason"]["enum"] == [*REASONS, "several", None]


def test_every_verb_of_a_run_that_goes_well(home: OverlordHome) -> None:
    planned = valid(home, 0, "start", "--normal", "1", "--dry-run")
    assert (planned["status"], planned["changed"]) == ("dry_run", False)
    assert [one["slot"] for one in planned["requests"]] == ["ultra", "normal-1"]
    started = valid(home, 0, "start", "--normal", "1")
    assert (started["changed"], started["run"]["state"]) == (True, "ready")
    assert valid(home, 0, "send", "normal-1", "Hello")["messageResult"]["state"] == "completed"
    both = valid(home, 0, "send", "normals", "Hello", "--then", "ultra")
    assert "Answer of normal-1" in both["thenResult"]["text"]
    assert valid(home, 0, "retry")["changed"] is False
    assert valid(home, 0, "status")["changed"] is False
    assert valid(home, 0, "recover")["changed"] is False
    assert valid(home, 0, "watch")["run"]["state"] == "ready"
    replaced = valid(home, 0, "replace", "ultra", "--note", "Look at the locks.")
    assert [servant["generation"] for servant in replaced["run"]["servants"]] == [2, 1]
    assert valid(home, 0, "await-human", "A note")["run"]["awaitingNote"] == "A note"
    assert "### m-0001" in valid(home, 0, "export")["text"]
    assert [run["servants"] for run in valid(home, 0, "list")["runs"]] == [2]
    assert valid(home, 0, "stop")["resources"] == []
    assert valid(home, 0, "stop", "--run", started["runId"])["changed"] is False
    assert valid(home, 6, "status")["errorCode"] == "run_stopped"
    assert valid(home, 0, "delete", started["runId"])["changed"] is True
    assert valid(home, 0, "list")["runs"] == []


def test_the_verbs_without_a_run(home: OverlordHome) -> None:
    assert valid(home, 0, "doctor")["settings"]["keySource"] == "SAKANA_API_KEY"
    assert valid(home, 0, "doctor", "--live")["live"] == {
        "models": "ok",
        "listed": {"fugu": True, "fugu-ultra": True},
    }
    assert [one["slot"] for one in valid(home, 0, "ask", "Why?")["answers"]] == [
        "ultra",
        "normal-1",
        "normal-2",
    ]
    assert valid(home, 0, "--help")["text"].startswith("usage: ")
    assert valid(home, 0, "send", "--help")["text"].startswith("usage: ")
    assert valid(home, 0, "--version")["text"].startswith("mmi-cli ")
    assert not home.state.exists()


def test_failures_of_the_service(home: OverlordHome, chat_service: ChatStandIn) -> None:
    chat_service.fail(400, slot="ultra", times=1)
    failed = valid(home, 6, "start", "--normal", "1")
    assert (failed["errorCode"], failed["run"]["state"], failed["changed"]) == (
        "startup_failed",
        "failed",
        True,
    )
    assert valid(home, 2, "send", "all", "Hello")["errorCode"] == "no_run"
    assert valid(home, 6, "send", "all", "Hello", "--run", failed["runId"])["errorCode"] == "not_ready"
    assert valid(home, 0, "recover")["run"]["state"] == "ready"
    chat_service.fail(400, slot="ultra", times=1)
    assert valid(home, 7, "send", "all", "Hello")["messageResult"]["failureReason"] == "request_refused"
    assert valid(home, 0, "retry")["messageResult"]["state"] == "completed"
    chat_service.fail(400, what="chat", times=1)
    assert valid(home, 6, "send", "ultra", "Hello")["errorCode"] == "send_failed"
    chat_service.fail(400, what="chat", times=1)
    assert valid(home, 6, "recover")["errorCode"] == "recovery_unproved"
    chat_service.fail(400, what="chat", times=1)
    replaced = valid(home, 6, "replace", "ultra")
    assert (replaced["errorCode"], replaced["run"]["state"]) == ("startup_failed", "degraded")
    chat_service.fail(400, what="chat", times=1)
    assert valid(home, 7, "ask", "Why?", "--normal", "1")["errorCode"] == "partial"


@pytest.mark.parametrize(
    ("arguments", "environ", "exit_status", "code"),
    [
        (("start",), {"SAKANA_API_KEY": ""}, 4, "key_missing"),
        (("start",), {"SAKANA_API_KEY": "a b"}, 4, "key_invalid"),
        (("start",), {"SAKANA_API_KEY": "sk-\udcff\udcfe"}, 4, "key_invalid"),
        (("start",), {"SAKANA_API_KEY": "another"}, 4, "key_refused"),
        (("start",), {"MMI_OVERLORD_LLM_BASE_URL": "http://example.com/v1"}, 5, "base_url_invalid"),
        (("start",), {"MMI_OVERLORD_LLM_MODEL": "gone"}, 6, "model_missing"),
        (("start", "--api-key", "x"), {}, 2, "api_key_flag_refused"),
        (("start", "--profile", "full-trust"), {}, 2, "usage_error"),
        (("start", "--assignment", " "), {}, 2, "message_empty"),
        (("start", "--no-such-option"), {"MMI_OVERLORD_SHELL": "powershell"}, 3, "shell_unsupported"),
        (("doctor",), {"MMI_OVERLORD_HOME": "relative"}, 5, "state_unusable"),
        (("doctor", "--cwd", "/no/such/folder"), {}, 2, "working_directory_unusable"),
        (("doctor", "--live"), {"MMI_OVERLORD_LLM_MODEL": "gone"}, 6, "model_missing"),
        (("status",), {}, 2, "no_run"),
        (("nothing",), {}, 2, "usage_error"),
    ],
)
def test_refusals(
    home: OverlordHome, arguments: tuple[str, ...], environ: dict[str, str], exit_status: int, code: str
) -> None:
    value = valid(home, exit_status, *arguments, **environ)
    assert (value["errorCode"], value["changed"]) == (code, False)
    assert not home.state.exists()


def test_a_run_that_cannot_be_read_is_listed_and_named(home: OverlordHome) -> None:
    valid(home, 0, "start", "--normal", "1")
    registry = home.runs()[0] / "registry.json"
    registry.write_text("{", encoding="utf-8")
    value = valid(home, 5, "status")
    assert (value["errorCode"], value["where"]) == ("registry_unreadable", {"file": str(registry)})
    assert str(registry) in value["message"]
    listed = valid(home, 0, "list")
    assert [run["state"] for run in listed["runs"]] == ["unreadable"]
    assert [notice["code"] for notice in listed["notices"]] == ["registry_unreadable"]
    assert registry.read_text(encoding="utf-8") == "{"
