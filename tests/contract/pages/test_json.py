"""The JSON of every outcome, from real runs, against docs/report.schema.json and docs/json.md."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Mapping

import jsonschema
import pytest

from gonkagate_setup.judgement import findings
from gonkagate_setup.ui.render import LAYERS
from tests.support.machine import Finished, Machine
from tests.support.resolving import resolving_opencode

DOCS = Path(__file__).resolve().parents[3] / "docs"
SCHEMA: dict[str, Any] = json.loads((DOCS / "report.schema.json").read_text(encoding="utf-8"))
PAGE = (DOCS / "json.md").read_text(encoding="utf-8")
ARGUMENTS = ("--model", "kimi-k2.6", "--scope", "user", "--json")


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


def strict_schema() -> dict[str, Any]:
    # The conditions under allOf look at some keys only, so they stay open.
    return {**closed({**SCHEMA, "allOf": []}), "allOf": SCHEMA["allOf"]}


VALIDATOR = jsonschema.Draft202012Validator(strict_schema())


def valid(done: Finished, exit_status: int) -> Mapping[str, Any]:
    assert done.status == exit_status, done.output
    assert done.stderr == "", done.output
    value = done.json
    VALIDATOR.validate(value)
    assert value["exitStatus"] == exit_status
    return value


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_setup_rerun_dry_run_verify_and_models(machine: Machine) -> None:
    environ = {"GONKAGATE_API_KEY": machine.key}
    planned = valid(machine.run_setup(*ARGUMENTS, "--dry-run", env=environ), 0)
    assert (planned["status"], planned["changed"], planned["proved"]) == ("dry_run", True, [])
    assert {file["action"] for file in planned["files"]} == {"create"}
    first = valid(machine.run_setup(*ARGUMENTS, env=environ), 0)
    assert (first["ok"], first["changed"], first["modelRef"]) == (True, True, "gonkagate/kimi-k2.6")
    assert first["proved"] == ["durable", "fresh_shell", "session"]
    again = valid(machine.run_setup(*ARGUMENTS), 0)
    assert (again["ok"], again["changed"]) == (True, False)
    assert {file["action"] for file in again["files"] if file["role"] != "state"} == {"keep"}
    assert valid(machine.run_setup("verify", "--json"), 0)["scope"] == "user"
    models = valid(machine.run_setup("models", "--json"), 0)["models"]
    assert [model["key"] for model in models if model["selected"]] == ["kimi-k2.6"]


def test_undo_and_uninstall(machine: Machine) -> None:
    environ = {"GONKAGATE_API_KEY": machine.key}
    valid(machine.run_setup(*ARGUMENTS, env=environ), 0)
    planned = valid(machine.run_setup("undo", "--dry-run", "--json"), 0)
    assert planned["status"] == "dry_run"
    assert "-  " in planned["diff"]
    undone = valid(machine.run_setup("undo", "--yes", "--json"), 0)
    assert (undone["command"], undone["changed"]) == ("undo", True)
    valid(machine.run_setup(*ARGUMENTS), 0)
    assert valid(machine.run_setup("uninstall", "--dry-run", "--json"), 0)["status"] == "dry_run"
    gone = valid(machine.run_setup("uninstall", "--yes", "--json"), 0)
    assert {"secret", "state", "note", "user_config"} <= {file["role"] for file in gone["files"]}


@pytest.mark.parametrize(
    ("arguments", "command", "part"),
    [
        (("--help",), "help", "--api-key-stdin"),
        (("undo", "--help"), "help", "--dry-run"),
        (("--version",), "version", "gonkagate-setup"),
        (("completion", "bash"), "completion", "--api-key-stdin"),
        (("man",), "man", ".TH"),
        (("help", "verify"), "help", "--timeout"),
    ],
)
def test_texts(machine: Machine, arguments: tuple[str, ...], command: str, part: str) -> None:
    value = valid(machine.run_setup(*arguments, "--json"), 0)
    assert value["command"] == command
    assert part in value["text"]
    assert machine.run_setup(*arguments).stdout.strip() == value["text"].strip()


def test_the_live_check(machine: Machine) -> None:
    valid(machine.run_setup(*ARGUMENTS, env={"GONKAGATE_API_KEY": machine.key}), 0)
    live = valid(machine.run_setup("verify", "--live", "--json"), 0)["live"]
    assert (live["models"], live["completion"]) == ("ok", "ok")
    other = "gp-test-nobody.knows/this-one"
    machine.key_file.write_text(other)
    refused = machine.run_setup("verify", "--live", "--json")
    value = valid(refused, 4)
    assert value["live"] == {"models": value["errorCode"], "listed": None, "completion": None}
    assert other not in refused.stdout


def test_a_durable_block_and_a_session_block(machine: Machine) -> None:
    machine.project_config.write_text('{\n  "disabled_providers": ["gonkagate"]\n}\n')
    environ = {"GONKAGATE_API_KEY": machine.key}
    blocked = valid(machine.run_setup(*ARGUMENTS, env=environ), 6)
    assert blocked["errorCode"] == "effective_config_blocked"
    # opencode has put its $schema on the second line meanwhile.
    assert [(b["layer"], b["key"], b["line"]) for b in blocked["blockers"]] == [
        ("project_config", "disabled_providers", 3)
    ]
    machine.project_config.unlink()
    environ["OPENCODE_CONFIG_CONTENT"] = '{"model": "other/model"}'
    session = valid(machine.run_setup(*ARGUMENTS, env=environ), 7)
    assert (session["status"], session["changed"], session["proved"]) == (
        "blocked",
        True,
        ["durable", "fresh_shell"],
    )
    assert {b["reach"] for b in session["blockers"]} == {"session"}


def test_a_block_that_is_put_back_and_one_that_is_kept(machine: Machine) -> None:
    resolving_opencode(machine)
    machine.project_config.write_text('{"model": "other/model"}\n')
    environ = {"GONKAGATE_API_KEY": machine.key}
    back = valid(machine.run_setup(*ARGUMENTS, env=environ), 6)
    assert back["changed"] is False
    assert "--on-blocked keep" in back["nextStep"]
    kept = valid(machine.run_setup(*ARGUMENTS, "--on-blocked", "keep", env=environ), 6)
    assert (kept["status"], kept["changed"], kept["errorCode"]) == (
        "blocked",
        True,
        "effective_config_blocked",
    )
    assert [blocker["layer"] for blocker in kept["blockers"]] == ["project_config"] * len(kept["blockers"])
    assert {file["role"] for file in kept["files"]} == {"secret", "user_config", "state"}


@pytest.mark.parametrize(
    ("arguments", "exit_status", "code"),
    [
        (("--json", "--frobnicate"), 2, "usage_error"),
        (("--json", "--scope", "user"), 2, "model_selection_required"),
        (("--json", "--model", "kimi-k2.6"), 2, "scope_selection_required"),
        (("--json", "--model", "gpt"), 2, "unsupported_model_key"),
        (("--json", "--api-key", "x"), 2, "api_key_flag_refused"),
        (("--json", "--cwd", "/no/such/folder"), 2, "working_directory_unusable"),
        ((*ARGUMENTS, "--api-key-stdin"), 4, "secret_stdin_empty"),
        (ARGUMENTS, 4, "secret_source_unavailable"),
        (("verify", "--json"), 6, "not_set_up"),
    ],
)
def test_refusals(machine: Machine, arguments: tuple[str, ...], exit_status: int, code: str) -> None:
    stdin = "" if "--api-key-stdin" in arguments else None
    value = valid(machine.run_setup(*arguments, stdin=stdin), exit_status)
    assert (value["status"], value["errorCode"], value["changed"]) == ("failed", code, False)


def test_a_missing_opencode_and_a_config_with_a_mistake(machine: Machine) -> None:
    environ = {"GONKAGATE_API_KEY": machine.key}
    machine.config_folder.mkdir(parents=True)
    machine.user_config.write_text('{\n  "model": oops\n}\n')
    value = valid(machine.run_setup(*ARGUMENTS, env=environ), 5)
    assert value["where"] == {"file": str(machine.user_config), "line": 2, "column": 12}
    machine.user_config.unlink()
    machine.use_opencode(None)
    assert valid(machine.run_setup(*ARGUMENTS, env=environ), 3)["errorCode"] == "opencode_not_found"


def table(after: str) -> dict[str, str]:
    """First and second column of the first table after that text."""
    rows = PAGE.split(after, 1)[1].split("| --- | --- |\n", 1)[1].split("\n\n", 1)[0]
    return dict(re.findall(r"^\| `([A-Za-z_]+)` \| (.+) \|$", rows, flags=re.MULTILINE))


def test_the_page_lists_every_layer_and_every_finding() -> None:
    assert table("| `layer` | the source |") == dict(LAYERS)
    assert table("| `code` | what was found |") == dict(findings.CODES)


def test_the_page_and_the_schema_describe_the_same_keys() -> None:
    everywhere = set(re.findall(r"`([A-Za-z]+)`", PAGE))
    assert set(SCHEMA["properties"]) <= everywhere
    required = PAGE.split("## Keys that are always present", 1)[1].split("\n## ", 1)[0]
    assert re.findall(r"^\| `([A-Za-z]+)`", required, flags=re.MULTILINE) == SCHEMA["required"]
    for name in ("role", "action"):
        assert (
            list(table(f"| `{name}` | "))
            == SCHEMA["properties"]["files"]["items"]["properties"][name]["enum"]
        )
    assert list(table("## `proved`")) == SCHEMA["properties"]["proved"]["items"]["enum"]


def test_the_examples_of_the_page_are_valid() -> None:
    examples = re.findall(r"```json\n(.*?)```", PAGE, flags=re.DOTALL)
    assert len(examples) >= 3
    for example in examples:
        VALIDATOR.validate(json.loads(example))
