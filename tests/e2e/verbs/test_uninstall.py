"""uninstall after a real setup: only what is ours goes, and opencode starts afterwards."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.configs import BINDING, KIMI, PROVIDER, QWEN, SCHEMA, activation, npm_tool_config, read
from tests.support.machine import Machine
from tests.support.refusals import ours


def set_up(machine: Machine, *arguments: str) -> None:
    done = machine.run_setup("--yes", "--json", *arguments, env={"GONKAGATE_API_KEY": machine.key})
    assert done.status == 0, done.output


def uninstall(machine: Machine, *arguments: str, status: int = 0, **how: Any) -> dict[str, Any]:
    done = machine.run_setup("uninstall", "--yes", "--json", *arguments, **how)
    assert done.status == status, done.output
    return done.json


def starts(machine: Machine) -> None:
    done = machine.opencode("debug", "config")
    assert done.status == 0, done.output


def put_key(machine: Machine) -> None:
    machine.key_file.parent.mkdir(parents=True, mode=0o700)
    machine.key_file.write_text(machine.key)
    machine.key_file.chmod(0o600)


def installed(machine: Machine, **more: Any) -> None:
    """What a setup leaves, without running one."""
    machine.config_folder.mkdir(parents=True, exist_ok=True)
    machine.user_config.write_text(
        json.dumps({"$schema": SCHEMA, "provider": {"gonkagate": PROVIDER}, **activation(KIMI), **more})
    )
    put_key(machine)


@pytest.mark.parametrize("scope", ["user", "project"])
def test_a_machine_is_as_before_the_setups(machine: Machine, scope: str) -> None:
    machine.config_folder.mkdir(parents=True)
    (machine.config_folder / "opencode.jsonc").write_text(
        '{\n  "$schema": "https://opencode.ai/config.json"\n}\n'
    )
    starts(machine)
    before = ours(machine)
    set_up(machine, "--scope", scope, "--model", KIMI)
    set_up(machine, "--scope", scope, "--model", QWEN)
    report = uninstall(machine)
    assert ours(machine) == before
    assert report["changed"] is True
    assert "cannot be checked" in report["message"]
    roles = [(file["role"], file["action"]) for file in report["files"]]
    assert ("user_config", "delete") in roles
    assert ("secret", "delete") in roles
    assert ("backup", "delete") in roles
    # Config before key, and what names a model of the provider before the provider.
    assert [role for role, _ in roles if role in ("project_config", "user_config", "secret")] == [
        *(["project_config"] if scope == "project" else []),
        "user_config",
        "secret",
    ]
    starts(machine)
    again = uninstall(machine)
    assert (again["message"], again["changed"]) == ("There is nothing to uninstall", False)
    assert ours(machine) == before


def test_it_works_without_opencode_and_after_the_npm_tool(machine: Machine) -> None:
    machine.config_folder.mkdir(parents=True)
    machine.user_config.write_text(json.dumps(npm_tool_config()))
    put_key(machine)
    copy = machine.user_config.with_name("opencode.json.bak-20260501T101112Z")
    copy.write_text("{}")
    others = [machine.config_folder / name for name in ("opencode.json.bak-mine", "x.bak-20260501T101112Z")]
    for path in others:
        path.write_text("mine")
    machine.use_opencode(None)
    report = uninstall(machine)
    assert read(machine.user_config) == {"$schema": SCHEMA, "autoupdate": False}
    assert not copy.exists()
    assert all(path.read_text() == "mine" for path in others)
    assert not (machine.home / ".gonkagate").exists()
    assert report["notices"] == []


def test_what_the_person_added_stays_and_is_named(machine: Machine) -> None:
    mine = json.loads(json.dumps(PROVIDER))
    mine["name"] = "My own name"
    mine["options"]["timeout"] = 5
    mine["models"]["extra"] = {"name": "Extra"}
    installed(machine, provider={"gonkagate": mine}, agent={"build": {"model": f"gonkagate/{KIMI}"}})
    foreign = machine.home / ".gonkagate" / "another-tool"
    foreign.mkdir()
    report = uninstall(machine)
    assert read(machine.user_config) == {
        "$schema": SCHEMA,
        "provider": {
            "gonkagate": {
                "name": "My own name",
                "options": {"timeout": 5},
                "models": {"extra": {"name": "Extra"}},
            }
        },
        "agent": {"build": {"model": f"gonkagate/{KIMI}"}},
    }
    assert {(notice["code"], notice["key"]) for notice in report["notices"]} == {
        ("uninstall_kept", "provider.gonkagate.name"),
        ("uninstall_kept", "provider.gonkagate.options.timeout"),
        ("uninstall_kept", "provider.gonkagate.models.extra.name"),
        ("uninstall_kept", "agent.build.model"),
    }
    assert all(notice["file"] == str(machine.user_config) and notice["line"] for notice in report["notices"])
    assert foreign.is_dir()
    assert not machine.key_file.parent.exists()
    starts(machine)


def test_an_activation_that_is_not_ours_stays(machine: Machine) -> None:
    installed(machine, model="gonkagate/unknown-model", small_model="other/model")
    machine.state_file.write_text(json.dumps({"selectedModelKey": "recorded", "selectedScope": "project"}))
    machine.project_config.write_text(json.dumps({"model": "gonkagate/recorded", "theme": "dark"}))
    report = uninstall(machine)
    assert read(machine.user_config) == {
        "$schema": SCHEMA,
        "model": "gonkagate/unknown-model",
        "small_model": "other/model",
    }
    assert read(machine.project_config) == {"theme": "dark"}
    assert [(notice["code"], notice["key"]) for notice in report["notices"]] == [("uninstall_kept", "model")]


def test_other_places_are_named(machine: Machine) -> None:
    installed(machine)
    inside = machine.project / ".opencode" / "opencode.json"
    inside.parent.mkdir()
    inside.write_text('{\n  "enabled_providers": ["gonkagate"],\n  "small_model": "gonkagate/kimi-k2.6"\n}')
    before = inside.read_bytes()
    report = uninstall(machine)
    assert [(n["code"], n["layer"], n["key"], n["file"], n["line"]) for n in report["notices"]] == [
        ("uninstall_elsewhere", "dot_opencode", "enabled_providers", str(inside), 2),
        ("uninstall_elsewhere", "dot_opencode", "small_model", str(inside), 3),
    ]
    assert inside.read_bytes() == before
    assert not machine.key_file.exists()


@pytest.mark.parametrize("kind", ["file", "variable", "own config"])
def test_the_key_file_stays_while_a_config_needs_it(machine: Machine, kind: str) -> None:
    text = json.dumps({"provider": {"other": {"options": {"apiKey": BINDING}}}})
    env = {}
    installed(machine)
    place = machine.home / "custom.json"
    if kind == "variable":
        env = {"OPENCODE_CONFIG_CONTENT": text}
    elif kind == "file":
        place.write_text(text.replace(BINDING, "{file:./.gonkagate/../.gonkagate/opencode/api-key}"))
        env = {"OPENCODE_CONFIG": str(place)}
    else:
        installed_value = read(machine.user_config)
        installed_value["provider"]["other"] = {"options": {"apiKey": BINDING}}
        machine.user_config.write_text(json.dumps(installed_value))
    report = uninstall(machine, env=env)
    assert machine.key_file.read_text() == machine.key
    needed = [notice for notice in report["notices"] if notice["code"] == "uninstall_key_needed"]
    names = {
        "variable": "OPENCODE_CONFIG_CONTENT",
        "file": str(place),
        "own config": str(machine.user_config),
    }
    assert [notice["file"] for notice in needed] == [names[kind]]
    assert ("secret", "keep") in [(file["role"], file["action"]) for file in report["files"]]
    done = machine.opencode("debug", "config", env=env)
    assert done.status == 0, done.output


def test_keep_key(machine: Machine) -> None:
    installed(machine)
    uninstall(machine, "--keep-key")
    assert machine.key_file.read_text() == machine.key
    assert [path.name for path in machine.key_file.parent.iterdir()] == ["api-key"]
    assert read(machine.user_config) == {"$schema": SCHEMA}


def test_a_dry_run_names_everything_and_removes_nothing(machine: Machine) -> None:
    installed(machine)
    before = ours(machine)
    done = machine.run_setup("uninstall", "--dry-run")
    assert done.status == 0, done.output
    assert f"  change     {machine.user_config}" in done.stderr
    assert f"  remove     {machine.key_file}" in done.stderr
    assert '-  "model"' in done.stdout or '-{"$schema"' in done.stdout
    assert machine.run_setup("uninstall", "--dry-run", "--json").json["status"] == "dry_run"
    assert ours(machine) == before


def test_consent_is_needed(machine: Machine) -> None:
    installed(machine)
    before = ours(machine)
    done = machine.run_setup("uninstall", "--json")
    assert (done.status, done.json["errorCode"]) == (2, "consent_required")
    assert ours(machine) == before


def test_a_config_that_cannot_be_read_stops_it(machine: Machine) -> None:
    installed(machine)
    machine.user_config.write_text('{"model": ')
    before = ours(machine)
    report = uninstall(machine, status=5)
    assert report["errorCode"] == "managed_config_parse_failed"
    assert ours(machine) == before


def test_a_config_behind_a_link_is_edited_where_it_points(machine: Machine) -> None:
    installed(machine)
    dotfiles = machine.home / "dotfiles"
    dotfiles.mkdir()
    real = dotfiles / "oc.json"
    machine.user_config.rename(real)
    machine.user_config.symlink_to(real)
    (dotfiles / "oc.json.bak-20260501T101112Z-2").write_text("{}")
    uninstall(machine)
    assert machine.user_config.is_symlink()
    assert read(real) == {"$schema": SCHEMA}
    assert sorted(path.name for path in dotfiles.iterdir()) == ["oc.json"]


def test_a_hostile_file_in_place_of_ours_is_no_detour(machine: Machine) -> None:
    installed(machine)
    outside = machine.elsewhere / "precious"
    outside.write_text("mine")
    machine.state_file.symlink_to(outside)
    before = ours(machine)
    done = machine.run_setup("uninstall", "--yes", "--json")
    assert done.status == 5, done.output
    assert ours(machine) == before
    assert Path(outside).read_text() == "mine"


def test_what_a_provider_of_ours_hides_is_kept_through_it_all(machine: Machine) -> None:
    machine.config_folder.mkdir(parents=True)
    mine = (
        '{"$schema": "https://opencode.ai/config.json", "provider": {"mine": {"npm": "x"}}, // mine\n'
        '"provider": {"gonkagate": {"api": "chat_completions"}},\n'
    )
    machine.user_config.write_text(mine + '"model": "x/y", "model": "a/b"}')
    (machine.project / "opencode.json").write_text('{"$schema": "https://opencode.ai/config.json"}\n')
    done = machine.run_setup("--yes", "--scope", "user", env={"GONKAGATE_API_KEY": machine.key})
    assert done.status == 0, done.output
    assert "provider appears in this config more than once, first on line 1" in " ".join(done.output.split())
    done = machine.run_setup("verify", "--json")
    twice = [one for one in done.json["notices"] if one["code"] == "key_stands_twice"]
    last = machine.user_config.read_text().count("\n") + 1
    assert [(one["file"], one["line"], one["key"]) for one in twice] == [
        (str(machine.user_config), 2, "provider"),
        (str(machine.user_config), last, "model"),
    ]
    set_up(machine, "--scope", "project")
    assert machine.user_config.read_text().startswith(mine.partition("\n")[0])
    preview = machine.run_setup("uninstall", "--dry-run")
    assert "provider appears twice (lines 1 and 2)" in " ".join(preview.output.split())
    uninstall(machine)
    assert machine.user_config.read_text() == (
        mine.partition("\n")[0] + '\n"provider": {},\n"model": "x/y", "model": "x/y"}'
    )
    starts(machine)


def test_a_backup_stays_while_it_alone_holds_a_comment(machine: Machine) -> None:
    machine.config_folder.mkdir(parents=True)
    text = '{"provider": {"gonkagate": {\n// work account\n"name": "GonkaGate"\n}}}\n'
    machine.user_config.write_text(text)
    former = machine.config_folder / "opencode.json.bak-20260101T000000Z"
    former.write_text("// the very first\n{}\n")
    put_key(machine)
    preview = " ".join(machine.run_setup("uninstall", "--dry-run").output.split())
    assert "comments inside the removed settings are removed too; a backup with them is kept" in preview
    report = uninstall(machine)
    assert {"path": str(former), "role": "backup", "action": "keep"}.items() <= next(
        file.items() for file in report["files"] if file["path"] == str(former)
    )
    assert former.read_text() == "// the very first\n{}\n"
    (copy,) = [path for path in machine.config_folder.glob("opencode.json.bak-*") if path != former]
    assert copy.read_text() == text
    assert not machine.key_file.exists()
