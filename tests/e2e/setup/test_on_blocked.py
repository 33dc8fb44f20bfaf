"""--on-blocked fix and available as a script uses them: the report, the disk, and the way back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.configs import KIMI, QWEN, SCHEMA, activation, read
from tests.support.machine import Finished, Machine
from tests.support.resolving import resolving_opencode

CHOSEN = ("--yes", "--scope", "user", "--model", KIMI)
REFERENCE = f"gonkagate/{KIMI}"
# A config with what real ones have: comments, a trailing comma, tabs, several blockers.
BLOCKING = """\
{
\t// what I work with
\t"$schema": "https://opencode.ai/config.json",
\t"model": "other/model", // my own
\t"enabled_providers": ["other"],
\t"agent": {
\t\t"build": { "model": "other/model", "temperature": 0.1 },
\t},
\t"provider": { "other": { "models": { "model": {} } } },
}
"""


@pytest.fixture
def quick(machine: Machine) -> Machine:
    """A machine with an opencode that only resolves configs."""
    resolving_opencode(machine)
    machine.config_folder.mkdir(parents=True)
    return machine


def run(machine: Machine, *arguments: str, cwd: Path | None = None) -> Finished:
    return machine.run_setup(*arguments, "--json", env={"GONKAGATE_API_KEY": machine.key}, cwd=cwd)


def done(machine: Machine, *arguments: str, status: str, cwd: Path | None = None) -> dict[str, Any]:
    finished = run(machine, *arguments, cwd=cwd)
    assert (finished.status, finished.json["status"]) == (0, status), finished.output
    return finished.json


def write(path: Path, value: object) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(value if isinstance(value, str) else json.dumps(value, indent=2) + "\n")
    return path.read_bytes()


def test_fix_changes_what_is_in_the_way_and_undo_gives_every_byte_back(quick: Machine) -> None:
    before = write(quick.user_config, BLOCKING)
    report = done(quick, *CHOSEN, "--on-blocked", "fix", status="success")
    assert [(edit["key"], edit["action"], edit["code"]) for edit in report["edits"]] == [
        ("agent.build.model", "remove", "agent_model_overridden"),
        ("enabled_providers", "set", "provider_not_enabled"),
    ]
    assert {edit["file"] for edit in report["edits"]} == {str(quick.user_config)}
    assert report["blockers"] == []
    text = quick.user_config.read_text()
    assert '["other", "gonkagate"]' in text
    assert '"build": { "temperature": 0.1 },' in text
    assert "// what I work with" in text
    assert done(quick, "verify", status="success")
    assert done(quick, "--yes", status="success")["changed"] is False
    assert run(quick, "undo", "--yes").status == 0
    assert quick.user_config.read_bytes() == before


def test_the_default_puts_everything_back_and_names_what_would_help(quick: Machine) -> None:
    before = write(quick.user_config, BLOCKING)
    for arguments in ((), ("--on-blocked", "rollback")):
        finished = run(quick, *CHOSEN, *arguments)
        assert finished.status == 6
        assert finished.json["edits"] == []
        assert "`--on-blocked fix` (removes agent.build.model" in finished.json["nextStep"]
        assert "adds gonkagate to enabled_providers" in finished.json["nextStep"]
        assert "`--on-blocked available`" in finished.json["nextStep"]
        assert quick.user_config.read_bytes() == before
        assert not quick.key_file.exists()


def test_a_user_and_a_project_file_that_both_block_are_both_changed(quick: Machine) -> None:
    users = write(quick.user_config, {"$schema": SCHEMA, "enabled_providers": ["other"]})
    projects = write(quick.project_config, {"$schema": SCHEMA, "enabled_providers": [], "model": "other/x"})
    report = done(quick, *CHOSEN, "--on-blocked", "fix", status="success")
    assert {(edit["layer"], edit["key"]) for edit in report["edits"]} == {
        ("user_config", "enabled_providers"),
        ("project_config", "enabled_providers"),
        ("project_config", "model"),
    }
    assert read(quick.project_config) == {"$schema": SCHEMA, "enabled_providers": ["gonkagate"]}
    assert done(quick, "--yes", cwd=quick.elsewhere, status="success")["changed"] is False
    assert run(quick, "undo", "--yes").status == 0
    assert (quick.user_config.read_bytes(), quick.project_config.read_bytes()) == (users, projects)


def test_a_setup_for_every_folder_is_no_success_where_only_this_folder_lets_it_through(
    quick: Machine,
) -> None:
    # The project's list lets GonkaGate through; the user's, which decides everywhere else, does not.
    write(quick.user_config, {"$schema": SCHEMA, "enabled_providers": ["other"]})
    write(quick.project_config, {"$schema": SCHEMA, "enabled_providers": ["other", "gonkagate"]})
    before = quick.tree()
    finished = run(quick, *CHOSEN)
    assert finished.status == 6
    assert [(one["code"], one["layer"]) for one in finished.json["blockers"]] == [
        ("provider_not_enabled", "user_config")
    ]
    assert quick.tree() == before
    report = done(quick, *CHOSEN, "--on-blocked", "fix", status="success")
    assert [edit["file"] for edit in report["edits"]] == [str(quick.user_config)]
    assert done(quick, "verify", cwd=quick.elsewhere, status="success")


def test_in_project_scope_the_users_agent_stays_and_the_projects_file_decides(quick: Machine) -> None:
    users = {"$schema": SCHEMA, "model": "other/model", "agent": {"build": {"model": "other/model"}}}
    write(quick.user_config, users)
    arguments = ("--yes", "--scope", "project", "--model", KIMI, "--on-blocked", "fix")
    report = done(quick, *arguments, status="success")
    assert [edit["file"] for edit in report["edits"]] == [str(quick.project_config)]
    assert read(quick.project_config)["agent"] == {"build": {"model": REFERENCE}}
    now = read(quick.user_config)
    now.pop("provider")
    assert now == users


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("project/.opencode/opencode.json", {"model": "other/model"}),
        ("home/.opencode/opencode.json", {"disabled_providers": ["gonkagate"]}),
        ("home/.config/opencode/agents/build.md", "---\nmodel: other/model\n---\nBuild.\n"),
    ],
    ids=["dot-opencode", "home-dot-opencode", "agent in Markdown"],
)
def test_where_another_layer_blocks_too_fix_changes_nothing(quick: Machine, path: str, value: object) -> None:
    write(quick.root / path, value)
    write(quick.user_config, BLOCKING)
    before = quick.tree()
    finished = run(quick, *CHOSEN, "--on-blocked", "fix")
    assert (finished.status, finished.json["status"]) == (6, "blocked")
    assert finished.json["edits"] == []
    assert str(quick.root / path) in {entry["file"] for entry in finished.json["blockers"]}
    assert "--on-blocked fix" not in finished.json["nextStep"]
    assert quick.tree() == before


def test_a_dry_run_shows_the_edits_and_writes_nothing(quick: Machine) -> None:
    write(quick.user_config, BLOCKING)
    before = quick.tree()
    report = done(quick, *CHOSEN, "--on-blocked", "fix", "--dry-run", status="dry_run")
    assert [edit["key"] for edit in report["edits"]] == ["agent.build.model", "enabled_providers"]
    assert '+\t"enabled_providers": ["other", "gonkagate"],' in report["diff"]
    assert quick.tree() == before


def test_what_one_edit_uncovers_is_changed_too(quick: Machine) -> None:
    agents = {"mine": {"disable": True}, "build": {"model": "other/model"}}
    write(quick.user_config, {"$schema": SCHEMA, "default_agent": "mine", "agent": agents})
    report = done(quick, *CHOSEN, "--on-blocked", "fix", status="success")
    assert {edit["key"] for edit in report["edits"]} == {"default_agent", "agent.build.model"}


def test_available_leaves_the_start_is_known_to_verify_and_kept_by_a_rerun(quick: Machine) -> None:
    before = write(quick.user_config, BLOCKING)
    report = done(quick, *CHOSEN, "--on-blocked", "available", status="available")
    assert [edit["key"] for edit in report["edits"]] == ["enabled_providers"]
    assert "opencode uses" not in report["message"]
    assert report["nextStep"] == f"opencode --model {REFERENCE}"
    text = quick.user_config.read_text()
    assert '"model": "other/model", // my own' in text
    assert '"build": { "model": "other/model", "temperature": 0.1 },' in text
    assert "small_model" not in text
    assert REFERENCE not in quick.opencode("debug", "config").stdout

    written = quick.user_config.read_bytes()
    for arguments in (
        ("verify",),
        ("--yes",),
        CHOSEN,
        (*CHOSEN, "--on-blocked", "available"),
        ("--yes", "--model", QWEN),
    ):
        again = done(quick, *arguments, status="available")
        assert again["changed"] is False
        assert "opencode uses" not in again["message"]
        assert quick.user_config.read_bytes() == written
    assert not any(model["selected"] for model in run(quick, "models").json["models"])

    assert run(quick, "undo", "--yes").status == 0
    assert quick.user_config.read_bytes() == before
    assert (
        sorted(path.name for path in quick.key_file.parent.iterdir())
        == [
            "api-key",
            "opencode-executable.json",
        ][: 1 + (quick.key_file.parent / "opencode-executable.json").exists()]
    )


def test_available_is_left_by_fix_and_comes_back_with_undo(quick: Machine) -> None:
    write(quick.user_config, BLOCKING)
    done(quick, *CHOSEN, "--on-blocked", "available", status="available")
    available = quick.user_config.read_bytes()
    done(quick, *CHOSEN, "--on-blocked", "fix", status="success")
    assert done(quick, "verify", status="success")
    assert run(quick, "undo", "--yes").status == 0
    assert quick.user_config.read_bytes() == available
    assert done(quick, "verify", status="available")


def test_another_scope_that_is_asked_for_is_more_than_available(quick: Machine) -> None:
    write(quick.user_config, {"$schema": SCHEMA, "model": "other/model", "disabled_providers": ["gonkagate"]})
    done(quick, *CHOSEN, "--on-blocked", "available", status="available")
    done(quick, "--yes", "--scope", "project", "--model", KIMI, status="success")
    assert read(quick.project_config)["model"] == REFERENCE
    assert done(quick, "verify", status="success")


def test_a_project_that_names_a_model_is_used_beside_an_available_one(quick: Machine) -> None:
    write(quick.user_config, {"$schema": SCHEMA, "model": "other/model", "disabled_providers": ["gonkagate"]})
    done(quick, *CHOSEN, "--on-blocked", "available", status="available")
    write(quick.project_config, {"$schema": SCHEMA, **activation(QWEN)})
    assert done(quick, "--yes", status="success")["scope"] == "project"
    assert done(quick, "verify", status="success")
    assert done(quick, "verify", cwd=quick.elsewhere, status="available")


def test_available_is_refused_where_opencode_would_choose_another_model_itself(quick: Machine) -> None:
    other: dict[str, Any] = {"other": {"models": {"model": {}}}}
    write(quick.user_config, {"$schema": SCHEMA, "provider": other, "disabled_providers": ["gonkagate"]})
    before = quick.tree()
    finished = run(quick, *CHOSEN, "--on-blocked", "available")
    assert (finished.status, finished.json["status"]) == (6, "blocked")
    assert [entry["code"] for entry in finished.json["blockers"]] == ["model_not_set"]
    assert "set model in" in finished.json["nextStep"]
    assert quick.tree() == before
    # A model that was chosen inside opencode stays the one that it starts with.
    write(quick.home / ".local/state/opencode/model.json", {"recent": [{"providerID": "other"}]})
    done(quick, *CHOSEN, "--on-blocked", "available", status="available")


def test_available_needs_no_edit_where_only_the_start_is_in_the_way(quick: Machine) -> None:
    write(quick.user_config, {"$schema": SCHEMA, "model": "other/model"})
    agent = quick.config_folder / "agents" / "build.md"
    write(agent, "---\nmodel: other/model\n---\nBuild.\n")
    report = done(quick, *CHOSEN, "--on-blocked", "available", status="available")
    assert report["edits"] == []
    assert read(quick.user_config)["model"] == "other/model"


@pytest.mark.parametrize("answer", ["fix", "available"])
def test_uninstall_takes_the_edits_back_in_every_folder(quick: Machine, answer: str) -> None:
    users = write(quick.user_config, {"$schema": SCHEMA, "model": "a/b", "enabled_providers": ["other"]})
    write(quick.project_config, {"$schema": SCHEMA, "enabled_providers": ["x"], "model": "a/b"})
    projects = read(quick.project_config)
    done(quick, *CHOSEN, "--on-blocked", answer, status="success" if answer == "fix" else "available")
    # A later setup has a record of its own, and the edits are still known.
    if answer == "fix":
        done(quick, "--yes", "--scope", "user", "--model", QWEN, status="success")
    assert run(quick, "uninstall", "--yes", cwd=quick.elsewhere).status == 0
    assert read(quick.project_config) == projects
    now = read(quick.user_config)
    assert now["enabled_providers"] == ["other"]
    assert answer == "fix" or quick.user_config.read_bytes() == users
    assert not (quick.home / ".gonkagate").exists()


def test_an_edit_that_was_changed_since_is_left_by_uninstall(quick: Machine) -> None:
    write(quick.user_config, {"$schema": SCHEMA, "enabled_providers": ["other"]})
    done(quick, *CHOSEN, "--on-blocked", "fix", status="success")
    value = read(quick.user_config)
    write(quick.user_config, {**value, "enabled_providers": ["other", "gonkagate", "third"]})
    finished = run(quick, "uninstall", "--yes")
    assert finished.status == 0
    assert read(quick.user_config)["enabled_providers"] == ["other", "gonkagate", "third"]
    assert "enabled_providers" in {entry["key"] for entry in finished.json["notices"]}


def test_a_preview_on_a_terminal_is_the_only_place_of_its_notices_and_a_redirected_one_is_not(
    quick: Machine,
) -> None:
    write(quick.user_config, {"$schema": SCHEMA, "agent": {"plan": {"model": "other/model"}}})
    finished = quick.run_setup(*CHOSEN, env={"GONKAGATE_API_KEY": quick.key})
    assert finished.status == 0
    # Neither stream is a terminal here: a reader of one of them has to find it there.
    assert 'the agent "plan" does not use' in finished.stdout.replace("\n    ", " ")
    assert 'the agent "plan" does not use' in finished.stderr.replace("\n    ", " ")
