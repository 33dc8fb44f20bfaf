"""The plan of a setup: which files change, and how."""

from __future__ import annotations

import json
from pathlib import PurePosixPath
from typing import Any

import pytest

from foundation.errors import Refusal
from foundation.files.snapshot import Snapshot
from gonkagate_setup.catalog import GONKAGATE
from gonkagate_setup.changes.install_state import State
from gonkagate_setup.changes.plan import ConfigChange, KeyAction, Plan, build
from gonkagate_setup.choice import Choice, Scope
from gonkagate_setup.errors import code_of

GLOBAL = PurePosixPath("/home/me/.config/opencode")
PROJECT = PurePosixPath("/src/app")
KIMI = GONKAGATE.models[0]
QWEN = GONKAGATE.models[1]
REF = "gonkagate/kimi-k2.6"


def snapshot(path: PurePosixPath, text: str | None, real: PurePosixPath | None = None) -> Snapshot:
    return Snapshot(path=path, real=real or path, data=None if text is None else text.encode())


def plan(
    user: dict[str, str] | None = None,
    project: dict[str, str] | None = None,
    scope: Scope = Scope.USER,
    state: State | None = None,
    model: Any = KIMI,
) -> Plan:
    return build(
        GONKAGATE,
        Choice(model, scope),
        KeyAction.CREATE,
        [
            snapshot(GLOBAL / n, (user or {}).get(n))
            for n in ("config.json", "opencode.json", "opencode.jsonc")
        ],
        [snapshot(PROJECT / n, (project or {}).get(n)) for n in ("opencode.json", "opencode.jsonc")],
        state,
    )


def change(made: Plan, path: PurePosixPath) -> ConfigChange:
    return next(change for change in made.configs if change.snapshot.path == path)


def value(change: ConfigChange) -> Any:
    return json.loads(change.after)


def test_a_fresh_machine_gets_one_readable_user_file() -> None:
    made = plan()
    assert [(str(c.snapshot.path), c.action) for c in made.configs] == [
        (str(GLOBAL / "opencode.json"), "create")
    ]
    assert value(made.configs[0]) == {
        "$schema": "https://opencode.ai/config.json",
        "provider": {"gonkagate": GONKAGATE.provider_config()},
        "model": REF,
        "small_model": REF,
    }
    assert made.configs[0].after.startswith('{\n  "$schema"')
    assert made.configs[0].after.endswith("}\n")


def test_project_scope_puts_only_the_activation_into_the_project() -> None:
    made = plan(scope=Scope.PROJECT)
    assert value(change(made, PROJECT / "opencode.json")) == {
        "$schema": "https://opencode.ai/config.json",
        "model": REF,
        "small_model": REF,
    }
    assert set(value(change(made, GLOBAL / "opencode.json"))) == {"$schema", "provider"}


@pytest.mark.parametrize(
    ("sibling", "target"),
    [
        ('{"theme": "x"}', "opencode.jsonc"),
        ('{"$schema": "https://opencode.ai/config.json"}', "opencode.json"),
        ("{}", "opencode.json"),
        ("", "opencode.json"),
    ],
)
def test_the_sibling_that_outranks_is_the_target_once_it_says_more_than_schema(
    sibling: str, target: str
) -> None:
    made = plan(user={"opencode.jsonc": sibling})
    assert [c.snapshot.path.name for c in made.configs] == [target]


def test_our_keys_in_outranked_files_go() -> None:
    old = plan().configs[0].after
    made = plan(user={"config.json": old, "opencode.json": old, "opencode.jsonc": '{"theme": "x"}'})
    for name in ("config.json", "opencode.json"):
        assert value(change(made, GLOBAL / name)) == {"$schema": "https://opencode.ai/config.json"}


def test_a_rerun_changes_nothing() -> None:
    first = plan()
    again = plan(user={"opencode.json": first.configs[0].after})
    assert [c.action for c in again.configs] == ["keep"]
    assert again.configs[0].after == first.configs[0].after


def test_switching_scope_takes_the_activation_along_both_ways() -> None:
    user = plan().configs[0].after
    state = State(model_key=KIMI.key, scope=Scope.USER)
    to_project = plan(user={"opencode.json": user}, scope=Scope.PROJECT, state=state, model=QWEN)
    cleaned = change(to_project, GLOBAL / "opencode.json")
    assert "model" not in value(cleaned)
    back = plan(
        user={"opencode.json": cleaned.after},
        project={"opencode.json": change(to_project, PROJECT / "opencode.json").after},
        state=State(model_key=QWEN.key, scope=Scope.PROJECT),
    )
    assert value(change(back, PROJECT / "opencode.json")) == {"$schema": "https://opencode.ai/config.json"}
    assert value(change(back, GLOBAL / "opencode.json"))["model"] == REF


