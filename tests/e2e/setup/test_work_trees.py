"""Linked work trees, submodules and a moved config folder: where opencode itself looks, each layout.

`debug config` shows for each agent which file it came from; the survey has to have read just the same ones.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from foundation.host import Host
from gonkagate_setup.catalog import GONKAGATE
from gonkagate_setup.choice import Scope
from opencode_config.layers import merge
from opencode_config.places import Environment
from opencode_config.program.surveying import take_survey
from scripts.lib import opencode_versions
from tests.support.machine import Machine
from tests.support.oracle.machine import SCHEMA, SELECTED, Case, without_catalogue

# What is read in a folder below the root of a work tree, besides the user's config.
READ = {"root", "dot", "inner", "inner_dot", "user"}
NEVER = {"outer", "outer_dot", "above"}


def agent(path: Path, name: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    value = {**SCHEMA, "agent": {name: {"description": "x", "model": f"from/{name}"}}}
    path.write_text(json.dumps(value))


@pytest.mark.parametrize(
    "version",
    [
        pytest.param(version, marks=() if version == opencode_versions.NEWEST else pytest.mark.deep)
        for version in opencode_versions.SUPPORTED
    ],
)
@pytest.mark.parametrize(
    ("layout", "moved"),
    [("worktree", False), ("submodule", True)],
    ids=["worktree", "submodule and XDG_CONFIG_HOME"],
)
def test_only_its_own_files_are_read(machine: Machine, version: str, layout: str, moved: bool) -> None:
    machine.use_opencode(opencode_versions.executable(version))
    case = Case(machine, layout, Scope.USER, [])
    case.lay_out()
    assert case.outer is not None
    assert (case.root / ".git").is_file(), "a linked work tree and a submodule have a file there"
    cwd = case.root / "deep"
    environ = case.environ
    folder = machine.config_folder
    if moved:
        environ["XDG_CONFIG_HOME"] = str(machine.home / "moved")
        folder = machine.home / "moved" / "opencode"
        agent(machine.config_folder / "opencode.json", "unmoved")
    for name, place in {
        "user": folder,
        "root": case.root,
        "dot": case.root / ".opencode",
        "inner": cwd,
        "inner_dot": cwd / ".opencode",
        "outer": case.outer,
        "outer_dot": case.outer / ".opencode",
        "above": machine.home,
    }.items():
        agent(place / "opencode.json", name)
    done = machine.run([str(machine.bin / "opencode"), "debug", "config", "--pure"], environ=environ, cwd=cwd)
    assert done.status == 0, f"{version}: {done.output}"
    resolved = done.json["agent"]
    assert set(resolved) == READ, version
    seen = take_survey(Host(environ, machine.home, cwd, "linux"), cwd, GONKAGATE.id)
    assert seen.project_root == case.root
    mine: dict[str, Any] = merge(seen.layers(Environment.SESSION))["agent"]
    assert {name: entry["model"] for name, entry in mine.items()} == {
        name: entry["model"] for name, entry in resolved.items()
    }
    assert not NEVER & set(mine)


@pytest.mark.parametrize("layout", [pytest.param("worktree", marks=pytest.mark.deep), "submodule"])
def test_project_scope_there(machine: Machine, layout: str) -> None:
    """The project's file goes to the root of the linked work tree or submodule, and opencode uses it."""
    case = Case(machine, layout, Scope.PROJECT, [])
    case.lay_out()
    done = machine.run_setup(
        *("--yes", "--json", "--scope", "project", "--model", SELECTED, "--api-key-stdin"),
        stdin=machine.key,
        env=without_catalogue(machine),
        cwd=case.cwd,
    )
    assert done.status == 0, done.output
    assert (case.root / "opencode.json").exists()
    assert case.outer is not None
    assert not (case.outer / "opencode.json").exists()
    assert case.uses_gonkagate("session")
