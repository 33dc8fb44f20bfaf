"""Where opencode reads config, how it merges, and what a survey makes of files: on values, without a disk."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import PurePath, PurePosixPath, PureWindowsPath
from typing import Any

import pytest

from foundation.errors import Refusal
from opencode_config import file_values
from opencode_config.agent_files import Entry, entry, is_entry_file
from opencode_config.layers import Layer, leaves, lookup, merge
from opencode_config.places import Environment, Kind, Place, Surroundings, places
from opencode_config.survey import Reading
from tests.support.surveying import HOME, PROJECT_FILE, ROOT, USER_FILE, survey


def around(environ: dict[str, str] | None = None, **changes: Any) -> Surroundings:
    return replace(Surroundings(environ or {}, HOME, ROOT, ROOT, "linux"), **changes)


def files(found: tuple[Place, ...], *layers: str) -> list[str]:
    return [str(place.path) for place in found if place.kind is Kind.FILE and place.layer in layers]


def test_the_order_of_the_layers() -> None:
    environ = {"OPENCODE_CONFIG": "/c", "OPENCODE_CONFIG_DIR": "/d", "OPENCODE_CONFIG_CONTENT": "{}"}
    assert list(dict.fromkeys(place.layer for place in places(around(environ)))) == [
        "well_known",
        "user_config",
        "OPENCODE_CONFIG",
        "project_config",
        "agent_markdown",
        "dot_opencode",
        "home_dot_opencode",
        "OPENCODE_CONFIG_DIR",
        "OPENCODE_CONFIG_CONTENT",
        "organisation_account",
        "system_managed_config",
        "plugin",
    ]


def test_project_files_go_down_and_dot_folders_up() -> None:
    found = places(around(cwd=ROOT / "a/b"))
    assert files(found, "project_config") == [
        f"{ROOT}{folder}/opencode.{kind}" for folder in ("", "/a", "/a/b") for kind in ("json", "jsonc")
    ]
    assert files(found, "dot_opencode")[::2] == [
        f"{ROOT}{folder}/.opencode/opencode.json" for folder in ("/a/b", "/a", "")
    ]


def test_outside_git_every_folder_up_to_the_root_is_read() -> None:
    found = files(places(around(worktree=None)), "project_config")
    assert found[:2] == ["/opencode.json", "/opencode.jsonc"]
    assert f"{HOME}/opencode.json" in found
    # ~/.opencode is met on the way up; it is read once, at that place.
    assert files(places(around(worktree=None)), "home_dot_opencode") == [
        f"{HOME}/.opencode/opencode.json",
        f"{HOME}/.opencode/opencode.jsonc",
    ]


@pytest.mark.parametrize(
    ("value", "read"), [("1", False), ("TRUE", False), ("yes", True), ("0", True), ("", True)]
)
def test_switching_the_project_off_leaves_the_home_folder(value: str, read: bool) -> None:
    found = places(around({"OPENCODE_DISABLE_PROJECT_CONFIG": value}))
    assert bool(files(found, "project_config", "dot_opencode")) is read
    assert files(found, "home_dot_opencode") != []


def test_what_each_environment_leaves_out() -> None:
    environ = {
        "OPENCODE_CONFIG": "/c",
        "OPENCODE_CONFIG_DIR": "/d",
        "OPENCODE_CONFIG_CONTENT": "{}",
        "OPENCODE_DISABLE_PROJECT_CONFIG": "1",
        "OPENCODE_PERMISSION": "{}",
        "XDG_CONFIG_HOME": "/x",
    }
    assert sorted(Environment.DURABLE.select(environ)) == [
        "OPENCODE_CONFIG",
        "OPENCODE_CONFIG_DIR",
        "XDG_CONFIG_HOME",
    ]
    assert sorted(Environment.FRESH.select(environ)) == ["XDG_CONFIG_HOME"]
    assert Environment.SESSION.select(environ) == environ
    assert files(places(around(environ), Environment.FRESH), "project_config") != []


@pytest.mark.parametrize("empty", ["OPENCODE_CONFIG", "OPENCODE_CONFIG_DIR", "OPENCODE_CONFIG_CONTENT"])
def test_an_empty_variable_counts_as_unset(empty: str) -> None:
    assert places(around({empty: ""})) == places(around())


def test_named_files_are_relative_to_the_working_folder_and_not_expanded() -> None:
    environ = {"OPENCODE_CONFIG": "~/c.json", "OPENCODE_CONFIG_DIR": "d"}
    found = places(around(environ))
    assert files(found, "OPENCODE_CONFIG") == [f"{ROOT}/~/c.json"]
    assert files(found, "OPENCODE_CONFIG_DIR") == [f"{ROOT}/d/opencode.json", f"{ROOT}/d/opencode.jsonc"]


def test_xdg_config_home_moves_the_user_folder_and_an_empty_one_does_not() -> None:
    assert str(around({"XDG_CONFIG_HOME": "/x"}).user_folder) == "/x/opencode"
    assert str(around({"XDG_CONFIG_HOME": "x"}).user_folder) == f"{ROOT}/x/opencode"
    assert str(around({"XDG_CONFIG_HOME": ""}).user_folder) == f"{HOME}/.config/opencode"


@pytest.mark.parametrize(
    ("platform", "environ", "folder"),
    [
        ("linux", {}, "/etc/opencode"),
        ("darwin", {}, "/Library/Application Support/opencode"),
        ("win32", {"PROGRAMDATA": "D:\\Data"}, "D:\\Data\\opencode"),
        ("win32", {}, "C:\\ProgramData\\opencode"),
        ("linux", {"OPENCODE_TEST_MANAGED_CONFIG_DIR": "/m"}, "/m"),
    ],
)
def test_the_managed_folder(platform: str, environ: dict[str, str], folder: str) -> None:
    changes: dict[str, Any] = {"platform": platform}
    if platform == "win32":
        changes.update(home=PureWindowsPath("C:\\Users\\mia"), cwd=PureWindowsPath("C:\\p"), worktree=None)
    found = files(places(around(environ, **changes)), "system_managed_config")
    assert [name[: len(folder)] for name in found] == [folder] * 2


def test_managed_preferences_of_a_mac_are_above_the_managed_folder() -> None:
    found = places(around({"USER": "mia"}, platform="darwin"))
    assert [str(place.path) for place in found if place.kind is Kind.PREFERENCES] == [
        "/Library/Managed Preferences/mia/ai.opencode.managed.plist",
        "/Library/Managed Preferences/ai.opencode.managed.plist",
    ]
    assert [place.layer for place in found][-3:] == ["managed_preferences", "managed_preferences", "plugin"]


def test_only_the_first_managed_preferences_count() -> None:
    first, second = (
        "/Library/Managed Preferences/mia/ai.opencode.managed.plist",
        "/Library/Managed Preferences/ai.opencode.managed.plist",
    )
    seen = survey({first: {"model": "a/b"}, second: {"model": "c/d"}}, {"USER": "mia"}, platform="darwin")
    assert [layer.name for layer in seen.layers(Environment.DURABLE)] == [first]


# -- merging


def layer(value: dict[str, Any]) -> Layer:
    return Layer(Place("x", Kind.FILE), "x", value=value)


def test_objects_merge_deeply_and_everything_else_is_replaced() -> None:
    low = {"a": {"b": 1, "c": [1, 2]}, "d": {"e": 1}, "f": 1}
    high = {"a": {"c": [3]}, "d": 2, "f": {"g": 1}}
    assert merge([layer(low), layer(high)]) == {"a": {"b": 1, "c": [3]}, "d": 2, "f": {"g": 1}}
    assert low == {"a": {"b": 1, "c": [1, 2]}, "d": {"e": 1}, "f": 1}


def test_plugins_and_instructions_are_joined() -> None:
    merged = merge([layer({"plugin": ["a", "b"], "instructions": ["x"]}), layer({"plugin": ["b", "c"]})])
    assert merged == {"plugin": ["a", "b", "c"], "instructions": ["x"]}


def test_a_mode_wins_over_an_agent() -> None:
    merged = merge(
        [layer({"mode": {"build": {"model": "m"}}}), layer({"agent": {"build": {"model": "a", "x": 1}}})]
    )
    assert merged["agent"] == {"build": {"model": "m", "x": 1, "mode": "primary"}}


def test_deep_nesting_needs_no_recursion() -> None:
    deep: dict[str, Any] = {}
    for _ in range(5_000):
        deep = {"a": deep}
    ((path, value),) = leaves(merge([layer(deep), layer(deep)]))
    assert (len(path), value) == (5_000, {})


def test_lookup_and_leaves() -> None:
    value = {"a": {"b": [1]}, "c": {}, "d": None}
    assert list(leaves(value)) == [(("a", "b"), [1]), (("c",), {}), (("d",), None)]
    assert lookup(value, ("a", "b")) == [1]
    assert lookup(value, ("a", "x")) is lookup(value, ("d", "x"))


# -- surveys


def test_a_replaced_text_is_what_the_layers_then_show() -> None:
    seen = survey({USER_FILE: {"model": "a/b"}})
    changed = seen.replace(
        {PurePosixPath(USER_FILE): b'{"model": "c/d"}', PurePosixPath(PROJECT_FILE): b"{}"}
    )
    assert merge(changed.layers(Environment.DURABLE))["model"] == "c/d"
    assert [entry.name for entry in changed.layers(Environment.DURABLE)] == [USER_FILE, PROJECT_FILE]
    gone = seen.replace({PurePosixPath(USER_FILE): None})
    assert gone.layers(Environment.DURABLE) == ()
    assert merge(seen.layers(Environment.DURABLE))["model"] == "a/b"


def test_a_refused_target_is_raised_only_when_it_is_asked_for() -> None:
    refusal = Refusal("managed_config_read_failed", "it is a folder", next_step="remove it")
    seen = survey({})
    seen = replace(seen, readings={**seen.readings, PurePosixPath(USER_FILE): Reading.refused(refusal)})
    assert [entry.problem.reason for entry in seen.layers(Environment.FRESH) if entry.problem] == [
        "it is a folder"
    ]
    assert len(seen.project_files) == 2
    with pytest.raises(Refusal) as caught:
        assert seen.user_files
    assert caught.value is refusal


@pytest.mark.parametrize("bad", [b"", b"{ /* open", b"[]", b"\xff\xfe{\x00}\x00", b"{'a': 1}"])
def test_a_text_that_opencode_refuses_is_a_problem_and_never_a_crash(bad: bytes) -> None:
    seen = survey({PROJECT_FILE: "{}"}).replace({PurePosixPath(PROJECT_FILE): bad})
    (found,) = seen.layers(Environment.DURABLE)
    assert (found.problem is None) is (bad == b"")


def test_bytes_that_are_not_utf8_are_read_as_opencode_reads_them() -> None:
    seen = survey({PROJECT_FILE: "{}"}).replace({PurePosixPath(PROJECT_FILE): b'{"model": "a/\xff"}'})
    (found,) = seen.layers(Environment.DURABLE)
    assert (found.problem, found.value) == (None, {"model": "a/\ufffd"})


def test_a_variable_is_filled_into_the_text_before_it_is_parsed() -> None:
    text = '{"model": "{env:M}", "n": {env:N}, "gone": "{env:NOWHERE}"}'
    seen = survey({PROJECT_FILE: text}, {"M": 'a/b", "injected": "yes', "N": "5"})
    (found,) = seen.layers(Environment.DURABLE)
    assert found.value == {"model": "a/b", "injected": "yes", "n": 5, "gone": ""}
    assert found.references == {"M", "N", "NOWHERE"}


def test_the_users_own_file_on_another_road_is_the_user_layer() -> None:
    seen = survey({PROJECT_FILE: "{}"}, {"OPENCODE_CONFIG": USER_FILE})
    seen = seen.replace({PurePosixPath(USER_FILE): b'{"model": "a/b"}'})
    assert {entry.layer for entry in seen.layers(Environment.SESSION) if entry.name == USER_FILE} == {
        "user_config"
    }


def test_inline_text_that_does_not_parse_is_a_problem_of_that_layer() -> None:
    seen = survey({}, {"OPENCODE_CONFIG_CONTENT": " "})
    (found,) = seen.layers(Environment.SESSION)
    assert (found.layer, found.problem is None) == ("OPENCODE_CONFIG_CONTENT", False)


# -- agents in Markdown


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("agent/build.md", "build"),
        ("agents/team/review.md", "team/review"),
        ("mode/plan.md", "plan"),
        ("modes/deep/plan.md", None),
        ("agents/build.txt", None),
        ("build.md", None),
        ("command/fix.md", "fix"),
        ("commands/team/fix.md", "team/fix"),
        ("other/build.md", None),
    ],
)
def test_which_files_are_agents(path: str, name: str | None) -> None:
    relative = PurePath(path)
    assert is_entry_file(relative) is (name is not None)
    if name is not None:
        assert entry(relative, "").name == name


def test_the_front_matter_of_an_agent() -> None:
    text = "---\r\ndescription: model: no\r\nmodel: 'a/b' # why\r\ndisable: true\r\n---\r\nmodel: c/d\r\n"
    assert entry(PurePath("mode/plan.md"), text) == Entry(
        "agent",
        "plan",
        {"model": "a/b", "disable": True, "mode": "primary"},
        {"model": 3, "disable": 4},
    )
    assert entry(PurePath("agent/x.md"), "model: a/b\n") == Entry("agent", "x", {}, {})
    assert entry(PurePath("agent/x.md"), "---\nname: y\nmodel: a/b\n---\n").name == "y"
    assert entry(PurePath("commands/a/b.md"), "---\nmodel: a/b\n---\n").kind == "command"


def test_an_agent_keeps_json_around() -> None:
    path = f"{ROOT}/.opencode/agents/build.md"
    seen = survey({path: "---\nmodel: a/b\n---\n", PROJECT_FILE: json.dumps({"agent": {"build": {"x": 1}}})})
    assert merge(seen.layers(Environment.DURABLE))["agent"]["build"] == {"x": 1, "model": "a/b"}


def test_an_agent_without_a_word_about_it_is_an_agent_all_the_same() -> None:
    path = f"{ROOT}/.opencode/agent/quiet.md"
    seen = survey({path: "---\ndescription: d\n---\n"})
    assert merge(seen.layers(Environment.DURABLE)) == {"agent": {"quiet": {}}}


def test_a_mode_is_a_primary_agent() -> None:
    config = {"agent": {"x": {"mode": "subagent"}}, "mode": {"x": {"model": "a/b"}}}
    agents = merge(survey({PROJECT_FILE: config}).layers(Environment.DURABLE))["agent"]
    assert agents == {"x": {"mode": "primary", "model": "a/b"}}


def test_the_names_of_opencode_2_are_read_as_opencode_1_reads_them() -> None:
    """Source of 1.18.33: an entry of the same file under its V1 name is kept; others are added behind."""
    config = {
        "model": {"providerID": "a", "model": "b", "variant": "high"},
        "agents": {"build": {"model": "c/d#high", "disabled": True}, "plan": {"model": "no/no"}},
        "agent": {"plan": {"model": "e/f"}},
        "commands": {"fix": {"model": {"providerID": "g", "model": "h"}}},
        "providers": {"gonkagate": {"api": "x"}},
    }
    (found,) = survey({PROJECT_FILE: config}).layers(Environment.DURABLE)
    assert found.value["model"] == "a/b"
    assert found.value["agent"] == {"plan": {"model": "e/f"}, "build": {"model": "c/d", "disable": True}}
    assert found.value["command"] == {"fix": {"model": "g/h"}}
    assert "provider" not in found.value
    assert found.spelled(("agent", "build", "disable")) == ("agents", "build", "disabled")
    assert found.spelled(("agent", "plan", "model")) == ("agent", "plan", "model")
    assert found.locate(("agent", "build", "model")).line == 9


def test_the_homes_own_folder_has_its_name_also_on_the_way_up() -> None:
    seen = survey({f"{HOME}/.opencode/opencode.json": {"model": "a/b"}}, worktree=None)
    (found,) = seen.layers(Environment.DURABLE)
    assert found.layer == "home_dot_opencode"


@pytest.mark.parametrize(("named", "last"), [(".opencode", True), (f"{ROOT}/.opencode", False)])
def test_a_folder_that_the_variable_spells_differently_is_read_again_at_the_end(
    named: str, last: bool
) -> None:
    """opencode compares the names as texts: tried with 1.18.33."""
    files = {
        f"{ROOT}/.opencode/opencode.json": {"model": "a/b"},
        f"{HOME}/.opencode/opencode.json": {"model": "c/d"},
    }
    seen = survey(files, {"OPENCODE_CONFIG_DIR": named})
    assert merge(seen.layers(Environment.SESSION))["model"] == ("a/b" if last else "c/d")


def test_a_judged_value_from_a_file_is_what_the_file_says_and_no_other_file_is_looked_up() -> None:
    """opencode 1.18.33 puts the trimmed text in; `~/` is the home, all else is beside the config."""
    config = {
        "model": "{file:~/m}",
        "small_model": "a/{file:./part}",
        "enabled_providers": ["x", "{file:/abs}"],
        "provider": {
            "gonkagate": {
                "options": {"baseURL": "{file:gone}", "apiKey": "{file:~/key}", "headers": {"h": "{file:h}"}}
            },
            "other": {"options": {"apiKey": "{file:~/other}"}},
        },
    }
    plain = survey({PROJECT_FILE: config})
    (layer,) = plain.layers(Environment.DURABLE)
    assert sorted(file_values.arguments(layer.value, "gonkagate")) == ["./part", "/abs", "gone", "~/m"]
    texts: dict[PurePath, str] = {HOME / "m": "a/b", ROOT / "./part": "c", PurePosixPath("/abs"): "gonkagate"}
    (layer,) = replace(plain, referred=texts).layers(Environment.DURABLE)
    assert layer.value["model"] == "a/b"
    assert layer.value["small_model"] == "a/c"
    assert layer.value["enabled_providers"] == ["x", "gonkagate"]
    assert layer.value["provider"] == config["provider"]
    assert layer.written(("model",), None) == "{file:~/m}"