def test_an_activation_that_is_not_provably_ours_stays_in_the_other_scope() -> None:
    theirs = '{"model": "gonkagate/minimax-m2.7", "small_model": "openai/gpt"}'
    made = plan(project={"opencode.json": theirs})
    assert [c.snapshot.path.name for c in made.configs if c.layer == "project_config"] == []


def test_an_unrelated_project_file_is_not_in_the_plan() -> None:
    made = plan(project={"opencode.json": '{"theme":"x"}'})
    assert [c.layer for c in made.configs] == ["user_config"]


def test_one_real_file_under_two_names_is_planned_once() -> None:
    real = GLOBAL / "opencode.json"
    made = build(
        GONKAGATE,
        Choice(KIMI, Scope.USER),
        KeyAction.KEEP,
        [
            snapshot(GLOBAL / "config.json", None),
            snapshot(real, '{"theme":"x"}'),
            snapshot(GLOBAL / "opencode.jsonc", '{"theme":"x"}', real=real),
        ],
        [
            snapshot(PROJECT / "opencode.json", '{"theme":"x"}', real=real),
            snapshot(PROJECT / "opencode.jsonc", None),
        ],
        None,
    )
    assert [str(c.snapshot.real) for c in made.configs] == [str(real)]
    assert value(made.configs[0])["model"] == REF


def test_opencodes_own_config_folder_has_no_project_scope() -> None:
    files = [snapshot(GLOBAL / name, None) for name in ("config.json", "opencode.json", "opencode.jsonc")]
    with pytest.raises(Refusal) as refused:
        build(GONKAGATE, Choice(KIMI, Scope.PROJECT), KeyAction.KEEP, files, files[1:], None)
    assert code_of(refused.value) == "project_scope_unavailable"


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [('{\n  "a": 1,,\n}', 2, 10), ("[]", 1, 1), ('{"a": 1} x', 1, 10)],
)
def test_a_broken_file_is_refused_with_its_place(text: str, line: int, column: int) -> None:
    with pytest.raises(Refusal) as refused:
        plan(user={"opencode.json": text})
    where = refused.value.where
    assert code_of(refused.value) == "managed_config_parse_failed"
    assert where is not None
    assert (where.name, where.line, where.column) == (str(GLOBAL / "opencode.json"), line, column)


def test_a_file_that_opencode_may_well_read_is_not_called_broken() -> None:
    with pytest.raises(Refusal) as refused:
        plan(user={"opencode.json": '{"theme": "x", {env:MORE}}'})
    assert code_of(refused.value) == "managed_config_parse_failed"
    assert "cannot read this file either" not in refused.value.message
    assert "not valid JSONC until opencode has replaced its" in refused.value.message
    made = plan(user={"opencode.json": '{"provider": {"mine": {"options": {"timeout": {env:T}}}}}'})
    assert made.configs[0].after.startswith(
        '{"provider": {"mine": {"options": {"timeout": {env:T}}}, "gonkagate"'
    )


@pytest.mark.parametrize(
    "text", ['{\n  "provider": []\n}', '{\n  "provider": {"gonkagate": "x"}\n}', '{"provider": 1}']
)
def test_a_provider_that_is_no_object_is_refused_with_its_place(text: str) -> None:
    with pytest.raises(Refusal) as refused:
        plan(user={"opencode.json": text})
    assert code_of(refused.value) == "managed_config_merge_failed"
    assert refused.value.where is not None
    assert refused.value.where.line == (2 if "\n" in text else 1)


def test_a_duplicate_of_ours_is_reported_and_the_effective_one_edited() -> None:
    made = plan(user={"opencode.json": '{"model": "a/b", "model": "c/d"}'})
    assert [one.sentence for one in made.configs[0].duplicates] == [
        (
            "model appears twice (lines 1 and 1); "
            "the last one takes effect and is edited; the earlier one is kept"
        )
    ]
    assert made.configs[0].after.startswith('{"model": "a/b", "model": "gonkagate/kimi-k2.6"')
