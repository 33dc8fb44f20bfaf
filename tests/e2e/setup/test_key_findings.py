"""What there is to know about the key's file, through the real setup."""

from __future__ import annotations

import subprocess
from typing import Any

from tests.support.machine import Machine


def notices(report: dict[str, Any]) -> list[tuple[str, str | None]]:
    return [(notice["code"], notice["nextStep"]) for notice in report["notices"]]


def test_a_home_that_is_a_repository_is_told_the_exact_ignore_line(machine: Machine) -> None:
    subprocess.run(["git", "init", "-q", str(machine.home)], check=True)
    done = machine.run_setup("--yes", "--json", "--scope", "user", "--api-key-stdin", stdin=machine.key)
    assert done.status == 0, done.output
    line = f"add this line to {machine.home / '.gitignore'}: /.gonkagate/"
    assert ("key_in_work_tree", line) in notices(done.json)
    (machine.home / ".gitignore").write_text("/.gonkagate/\n")
    again = machine.run_setup("--yes", "--json", "--scope", "user")
    assert again.status == 0, again.output
    assert "key_in_work_tree" not in dict(notices(again.json))


def test_a_drifted_mode_is_repaired_in_place(machine: Machine) -> None:
    machine.run_setup("--yes", "--json", "--scope", "user", "--api-key-stdin", stdin=machine.key)
    machine.key_file.chmod(0o644)
    done = machine.run_setup("--yes", "--json", "--scope", "user")
    assert done.status == 0, done.output
    actions = {file["role"]: file["action"] for file in done.json["files"]}
    assert actions["secret"] == "protect"
    assert machine.key_file.stat().st_mode & 0o777 == 0o600


def test_a_key_in_the_projects_config_is_named_and_never_printed(machine: Machine) -> None:
    subprocess.run(["git", "init", "-q", str(machine.project)], check=True)
    machine.project_config.write_text('{"instructions": ["' + machine.key + '"]}')
    machine.allow_key_in(machine.project_config)
    setup = ("--yes", "--json", "--scope", "user")
    place = (str(machine.project_config), "instructions.0")
    for arguments in ((*setup, "--dry-run"), setup, ("verify", "--json")):
        done = machine.run_setup(*arguments, env={"GONKAGATE_API_KEY": machine.key})
        assert done.status == 0, done.output
        found = [one for one in done.json["notices"] if one["code"] == "key_in_committed_file"]
        assert [(one["file"], one["key"]) for one in found] == [place]
        assert machine.key not in done.output


def test_the_npm_tools_copies_of_former_keys_go_with_a_rotation(machine: Machine) -> None:
    former = machine.key
    setup = ("--yes", "--json", "--scope", "user")
    machine.run_setup(*setup, "--api-key-stdin", stdin=former)
    copies = [machine.key_file.with_name(f"api-key.bak-20260501T10111{n}Z") for n in range(2)]
    other = machine.key_file.with_name("api-key.bak-of-mine")
    for path in (*copies, other):
        path.write_text(former)
    machine.allow_key_in(other)
    kept = machine.run_setup(*setup)
    assert all(path.exists() for path in copies), kept.output
    planned = machine.run_setup(
        *setup[:1], "--scope", "user", "--dry-run", "--api-key-stdin", stdin=machine.new_key()
    )
    assert f"remove     {copies[0]}" in planned.output
    done = machine.run_setup(*setup, "--api-key-stdin", stdin=machine.new_key())
    assert done.status == 0, done.output
    gone = [
        file["path"] for file in done.json["files"] if (file["role"], file["action"]) == ("backup", "delete")
    ]
    assert gone == [str(path) for path in copies]
    assert sorted(path.name for path in machine.key_file.parent.glob("*.bak-*")) == [other.name]
