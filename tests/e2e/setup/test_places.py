"""Which folder a setup is about: somebody's project, this folder outside of git, the home folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.configs import KIMI, MINIMAX, QWEN, SCHEMA, activation, read
from tests.support.machine import Machine
from tests.support.refusals import ours, refused
from tests.support.resolving import resolving_opencode


@pytest.fixture
def quick(machine: Machine) -> Machine:
    """A machine with an opencode that only resolves configs."""
    resolving_opencode(machine)
    return machine


def set_up(machine: Machine, *arguments: str, cwd: Path | None = None) -> dict[str, Any]:
    environ = {"GONKAGATE_API_KEY": machine.key}
    done = machine.run_setup("--json", *arguments, env=environ, cwd=cwd)
    assert done.status == 0, done.output
    return done.json


def commit(machine: Machine, model: str, folder: Path | None = None) -> bytes:
    """A project file as a team has it in its repository."""
    file = (folder or machine.project) / "opencode.json"
    file.write_text(json.dumps({"$schema": SCHEMA, **activation(model)}, indent=2) + "\n")
    return file.read_bytes()


def record(machine: Machine) -> tuple[str, str]:
    value = read(machine.state_file)
    return value["selectedScope"], value["selectedModelKey"]


@pytest.mark.parametrize("arguments", [("--yes",), ("--no-input",)], ids=" ".join)
def test_a_teams_activation_and_the_setup_for_every_other_folder_both_stay(
    quick: Machine, arguments: tuple[str, ...]
) -> None:
    set_up(quick, "--yes", "--scope", "user", "--model", QWEN)
    committed = commit(quick, MINIMAX)
    users = quick.user_config.read_bytes()
    report = set_up(quick, *arguments)
    assert (report["scope"], report["modelKey"], report["changed"]) == ("project", MINIMAX, False)
    assert quick.project_config.read_bytes() == committed
    assert quick.user_config.read_bytes() == users
    assert record(quick) == ("user", QWEN)
    # Elsewhere the recommendation is still the one for every folder.
    assert set_up(quick, "--yes", cwd=quick.elsewhere)["modelKey"] == QWEN


def test_project_scope_that_was_asked_for_is_a_switch(quick: Machine) -> None:
    set_up(quick, "--yes", "--scope", "user", "--model", QWEN)
    commit(quick, MINIMAX)
    set_up(quick, "--yes", "--scope", "project")
    assert "model" not in read(quick.user_config)
    assert record(quick) == ("project", MINIMAX)


@pytest.mark.parametrize("arguments", [("--yes",), ("--no-input",)], ids=" ".join)
def test_a_colleague_needs_the_key_only(quick: Machine, arguments: tuple[str, ...]) -> None:
    committed = commit(quick, MINIMAX)
    report = set_up(quick, *arguments)
    assert (report["scope"], report["modelKey"]) == ("project", MINIMAX)
    assert quick.project_config.read_bytes() == committed
    refused(quick, "--no-input", status=2, code="model_selection_required", cwd=quick.elsewhere)


def test_a_rerun_outside_of_git_leaves_a_project_a_project(quick: Machine) -> None:
    set_up(quick, "--yes", "--scope", "project", "--model", MINIMAX, cwd=quick.elsewhere)
    before = ours(quick)
    report = set_up(quick, "--yes", cwd=quick.elsewhere)
    assert (report["scope"], report["modelKey"], report["changed"]) == ("project", MINIMAX, False)
    assert "model" not in read(quick.user_config)
    del before["home/.gonkagate/opencode/install-state.json"]
    assert before.items() <= ours(quick).items()
    # A folder that the setup record does not describe is set up for every folder, as before.
    other = quick.root / "elsewhere" / "other"
    other.mkdir()
    (quick.elsewhere / "opencode.json").unlink()
    assert set_up(quick, "--yes", cwd=other)["scope"] == "user"


def test_the_home_folder_is_no_project(quick: Machine) -> None:
    arguments = ("--scope", "project", "--model", KIMI, "--yes")
    for cwd in (quick.home, quick.root):
        report = refused(
            quick,
            *arguments,
            status=2,
            code="project_scope_unavailable",
            says=("every folder below it", "--scope user"),
            env={"GONKAGATE_API_KEY": quick.key},
            cwd=cwd,
        )
        assert report["where"]["file"] == str(cwd)
    assert set_up(quick, "--yes", cwd=quick.home)["scope"] == "user"
    assert not (quick.home / "opencode.json").exists()


def test_outside_of_git_the_preview_says_that_folders_below_are_included(quick: Machine) -> None:
    arguments = ("--scope", "project", "--model", KIMI, "--dry-run")
    outside = quick.run_setup(*arguments, cwd=quick.elsewhere).stderr
    assert "in this folder and those below it" in outside
    assert "every parent folder" in outside.replace("\n", " ")
    assert "below" not in quick.run_setup(*arguments).stderr


def test_models_marks_what_is_active_in_the_folder(quick: Machine) -> None:
    set_up(quick, "--yes", "--scope", "user", "--model", QWEN)
    commit(quick, MINIMAX)

    def selected(*arguments: str, cwd: Path | None = None) -> list[str]:
        listed = quick.run_setup("models", "--json", *arguments, cwd=cwd).json["models"]
        return [model["key"] for model in listed if model["selected"]]

    assert selected() == [MINIMAX]
    assert selected(cwd=quick.elsewhere) == [QWEN]
    assert selected("--cwd", str(quick.project), cwd=quick.elsewhere) == [MINIMAX]
    assert "MiniMax M2.7 (selected)" in quick.run_setup("models").stdout
    quick.project_config.unlink()
    quick.project_config.mkdir()
    assert selected() == []


@pytest.mark.parametrize("json_wanted", [True, False])
def test_each_backup_holds_the_former_bytes_of_its_own_file(quick: Machine, json_wanted: bool) -> None:
    # Two files of the same name in both layers, so that a copy can be taken for the other's.
    quick.config_folder.mkdir(parents=True)
    quick.user_config.write_text('{"theme": "dark", "model": "gonkagate/kimi-k2.6"}\n')
    former = {str(quick.user_config): quick.user_config.read_bytes()}
    quick.project_config.write_text('{"permission": {"bash": "ask"}}\n')
    former[str(quick.project_config)] = quick.project_config.read_bytes()
    environ = {"GONKAGATE_API_KEY": quick.key}
    arguments = ("--yes", "--scope", "project", "--model", KIMI)
    if json_wanted:
        done = quick.run_setup(*arguments, "--json", env=environ)
        named = {file["path"]: file["backup"] for file in done.json["files"] if file["backup"]}
    else:
        lines = quick.run_setup(*arguments, env=environ).stdout.splitlines()
        named = {
            before.split()[-1]: line.split("backup: ")[1]
            for before, line in zip(lines, lines[1:])
            if "backup: " in line
        }
    assert {path: Path(backup).read_bytes() for path, backup in named.items()} == former


def test_a_block_without_anybody_to_ask_names_the_other_way(quick: Machine) -> None:
    quick.project_config.write_text('{"$schema": "x", "model": "other/model"}\n')
    environ = {"GONKAGATE_API_KEY": quick.key}
    arguments = ("--yes", "--scope", "user", "--model", KIMI)
    done = quick.run_setup(*arguments, env=environ)
    assert done.status == 6
    assert "next: remove model from" in done.stdout
    assert done.stdout.rstrip().endswith("run this command again with `--on-blocked keep`")
    assert "--on-blocked keep" in quick.run_setup(*arguments, "--json", env=environ).json["nextStep"]
    # The files that the setup had made were not there before.
    assert "removed again" in done.stdout
    assert "put back   " not in done.stdout
    kept = quick.run_setup(*arguments, "--on-blocked", "keep", env=environ)
    assert kept.status == 6
    assert "--on-blocked" not in kept.stdout


def test_uninstall_after_undo_takes_the_config_that_a_setup_made(quick: Machine) -> None:
    set_up(quick, "--yes", "--scope", "user", "--model", KIMI)
    set_up(quick, "--yes", "--scope", "user", "--model", QWEN)
    assert quick.run_setup("undo", "--yes").status == 0
    assert read(quick.user_config)["model"] == f"gonkagate/{KIMI}"
    assert "There is nothing to undo" in quick.run_setup("undo", "--yes").stdout
    assert quick.run_setup("uninstall", "--yes").status == 0
    assert not quick.user_config.exists()
    assert not (quick.home / ".gonkagate").exists()


def test_times_are_local_and_without_milliseconds(quick: Machine) -> None:
    set_up(quick, "--yes", "--scope", "user")
    history = quick.key_file.with_name("last-change.json")
    value = read(history)
    history.write_text(json.dumps({**value, "at": "2026-01-31T23:30:00.123Z"}))
    done = quick.run_setup("undo", "--dry-run", env={"TZ": "Asia/Tokyo"})
    assert "Undo the setup of 2026-02-01 08:30:00\n" in done.stderr, done.output
