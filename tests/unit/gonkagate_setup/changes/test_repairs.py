"""The smallest edit after which nothing is in the way, on values alone: which file, key and bytes."""

from __future__ import annotations

import json
from pathlib import PurePosixPath
from typing import Any

import pytest

from gonkagate_setup.changes import repairs
from gonkagate_setup.changes.repairs import Proposal, propose
from gonkagate_setup.choice import Scope
from gonkagate_setup.judgement.verdict import Expectation, predict
from opencode_config.jsonc.operations import Remove, Set
from opencode_config.layers import merge
from opencode_config.places import Environment
from opencode_config.survey import Survey
from tests.support.surveying import (
    ACTIVE,
    HOME,
    INSTALLED,
    MODEL,
    PROJECT_FILE,
    REFERENCE,
    ROOT,
    USER_FILE,
    USER_JSONC,
    expectation,
    survey,
)

GOOD = {**INSTALLED, **ACTIVE}
OWN = ("provider", "gonkagate")


def within(value: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The value with keys of the provider beside those of the catalogue."""
    copy: dict[str, Any] = json.loads(json.dumps(value))
    copy["provider"]["gonkagate"].update(more)
    return copy


def proposal(seen: Survey, wanted: Expectation | None = None) -> Proposal:
    wanted = wanted or expectation()
    blockers = [one for one in predict(wanted, seen) if one.blocks]
    target = PurePosixPath(PROJECT_FILE) if wanted.scope is Scope.PROJECT else None
    return propose(wanted, seen, blockers, HOME, target)


def edited(files: dict[str, Any], **kw: Any) -> dict[str, str]:
    """The texts of the edited files, after checking that nothing blocks any more."""
    seen = survey(files, **{key: kw.pop(key) for key in ("environ", "cwd", "worktree") if key in kw})
    wanted = kw.pop("wanted", None) or expectation()
    found = proposal(seen, wanted)
    assert found.left == ()
    texts = repairs.texts_after(found.repairs)
    after = seen.replace(texts)
    assert [one for one in predict(wanted, after) if one.blocks] == []
    return {str(path): (text or b"").decode() for path, text in texts.items()}


def changed(before: str, after: str) -> tuple[list[str], list[str]]:
    """The lines that are no longer there, and those that are new."""
    old, new = before.splitlines(), after.splitlines()
    return [line for line in old if line not in new], [line for line in new if line not in old]


@pytest.mark.parametrize(
    ("more", "gone", "new"),
    [
        ({"enabled_providers": ["openai"]}, ['    "openai"'], ['    "openai",', '    "gonkagate"']),
        (
            {"enabled_providers": []},
            ['  "enabled_providers": []'],
            ['  "enabled_providers": [', '    "gonkagate"', "  ]"],
        ),
        ({"disabled_providers": ["gonkagate", "x"]}, ['    "gonkagate",'], []),
        ({"agent": {"build": {"model": "a/b", "color": "x"}}}, ['      "model": "a/b",'], []),
        ({"mode": {"build": {"model": "a/b", "color": "x"}}}, ['      "model": "a/b",'], []),
        ({"agents": {"build": {"model": "a/b", "color": "x"}}}, ['      "model": "a/b",'], []),
        ({"default_agent": "nobody", "theme": "x"}, ['  "default_agent": "nobody",'], []),
    ],
    ids=["allow", "allow nobody", "deny", "agent", "mode", "agent of opencode 2", "default agent"],
)
def test_the_line_that_is_in_the_way_changes_and_no_other(
    more: dict[str, Any], gone: list[str], new: list[str]
) -> None:
    before = json.dumps({**GOOD, **more}, indent=2)
    after = edited({USER_FILE: before})[USER_FILE]
    assert changed(before, after) == (gone, new)


@pytest.mark.parametrize(
    ("more", "operation"),
    [
        ({"whitelist": ["other"]}, Set((*OWN, "whitelist"), ["other", MODEL])),
        ({"blacklist": [MODEL, "other"]}, Set((*OWN, "blacklist"), ["other"])),
    ],
)
def test_a_list_of_the_providers_models_keeps_what_else_it_holds(
    more: dict[str, Any], operation: Set
) -> None:
    found = proposal(survey({USER_FILE: within(GOOD, **more)}))
    assert [one.operation for one in found.repairs] == [operation]


@pytest.mark.parametrize("key", ["whitelist", "blacklist"])
def test_a_list_that_a_project_adds_to_the_provider_is_removed(key: str) -> None:
    files = {
        USER_FILE: GOOD,
        PROJECT_FILE: {"provider": {"gonkagate": {key: [MODEL if key[0] == "b" else "x"]}}},
    }
    assert json.loads(edited(files)[PROJECT_FILE]) == {"provider": {"gonkagate": {}}}


def test_a_status_that_hides_the_model_is_removed() -> None:
    value = json.loads(json.dumps(GOOD))
    value["provider"]["gonkagate"]["models"][MODEL]["status"] = "deprecated"
    found = proposal(survey({USER_FILE: value}))
    assert [one.operation for one in found.repairs] == [Remove((*OWN, "models", MODEL, "status"))]


def test_an_agent_list_in_markdown_is_named_and_left_alone() -> None:
    agent = str(HOME / ".config/opencode/agents/build.md")
    found = proposal(survey({USER_FILE: GOOD, agent: "---\nmodel: a/b\n---\nBuild.\n"}))
    assert found.repairs == ()
    assert [one.path for one in found.left] == [agent]


@pytest.mark.parametrize(
    ("path", "environ"),
    [
        (str(ROOT / ".opencode/opencode.json"), {}),
        (str(HOME / ".opencode/opencode.json"), {}),
        ("/etc/opencode/opencode.json", {}),
        ("/custom.json", {"OPENCODE_CONFIG": "/custom.json"}),
    ],
)
def test_another_layer_is_never_edited(path: str, environ: dict[str, str]) -> None:
    files = {USER_FILE: GOOD, path: {"model": "a/b"}}
    found = proposal(survey(files, environ))
    assert found.repairs == ()
    assert [one.path for one in found.left] == [path]


def test_keys_that_appear_more_than_once_get_the_value_that_does_no_harm() -> None:
    text = json.dumps(GOOD, indent=2)[:-2]
    before = text + ',\n  "agent": {"build": {"model": "a/b", "model": "c/d"}}\n}\n'
    after = edited({USER_FILE: before})[USER_FILE]
    assert after == before.replace('"c/d"', json.dumps(REFERENCE))


def test_a_list_that_appears_twice_is_edited_where_it_counts() -> None:
    text = json.dumps(GOOD, indent=2)[:-2]
    before = text + ',\n  "disabled_providers": ["x"],\n  "disabled_providers": ["gonkagate"]\n}\n'
    after = edited({USER_FILE: before})[USER_FILE]
    assert after == before.replace('["gonkagate"]', "[]")


def test_a_value_in_a_variable_is_found_by_what_it_stands_for() -> None:
    before = json.dumps({**GOOD, "disabled_providers": ["{env:P}", "x"]}, indent=2)
    after = edited({USER_FILE: before}, environ={"P": "gonkagate"})[USER_FILE]
    assert changed(before, after) == (['    "{env:P}",'], [])


def test_a_list_that_a_variable_holds_whole_cannot_be_edited() -> None:
    before = json.dumps(GOOD, indent=2)[:-2] + ',\n  "disabled_providers": {env:P}\n}\n'
    found = proposal(survey({USER_FILE: before}, {"P": '["gonkagate"]'}))
    assert found.repairs == ()
    assert [one.code for one in found.left] == ["provider_disabled"]


def test_both_lists_are_edited() -> None:
    found = proposal(
        survey({USER_FILE: {**GOOD, "enabled_providers": ["x"], "disabled_providers": ["gonkagate"]}})
    )
    assert [one.operation.path for one in found.repairs] == [("enabled_providers",), ("disabled_providers",)]


def test_in_user_scope_the_users_list_is_edited_too_because_other_folders_have_only_that() -> None:
    files = {
        USER_FILE: {**GOOD, "enabled_providers": ["x"]},
        PROJECT_FILE: {"enabled_providers": ["y"]},
    }
    assert set(edited(files)) == {USER_FILE, PROJECT_FILE}


def test_in_project_scope_a_list_that_the_projects_replaces_stays() -> None:
    files = {
        USER_FILE: {**INSTALLED, "enabled_providers": ["x"]},
        PROJECT_FILE: {**ACTIVE, "enabled_providers": ["y"]},
    }
    assert set(edited(files, wanted=expectation(Scope.PROJECT))) == {PROJECT_FILE}


def test_in_user_scope_a_list_that_a_higher_user_file_replaces_stays() -> None:
    files = {USER_FILE: {"enabled_providers": ["x"]}, USER_JSONC: {**GOOD, "enabled_providers": ["y"]}}
    assert set(edited(files)) == {USER_JSONC}


@pytest.mark.parametrize(
    ("more", "project"),
    [
        ({"agent": {"build": {"model": "a/b"}}}, {"agent": {"build": {"model": REFERENCE}}}),
        ({"mode": {"build": {"model": "a/b"}}}, {"mode": {"build": {"model": REFERENCE}}}),
        ({"agents": {"build": {"model": "a/b"}}}, {"agent": {"build": {"model": REFERENCE}}}),
        ({"default_agent": "nobody"}, {"default_agent": "build"}),
        (
            {"agent": {name: {"disable": True} for name in ("build", "plan")}},
            {"agent": {"build": {"disable": False}}},
        ),
    ],
)
def test_in_project_scope_the_users_agents_stay_and_the_projects_file_decides(
    more: dict[str, Any], project: dict[str, Any]
) -> None:
    files = {USER_FILE: {**INSTALLED, **more}, PROJECT_FILE: json.dumps(ACTIVE, indent=2)}
    after = edited(files, wanted=expectation(Scope.PROJECT))
    assert set(after) == {PROJECT_FILE}
    assert json.loads(after[PROJECT_FILE]) == {**ACTIVE, **project}


def test_in_project_scope_the_projects_own_wrong_agent_is_replaced_where_the_users_is_wrong_too() -> None:
    files = {
        USER_FILE: {**INSTALLED, "default_agent": "nobody"},
        PROJECT_FILE: {**ACTIVE, "default_agent": "nobody"},
    }
    after = edited(files, wanted=expectation(Scope.PROJECT))
    assert set(after) == {PROJECT_FILE}
    assert json.loads(after[PROJECT_FILE]) == {**ACTIVE, "default_agent": "build"}


def test_a_nested_project_file_and_one_in_the_home_folder_are_the_users_to_edit() -> None:
    nested = str(ROOT / "deep" / "opencode.json")
    assert set(edited({USER_FILE: GOOD, nested: {"model": "a/b"}}, cwd=ROOT / "deep")) == {nested}
    above = str(HOME / "opencode.json")
    assert set(edited({USER_FILE: GOOD, above: {"model": "a/b"}}, worktree=None)) == {above}


def test_a_file_above_the_home_folder_is_not() -> None:
    found = proposal(survey({USER_FILE: GOOD, "/home/opencode.json": {"model": "a/b"}}, worktree=None))
    assert [one.path for one in found.left] == ["/home/opencode.json"]


def test_what_a_project_adds_to_the_provider_is_removed() -> None:
    added = {"headers": {"x": "1"}, "baseURL": "https://elsewhere.example", "apiKey": "k"}
    before = json.dumps({"provider": {"gonkagate": {"options": added}}, "theme": "x"}, indent=2)
    after = edited({USER_FILE: GOOD, PROJECT_FILE: before})[PROJECT_FILE]
    value = json.loads(after)
    assert value["theme"] == "x"
    assert "apiKey" not in after
    assert "elsewhere" not in after
    assert not value.get("provider", {}).get("gonkagate", {}).get("options", {}).get("headers")


@pytest.mark.parametrize("scope", list(Scope))
def test_available_leaves_what_opencode_starts_with(scope: Scope) -> None:
    start = {"model": "a/b", "default_agent": "nobody", "agent": {"build": {"model": "c/d"}}}
    files = {USER_FILE: {**INSTALLED, **start, "disabled_providers": ["gonkagate"]}}
    wanted = Expectation(expectation().profile, MODEL, scope, available_only=True)
    seen = survey(files)
    found = proposal(seen, wanted)
    assert [one.operation for one in found.repairs] == [Set(("disabled_providers",), [])]
    after = merge(seen.replace(repairs.texts_after(found.repairs)).layers(Environment.DURABLE))
    assert {key: after[key] for key in start} == start


def test_what_only_decides_about_the_start_is_no_blocker_for_available() -> None:
    wanted = Expectation(expectation().profile, MODEL, Scope.USER, available_only=True)
    markdown = str(HOME / ".config/opencode/agents/build.md")
    seen = survey({USER_FILE: INSTALLED, markdown: "---\nmodel: a/b\n---\nBuild.\n"})
    assert [one for one in predict(wanted, seen) if one.blocks] == []
