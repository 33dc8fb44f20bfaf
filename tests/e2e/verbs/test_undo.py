"""undo after a real setup: the former bytes, or only our keys, or a refusal that changes nothing."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

from tests.support.configs import BINDING, KIMI, MINIMAX, PROVIDER, SCHEMA, activation, read
from tests.support.machine import Machine
from tests.support.refusals import ours

MINE = """{
  // mine
  "theme": "dark",
  "model": "other/model", // and this
  "provider": {"other": {"name": "x"}}
}
"""


def set_up(machine: Machine, *arguments: str) -> dict[str, Any]:
    done = machine.run_setup("--yes", "--json", *arguments, env={"GONKAGATE_API_KEY": machine.key})
    assert done.status == 0, done.output
    return done.json


def undo(machine: Machine, *arguments: str, status: int = 0) -> dict[str, Any]:
    done = machine.run_setup("undo", "--yes", "--json", *arguments)
    assert done.status == status, done.output
    return done.json


def starts(machine: Machine) -> None:
    done = machine.opencode("debug", "config")
    assert done.status == 0, done.output


def history(machine: Machine) -> Path:
    return machine.key_file.with_name("last-change.json")


def opencode_was_here(machine: Machine) -> None:
    """Have opencode make its own folders and files first, so that trees can be compared."""
    machine.config_folder.mkdir(parents=True, exist_ok=True)
    if not list(machine.config_folder.iterdir()):
        (machine.config_folder / "opencode.jsonc").write_text("{}")
    starts(machine)


def test_undo_of_a_first_setup_gives_the_former_bytes_back(machine: Machine) -> None:
    machine.config_folder.mkdir(parents=True)
    machine.user_config.write_text(MINE)
    machine.user_config.chmod(0o640)
    opencode_was_here(machine)
    before = ours(machine)
    set_up(machine, "--scope", "user")
    record = history(machine)
    assert stat.S_IMODE(record.stat().st_mode) == 0o600
    assert machine.key.encode() not in record.read_bytes()
    report = undo(machine)
    assert report["changed"] is True
    assert [(file["role"], file["action"]) for file in report["files"]] == [
        ("user_config", "restore"),
        ("state", "delete"),
    ]
    after = ours(machine)
    kept = {path for path in after if ".gonkagate" in path}
    assert {path: entry for path, entry in after.items() if path not in kept} == before
    assert {Path(path).name for path in kept} == {
        ".gonkagate",
        "opencode",
        "api-key",
        "opencode-executable.json",
    }
    assert machine.key_file.read_text() == machine.key
    starts(machine)


def test_undo_removes_what_the_setup_made(machine: Machine) -> None:
    set_up(machine, "--scope", "project")
    assert machine.project_config.exists()
    report = undo(machine)
    assert [(file["role"], file["action"]) for file in report["files"]] == [
        ("project_config", "delete"),
        ("user_config", "delete"),
        ("state", "delete"),
    ]
    assert not machine.project_config.exists()
    assert not machine.user_config.exists()
    assert not history(machine).exists()
    starts(machine)


def test_a_second_undo_has_nothing_to_do(machine: Machine) -> None:
    set_up(machine, "--scope", "user")
    undo(machine)
    before = ours(machine)
    report = undo(machine)
    assert (report["message"], report["changed"], report["files"]) == ("There is nothing to undo", False, [])
    assert ours(machine) == before


def test_undo_goes_back_one_setup_only_and_a_rerun_without_changes_does_not_count(machine: Machine) -> None:
    set_up(machine, "--scope", "user", "--model", KIMI)
    first, state = machine.user_config.read_bytes(), read(machine.state_file)
    set_up(machine, "--scope", "user", "--model", MINIMAX)
    record = history(machine).read_bytes()
    assert set_up(machine, "--scope", "user", "--model", MINIMAX)["changed"] is False
    assert history(machine).read_bytes() == record
    undo(machine)
    assert machine.user_config.read_bytes() == first
    assert read(machine.state_file) == state
    assert not list(machine.config_folder.glob("*.bak-*"))


def test_a_scope_switch_is_turned_back_in_both_files(machine: Machine) -> None:
    set_up(machine, "--scope", "user")
    before = machine.user_config.read_bytes()
    set_up(machine, "--scope", "project")
    undo(machine)
    assert machine.user_config.read_bytes() == before
    assert not machine.project_config.exists()
    assert read(machine.state_file)["selectedScope"] == "user"


def test_a_schema_that_opencode_added_since_does_not_count(machine: Machine) -> None:
    # The outranked file gets no $schema from us, but from opencode.
    machine.config_folder.mkdir(parents=True)
    machine.user_config.write_text(json.dumps({"model": f"gonkagate/{KIMI}"}))
    (machine.config_folder / "opencode.jsonc").write_text('{"theme": "dark"}')
    set_up(machine, "--scope", "user", "--model", KIMI)
    starts(machine)
    assert machine.user_config.read_text() == f'{{\n  "$schema": "{SCHEMA}",}}'
    undo(machine)
    assert read(machine.user_config) == {"model": f"gonkagate/{KIMI}"}


def test_later_edits_of_the_person_stay(machine: Machine) -> None:
    machine.config_folder.mkdir(parents=True)
    machine.user_config.write_text(MINE)
    set_up(machine, "--scope", "user")
    text = machine.user_config.read_text().replace('"theme": "dark"', '"theme": "light"')
    text = text.replace('"apiKey":', '"timeout": 5, "apiKey":')
    machine.user_config.write_text(text)
    report = undo(machine)
    assert report["files"][0]["action"] == "update"
    text = machine.user_config.read_text()
    assert "// mine" in text
    assert "// and this" in text
    value = json.loads("\n".join(line.split("//")[0] for line in text.splitlines()))
    assert value == {
        "theme": "light",
        "model": "other/model",
        "provider": {"other": {"name": "x"}, "gonkagate": {"options": {"timeout": 5}}},
    }
    assert len(list(machine.config_folder.glob("opencode.json.bak-*"))) == 2
    starts(machine)


def test_a_key_that_holds_something_else_by_now_is_refused_and_nothing_changes(machine: Machine) -> None:
    set_up(machine, "--scope", "project", "--model", KIMI)
    text = machine.project_config.read_text().replace(
        f'"model": "gonkagate/{KIMI}"', '"model": "else/where"', 1
    )
    machine.project_config.write_text(text)
    line = next(n for n, row in enumerate(text.splitlines(), 1) if "else/where" in row)
    before = ours(machine)
    report = undo(machine, status=5)
    assert report["errorCode"] == "undo_refused"
    assert report["where"]["file"] == str(machine.project_config)
    assert report["where"]["line"] == line
    assert report["message"].startswith("model has changed since the setup")
    assert ours(machine) == before


def test_a_literal_key_of_former_times_does_not_come_back(machine: Machine) -> None:
    former = machine.new_key()
    machine.config_folder.mkdir(parents=True)
    provider = {**PROVIDER, "options": {**PROVIDER["options"], "apiKey": former}}
    machine.user_config.write_text(json.dumps({"provider": {"gonkagate": provider}, **activation(MINIMAX)}))
    set_up(machine, "--scope", "user", "--model", KIMI)
    undo(machine)
    value = read(machine.user_config)
    assert value["provider"]["gonkagate"]["options"]["apiKey"] == BINDING
    assert value["model"] == f"gonkagate/{MINIMAX}"
    starts(machine)


def test_a_dry_run_shows_the_diff_and_changes_nothing(machine: Machine) -> None:
    set_up(machine, "--scope", "user")
    before = ours(machine)
    done = machine.run_setup("undo", "--dry-run")
    assert done.status == 0, done.output
    assert "+++ /dev/null" in done.stdout
    assert f"  remove     {machine.user_config}" in done.stderr
    report = machine.run_setup("undo", "--dry-run", "--json").json
    assert (report["status"], report["changed"]) == ("dry_run", True)
    assert "+++ /dev/null" in report["diff"]
    assert ours(machine) == before


def test_without_a_terminal_consent_has_to_be_given(machine: Machine) -> None:
    set_up(machine, "--scope", "user")
    before = ours(machine)
    done = machine.run_setup("undo", "--json")
    assert (done.status, done.json["errorCode"]) == (2, "consent_required")
    assert ours(machine) == before


def test_a_record_that_is_none_is_refused(machine: Machine) -> None:
    set_up(machine, "--scope", "user")
    history(machine).write_text('{"version": 99}')
    before = ours(machine)
    report = undo(machine, status=5)
    assert report["errorCode"] == "undo_record_unusable"
    assert report["where"]["file"] == str(history(machine))
    assert ours(machine) == before
