"""The judgement on values alone: who is blamed, for what, how far it reaches, and the way out."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import PurePath, PurePosixPath
from typing import Any

import pytest

from foundation.errors import Refusal, Where
from gonkagate_setup.catalog import GONKAGATE
from gonkagate_setup.choice import Scope
from gonkagate_setup.judgement.findings import CODES, Finding
from gonkagate_setup.judgement.verdict import judge, predict
from opencode_config.evidence import Answer, Gated
from opencode_config.places import Environment
from opencode_config.survey import Reading, Traces
from opencode_config.versions import Version
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
    as_printed,
    blockers,
    evidence,
    expectation,
    notices,
    survey,
)

GOOD = {USER_FILE: {**INSTALLED, **ACTIVE}}
SCHEMA = {"$schema": "https://opencode.ai/config.json"}


def both(
    files: dict[str, Any], environ: dict[str, str] | None = None, **kw: Any
) -> list[tuple[str, str, str | None, str]]:
    """The blockers, after checking that the prediction and the judgement find the same ones."""
    seen = survey(
        {path: {**SCHEMA, **value} if isinstance(value, dict) else value for path, value in files.items()},
        environ,
    )
    wanted = expectation(**kw)
    predicted = blockers(predict(wanted, seen))
    assert blockers(judge(wanted, seen, evidence(seen))) == predicted
    return predicted


def user(**more: Any) -> dict[str, Any]:
    value = json.loads(json.dumps({**INSTALLED, **ACTIVE}))
    value["provider"]["gonkagate"].update(more.pop("provider", {}))
    return {**value, **more}


def gonkagate(**more: Any) -> dict[str, Any]:
    return {"provider": {"gonkagate": more}}


def test_a_correct_user_install_has_no_finding() -> None:
    seen = survey(GOOD)
    assert predict(expectation(), seen) == ()
    assert judge(expectation(), seen, evidence(seen)) == ()


def test_a_correct_project_install_has_no_finding() -> None:
    seen = survey({USER_FILE: INSTALLED, PROJECT_FILE: {**SCHEMA, **ACTIVE}})
    assert judge(expectation(Scope.PROJECT), seen, evidence(seen)) == ()


# -- the npm tool's false successes and misattributions, numbered in docs/npm-tool.md#what-it-got-wrong


@pytest.mark.parametrize(
    ("inline", "code", "key"),
    [
        ({"disabled_providers": ["gonkagate"]}, "provider_disabled", "disabled_providers"),
        ({"enabled_providers": ["openai"]}, "provider_not_enabled", "enabled_providers"),
        ({"enabled_providers": []}, "provider_not_enabled", "enabled_providers"),
    ],
)
def test_npm_2_inline_provider_lists_block_the_session(inline: dict[str, Any], code: str, key: str) -> None:
    found = both(GOOD, {"OPENCODE_CONFIG_CONTENT": json.dumps(inline)})
    assert found == [(code, "OPENCODE_CONFIG_CONTENT", key, "session")]


@pytest.mark.parametrize(
    ("path", "layer", "environ"),
    [
        (str(ROOT / "opencode.jsonc"), "project_config", {}),
        (str(ROOT / ".opencode/opencode.json"), "dot_opencode", {}),
        (str(HOME / ".opencode/opencode.json"), "home_dot_opencode", {}),
        ("/elsewhere/opencode.json", "OPENCODE_CONFIG_DIR", {"OPENCODE_CONFIG_DIR": "/elsewhere"}),
        ("/custom.json", "OPENCODE_CONFIG", {"OPENCODE_CONFIG": "/custom.json"}),
        ("/etc/opencode/opencode.json", "system_managed_config", {}),
    ],
)
def test_npm_3_a_key_in_any_other_layer_blocks(path: str, layer: str, environ: dict[str, str]) -> None:
    key = "provider.gonkagate.options.apiKey"
    files = {**GOOD, path: gonkagate(options={"apiKey": "sk-other"})}
    assert both(files, environ) == [("key_defined_elsewhere", layer, key, "durable")]


def test_npm_3_a_key_in_the_global_jsonc_blocks() -> None:
    files = {**GOOD, USER_JSONC: gonkagate(options={"apiKey": "sk-other"})}
    assert both(files) == [
        ("key_binding_replaced", "user_config", "provider.gonkagate.options.apiKey", "durable")
    ]


def test_npm_3_a_key_in_a_nested_project_file_blocks() -> None:
    seen = survey(
        {**GOOD, str(ROOT / "deep/opencode.json"): {**SCHEMA, **gonkagate(options={"apiKey": "sk-other"})}},
        cwd=ROOT / "deep",
    )
    found = judge(expectation(), seen, evidence(seen))
    assert [(entry.code, entry.path) for entry in found] == [
        ("key_defined_elsewhere", str(ROOT / "deep/opencode.json"))
    ]


@pytest.mark.parametrize(
    ("value", "code", "key"),
    [
        (gonkagate(whitelist=["other"]), "model_hidden", "provider.gonkagate.whitelist"),
        (
            gonkagate(options={"headers": {"X-Team": "a"}}),
            "provider_extended",
            "provider.gonkagate.options.headers.X-Team",
        ),
        ({"agent": {"build": {"model": "openai/gpt"}}}, "agent_model_overridden", "agent.build.model"),
    ],
)
def test_npm_4_project_gating_headers_and_agents_block(value: dict[str, Any], code: str, key: str) -> None:
    assert both({**GOOD, PROJECT_FILE: value}) == [(code, "project_config", key, "durable")]


def test_npm_6_the_global_jsonc_is_named() -> None:
    files = {**GOOD, USER_JSONC: {"model": "openai/gpt"}}
    seen = survey({**files, USER_JSONC: {**SCHEMA, "model": "openai/gpt"}})
    (found,) = judge(expectation(), seen, evidence(seen))
    assert (found.code, found.layer, found.path, found.line) == (
        "model_overridden",
        "user_config",
        USER_JSONC,
        3,
    )


@pytest.mark.parametrize(("version", "culprits"), [((1, 17, 19), 2), ((1, 18, 33), 1)])
def test_a_variant_below_a_wrong_model_is_in_the_way_where_opencode_keeps_it(
    version: tuple[int, int, int], culprits: int
) -> None:
    files = {USER_JSONC: {**SCHEMA, "model": f"{REFERENCE}#high"}, PROJECT_FILE: {"model": "openai/gpt"}}
    seen = survey({**GOOD, **files})
    proof = replace(evidence(seen), version=Version(*version))
    assert len(blockers(judge(expectation(), seen, proof))) == culprits


def test_npm_7_a_layer_that_repeats_the_right_value_is_not_blamed() -> None:
    files = {**GOOD, "/custom.json": ACTIVE, PROJECT_FILE: {"model": "openai/gpt"}}
    assert both(files, {"OPENCODE_CONFIG": "/custom.json"}) == [
        ("model_overridden", "project_config", "model", "durable")
    ]


def test_npm_8_xdg_config_home_is_followed_with_a_notice() -> None:
    moved = "/data/xdg/opencode/opencode.json"
    seen = survey({moved: {**INSTALLED, **ACTIVE}}, {"XDG_CONFIG_HOME": "/data/xdg"})
    found = judge(expectation(), seen, evidence(seen))
    assert blockers(found) == []
    assert notices(found) == [("config_folder_moved", "user_config", None)]


# -- attribution


def test_every_culprit_is_listed_highest_first() -> None:
    files = {
        **GOOD,
        PROJECT_FILE: {"model": "openai/gpt"},
        str(ROOT / ".opencode/opencode.json"): {"model": "openai/other"},
        "/custom.json": {"model": "openai/gpt"},
    }
    assert both(files, {"OPENCODE_CONFIG": "/custom.json"}) == [
        ("model_overridden", "dot_opencode", "model", "durable"),
        ("model_overridden", "project_config", "model", "durable"),
        ("model_overridden", "OPENCODE_CONFIG", "model", "durable"),
    ]


def test_a_wrong_value_below_a_right_one_is_no_culprit() -> None:
    files = {
        **GOOD,
        PROJECT_FILE: {"model": "openai/gpt"},
        str(ROOT / ".opencode/opencode.json"): {"model": REFERENCE},
        "/etc/opencode/opencode.json": {"model": "openai/managed"},
    }
    assert both(files) == [("model_overridden", "system_managed_config", "model", "durable")]


def test_what_no_readable_layer_explains_is_inferred_and_says_what_was_looked_at() -> None:
    seen = survey(GOOD, traces=Traces(well_known=("https://corp.example",)))
    resolved = {**user(), "enabled_providers": ["openai"]}
    (found,) = judge(expectation(), seen, evidence(seen, config=resolved))
    assert (found.code, found.layer, found.key) == (
        "provider_not_enabled",
        "inferred_higher_precedence",
        "enabled_providers",
    )
    assert USER_FILE in found.message
    assert "https://corp.example" in found.next_step


def test_an_unreadable_layer_above_a_readable_wrong_one_comes_first() -> None:
    seen = survey({**GOOD, PROJECT_FILE: {**SCHEMA, "model": "openai/gpt"}})
    found = judge(expectation(), seen, evidence(seen, config=user(model="corp/model")))
    assert blockers(found) == [
        ("model_overridden", "inferred_higher_precedence", "model", "durable"),
        ("model_overridden", "project_config", "model", "durable"),
    ]


def test_the_place_of_a_finding_is_line_and_column_of_the_key() -> None:
    text = '{\n  // ours\n  "$schema": "x",\n    "model" : "openai/gpt"\n}\n'
    seen = survey({**GOOD, PROJECT_FILE: text})
    (found,) = judge(expectation(), seen, evidence(seen))
    assert (found.path, found.line, found.column) == (PROJECT_FILE, 4, 5)
    assert PROJECT_FILE in found.next_step
    assert "--scope project" in found.next_step


# -- environments and reach


def test_a_durable_blocker_is_not_repeated_for_the_session() -> None:
    files = {**GOOD, PROJECT_FILE: {"model": "openai/gpt"}}
    environ = {"OPENCODE_CONFIG_CONTENT": json.dumps({"share": "manual"})}
    assert both(files, environ) == [("model_overridden", "project_config", "model", "durable")]


def test_an_identical_inline_value_passes_but_an_inline_key_never() -> None:
    same = {**ACTIVE, **gonkagate(options={"baseURL": GONKAGATE.base_url})}
    assert both(GOOD, {"OPENCODE_CONFIG_CONTENT": json.dumps(same)}) == []
    key = gonkagate(options={"apiKey": GONKAGATE.key_binding})
    assert both(GOOD, {"OPENCODE_CONFIG_CONTENT": json.dumps(key)}) == [
        (
            "key_defined_elsewhere",
            "OPENCODE_CONFIG_CONTENT",
            "provider.gonkagate.options.apiKey",
            "session",
        )
    ]


def test_a_switched_off_project_config_concerns_the_session_only() -> None:
    files = {USER_FILE: INSTALLED, PROJECT_FILE: ACTIVE}
    found = both(files, {"OPENCODE_DISABLE_PROJECT_CONFIG": "1"}, scope=Scope.PROJECT)
    assert [(code, reach) for code, _, _, reach in found] == [("model_not_set", "session")] * 2


def test_what_only_a_custom_config_unblocks_is_durable() -> None:
    # A fresh shell has no OPENCODE_CONFIG, so the user's own deny list is in force there.
    files = {USER_FILE: user(disabled_providers=["gonkagate"]), "/custom.json": {"disabled_providers": []}}
    assert both(files, {"OPENCODE_CONFIG": "/custom.json"}) == [
        ("provider_disabled", "user_config", "disabled_providers", "durable")
    ]


# -- what is compared


@pytest.mark.parametrize("name", ["model", "small_model"])
def test_a_missing_activation_names_the_scope(name: str) -> None:
    value = {key: entry for key, entry in ACTIVE.items() if key != name}
    assert both({USER_FILE: {**INSTALLED, **value}}) == [("model_not_set", "user_config", name, "durable")]
    files = {USER_FILE: INSTALLED, PROJECT_FILE: value}
    assert both(files, scope=Scope.PROJECT) == [("model_not_set", "project_config", name, "durable")]


def test_every_leaf_of_the_catalogue_is_compared() -> None:
    def leaves(value: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
        if isinstance(value, dict):
            return [leaf for key, child in value.items() for leaf in leaves(child, (*path, key))]
        return [path]

    checked = 0
    for path in leaves(GONKAGATE.provider_config()):
        if path == ("options", "apiKey"):
            continue
        value: Any = "changed" if path[-1] not in ("context", "output", "tool_call") else 1
        for key in reversed(path):
            value = {key: value}
        found = both({**GOOD, PROJECT_FILE: gonkagate(**value)})
        assert found == [
            ("provider_overridden", "project_config", ".".join(("provider", "gonkagate", *path)), "durable")
        ]
        checked += 1
    assert checked >= 12  # as many as with the three models of May 2026


def test_a_missing_catalogue_model_is_incomplete() -> None:
    value = user()
    del value["provider"]["gonkagate"]["models"]["minimax-m2.7"]
    assert [code for code, *_ in both({USER_FILE: value})] == ["provider_incomplete"] * 2


def test_no_provider_at_all_is_one_finding_beside_the_key() -> None:
    assert [(code, key) for code, _, key, _ in both({USER_FILE: ACTIVE})] == [
        ("provider_incomplete", "provider.gonkagate"),
        ("key_binding_missing", "provider.gonkagate.options.apiKey"),
    ]


@pytest.mark.parametrize(
    "addition",
    [
        {"models": {"mine": {"id": "x", "headers": {"Authorization": "Bearer x"}}}},
        {"options": {"timeout": 5}},
        {"options": {"headers": {"X-Team": "a"}}},
        {"models": {MODEL: {"options": {"reasoningEffort": "low"}}}},
        {"whitelist": [MODEL]},
        {"blacklist": ["minimax-m2.7"]},
        {"env": ["MY_KEY"]},
        {"api": "https://other.example"},
    ],
)
def test_additions_of_the_user_are_kept_as_notices_and_block_elsewhere(addition: dict[str, Any]) -> None:
    added = gonkagate(**addition)
    jsonc = {**GOOD, USER_JSONC: {**SCHEMA, **added}}
    seen = survey(jsonc)
    offered = tuple(GONKAGATE.reference(model.key) for model in GONKAGATE.validated)
    found = judge(expectation(), seen, evidence(seen, models=offered))
    assert blockers(found) == []
    assert "provider_extended" in {entry[0] for entry in notices(found)}
    assert {code for code, *_ in both({**GOOD, PROJECT_FILE: added})} == {"provider_extended"}


@pytest.mark.parametrize(
    "addition",
    [
        {"options": {"headers": {"Authorization": "Bearer sk-x"}}},
        {"options": {"headers": {"x-api-key": "sk-x"}}},
        {"models": {MODEL: {"headers": {"authorization": "Bearer sk-x"}}}},
        {"models": {MODEL: {"provider": {"npm": "@ai-sdk/openai"}}}},
    ],
)
def test_what_changes_who_gets_the_key_blocks_even_in_the_user_layer(addition: dict[str, Any]) -> None:
    found = both({**GOOD, USER_JSONC: gonkagate(**addition)})
    assert [(code, layer) for code, layer, *_ in found] == [("provider_extended", "user_config")]
    seen = survey({**GOOD, USER_JSONC: gonkagate(**addition)})
    assert not any("sk-x" in entry.message + entry.next_step for entry in predict(expectation(), seen))


@pytest.mark.parametrize(
    ("addition", "key"),
    [
        ({"whitelist": ["minimax-m2.7"]}, "provider.gonkagate.whitelist"),
        ({"blacklist": [MODEL]}, "provider.gonkagate.blacklist"),
        ({"models": {MODEL: {"status": "deprecated"}}}, f"provider.gonkagate.models.{MODEL}.status"),
        ({"models": {MODEL: {"status": "alpha"}}}, f"provider.gonkagate.models.{MODEL}.status"),
    ],
)
def test_what_hides_the_selected_model_blocks_in_the_user_layer_too(
    addition: dict[str, Any], key: str
) -> None:
    assert both({**GOOD, USER_JSONC: gonkagate(**addition)}) == [
        ("model_hidden", "user_config", key, "durable")
    ]


def test_opencode_offering_the_model_outranks_our_reading_of_the_gates() -> None:
    # OPENCODE_ENABLE_EXPERIMENTAL_MODELS shows models with status alpha.
    seen = survey({**GOOD, USER_JSONC: {**SCHEMA, **gonkagate(models={MODEL: {"status": "alpha"}})}})
    found = judge(expectation(), seen, evidence(seen, models=(REFERENCE,)))
    assert blockers(found) == []


def test_what_would_hide_the_model_once_the_layers_above_are_right_blocks_too() -> None:
    whitelists = {USER_JSONC: ["other"], PROJECT_FILE: [MODEL], str(ROOT / ".opencode/opencode.json"): ["x"]}
    files = {path: gonkagate(whitelist=value) for path, value in whitelists.items()}
    key = "provider.gonkagate.whitelist"
    assert both({**GOOD, **files}) == [
        ("model_hidden", "dot_opencode", key, "durable"),
        ("provider_extended", "project_config", key, "durable"),
        ("model_hidden", "user_config", key, "durable"),
    ]


def test_a_status_that_only_opencode_can_read_blocks_when_it_hides_the_model() -> None:
    status = {"models": {MODEL: {"status": "{file:/elsewhere/status}"}}}
    seen = survey({**GOOD, USER_JSONC: {**SCHEMA, **gonkagate(**status)}})
    resolved = user()
    resolved["provider"]["gonkagate"]["models"][MODEL]["status"] = "deprecated"
    assert blockers(judge(expectation(), seen, evidence(seen, config=resolved))) == [
        ("model_hidden", "user_config", f"provider.gonkagate.models.{MODEL}.status", "durable")
    ]


def test_a_list_that_does_nothing_below_the_users_own_is_not_blamed() -> None:
    lists = {USER_JSONC: [MODEL], str(HOME / ".config/opencode/config.json"): ["other"]}
    files = {path: {**SCHEMA, **gonkagate(whitelist=value)} for path, value in lists.items()}
    seen = survey({**GOOD, **files})
    assert [(entry.code, entry.severity) for entry in judge(expectation(), seen, evidence(seen))] == [
        ("provider_extended", "notice")
    ]


@pytest.mark.parametrize("models", [Gated(), (), ("gonkagate/other",)])
def test_a_gate_that_nothing_explains_is_inferred(models: Any) -> None:
    seen = survey(GOOD)
    assert blockers(judge(expectation(), seen, evidence(seen, models=models))) == [
        ("provider_not_offered", "inferred_higher_precedence", "provider.gonkagate", "durable")
    ]


# -- agents


@pytest.mark.parametrize(
    ("value", "path", "key"),
    [
        ({"agent": {"build": {"model": "openai/gpt"}}}, PROJECT_FILE, "agent.build.model"),
        ({"mode": {"build": {"model": "openai/gpt"}}}, PROJECT_FILE, "mode.build.model"),
        (
            {"default_agent": "plan", "agent": {"plan": {"model": "openai/gpt"}}},
            PROJECT_FILE,
            "agent.plan.model",
        ),
        (
            {"agent": {"build": {"disable": True}, "plan": {"model": "openai/gpt"}}},
            PROJECT_FILE,
            "agent.plan.model",
        ),
    ],
)
def test_the_agent_that_opencode_starts_with_must_use_the_model(
    value: dict[str, Any], path: str, key: str
) -> None:
    assert both({**GOOD, path: value}) == [("agent_model_overridden", "project_config", key, "durable")]


def test_a_mode_outranks_an_agent_of_a_higher_layer() -> None:
    files = {
        **GOOD,
        PROJECT_FILE: {"mode": {"build": {"model": "openai/gpt"}}},
        str(ROOT / ".opencode/opencode.json"): {"agent": {"build": {"model": REFERENCE}}},
    }
    assert both(files) == [("agent_model_overridden", "project_config", "mode.build.model", "durable")]


def test_an_agent_in_markdown_is_named_with_its_line() -> None:
    path = str(ROOT / ".opencode/agent/build.md")
    seen = survey({**GOOD, path: "---\ndescription: x\nmodel: openai/gpt\n---\nBe nice.\n"})
    (found,) = judge(expectation(), seen, evidence(seen))
    assert (found.code, found.layer, found.path, found.line) == (
        "agent_model_overridden",
        "agent_markdown",
        path,
        3,
    )


@pytest.mark.parametrize("name", ["nobody", "general", "title"])
def test_an_agent_that_cannot_be_started_with_blocks(name: str) -> None:
    assert both({**GOOD, PROJECT_FILE: {"default_agent": name}}) == [
        ("agent_unusable", "project_config", "default_agent", "durable")
    ]


def test_what_a_disabled_agent_would_use_is_told_at_once() -> None:
    disabled = {"build": {"disable": True, "model": "openai/gpt"}, "plan": {"disable": True}}
    found = both({**GOOD, PROJECT_FILE: {"agent": disabled}})
    assert [(code, key) for code, _, key, _ in found] == [
        ("agent_unusable", "agent.build.disable"),
        ("agent_model_overridden", "agent.build.model"),
    ]


def test_a_usable_default_agent_below_is_not_blamed() -> None:
    files = {
        **GOOD,
        PROJECT_FILE: {"default_agent": "plan"},
        "/etc/opencode/opencode.json": {"default_agent": "x"},
    }
    assert both(files) == [("agent_unusable", "system_managed_config", "default_agent", "durable")]


@pytest.mark.parametrize(
    "value",
    [
        {"agent": {"title": {"model": "openai/gpt"}}},
        {"agent": {"plan": {"model": "openai/gpt"}}},
        {"agent": {"review": {"model": "openai/gpt"}}},
        {"command": {"ship": {"template": "x", "model": "openai/gpt"}}},
    ],
)
def test_another_agent_or_command_with_its_own_model_is_a_notice(value: dict[str, Any]) -> None:
    seen = survey({**GOOD, PROJECT_FILE: {**SCHEMA, **value}})
    found = judge(expectation(), seen, evidence(seen))
    assert blockers(found) == []
    assert [entry[:2] for entry in notices(found)] == [("agent_model", "project_config")]


def test_agents_on_another_model_of_the_catalogue_are_fine() -> None:
    seen = survey({**GOOD, PROJECT_FILE: {**SCHEMA, "agent": {"plan": {"model": "gonkagate/minimax-m2.7"}}}})
    assert judge(expectation(), seen, evidence(seen)) == ()


# -- the key


@pytest.mark.parametrize(
    "text",
    [
        '"gp-literal"',
        '"{env:GONKAGATE_API_KEY}"',
        '"{file:~/.gonkagate/opencode/api-key} "',
        '"\\u007bfile:~/.gonkagate/opencode/api-key}"',
        '"{file:/home/mia/.gonkagate/opencode/api-key}"',
        '""',
    ],
)
def test_only_the_literal_binding_counts(text: str) -> None:
    value = json.dumps(user()).replace(json.dumps(GONKAGATE.key_binding), text)
    found = both({USER_FILE: value})
    assert [code for code, *_ in found] == ["key_binding_replaced"]


def test_another_key_in_an_outranked_user_file_is_a_notice() -> None:
    files = {USER_FILE: {**SCHEMA, **gonkagate(options={"apiKey": "gp-old"})}, USER_JSONC: user()}
    seen = survey(files)
    found = judge(expectation(), seen, evidence(seen))
    assert blockers(found) == []
    assert notices(found) == [("key_binding_replaced", "user_config", "provider.gonkagate.options.apiKey")]


def test_a_reference_to_the_key_in_a_comment_is_noticed_where_opencode_resolves_it() -> None:
    binding = GONKAGATE.key_binding
    seen = survey({**GOOD, PROJECT_FILE: f'{{"$schema": "x" // {binding}\n  // {binding}\n}}\n'})
    found = judge(expectation(), seen, evidence(seen))
    assert [(entry.code, entry.line, entry.severity) for entry in found] == [
        ("key_reference_elsewhere", 1, "notice")
    ]


def test_a_reference_to_the_key_variable_is_noticed() -> None:
    seen = survey({**GOOD, PROJECT_FILE: '{"$schema": "x", "username": "{env:GONKAGATE_API_KEY}"}'})
    assert notices(predict(expectation(), seen)) == [("key_variable_referenced", "project_config", None)]


# -- substitution


def test_a_variable_in_a_value_is_filled_in_before_comparing() -> None:
    files = {**GOOD, PROJECT_FILE: {"model": "{env:TEAM_MODEL}"}}
    assert both(files, {"TEAM_MODEL": REFERENCE}) == []
    assert both(files, {"TEAM_MODEL": "openai/gpt"}) == [
        ("model_overridden", "project_config", "model", "durable")
    ]


def test_a_value_from_a_file_is_not_guessed_about() -> None:
    seen = survey({**GOOD, PROJECT_FILE: {**SCHEMA, "model": "{file:model.txt}"}})
    assert blockers(predict(expectation(), seen)) == []
    found = judge(expectation(), seen, evidence(seen, config=user(model="openai/gpt")))
    assert blockers(found) == [("model_overridden", "project_config", "model", "durable")]


def test_masked_values_are_read_from_the_layers() -> None:
    secret = "https://me:pass@evil.example/v1"
    seen = survey({**GOOD, PROJECT_FILE: {**SCHEMA, **gonkagate(options={"baseURL": secret})}})
    resolved = user()
    resolved["provider"]["gonkagate"]["options"]["baseURL"] = "***"
    (found,) = judge(expectation(), seen, evidence(seen, config=resolved))
    assert (found.code, found.layer) == ("provider_overridden", "project_config")
    assert "pass" not in found.message + found.next_step


def test_the_models_variant_is_left_to_opencode() -> None:
    seen = survey({USER_FILE: user(model=f"{REFERENCE}#high")})
    assert blockers(predict(expectation(), seen)) == []
    assert blockers(judge(expectation(), seen, evidence(seen, config=user()))) == []
    assert [code for code, *_ in blockers(judge(expectation(), seen, evidence(seen)))] == ["model_overridden"]


# -- opencode that does not answer, plugins, the program


def test_a_config_that_opencode_refuses_is_named() -> None:
    failure = Refusal(
        "effective_config_command_failed",
        "opencode cannot parse this config",
        where=Where(PROJECT_FILE, 3, 7),
        next_step="correct it",
    )
    seen = survey({**GOOD, PROJECT_FILE: "{\n\n      oops}"})
    proof = evidence(seen)
    answers = dict.fromkeys(Environment, Answer(failure=failure))
    (found,) = judge(expectation(), seen, type(proof)(proof.version, proof.executable, answers))
    assert (found.code, found.layer, found.path, found.line) == (
        "opencode_refused",
        "project_config",
        PROJECT_FILE,
        3,
    )
    assert [entry.code for entry in predict(expectation(), seen)] == ["config_unreadable"]


def test_a_plugin_that_changes_the_config_blocks_and_is_named() -> None:
    seen = survey({USER_FILE: user(plugin=["corp-plugin@1"])})
    changed = Answer(user(plugin=["corp-plugin@1"], model="corp/model"))
    (found,) = (f for f in judge(expectation(), seen, evidence(seen, plugins=changed)) if f.blocks)
    assert (found.code, found.layer, found.key, found.severity) == (
        "plugins_change_config",
        "plugin",
        "model",
        "blocker",
    )
    assert "corp-plugin@1" in found.message


def test_plugins_are_a_notice_and_so_are_silent_ones() -> None:
    seen = survey({USER_FILE: user(plugin=["corp-plugin@1"])})
    (found,) = judge(expectation(), seen, evidence(seen, plugins=Answer(user())))
    assert (found.code, found.severity) == ("plugins_configured", "notice")
    assert "corp-plugin@1" in found.message
    failure = Refusal("opencode_unresponsive", "it did not finish", next_step="x")
    silent = judge(expectation(), seen, evidence(seen, plugins=Answer(failure=failure)))
    assert notices(silent) == [("plugins_unproved", "plugin", None)]


# Agents that plugins bring (code-yeongyu/oh-my-openagent PR#1849, #3900)
BROUGHT = {"agent": {"sisyphus": {"mode": "primary"}}}
PLUGIN_FILES = (
    PROJECT_PLUGIN := str(ROOT / ".opencode/plugin/s.js"),
    str(ROOT / ".opencode/plugins/.s.ts"),
    str(HOME / ".opencode/plugin/s.js"),
    str(HOME / ".config/opencode/plugins/s.ts"),
)


@pytest.mark.parametrize("where", ["list", *PLUGIN_FILES])
def test_w3_an_agent_that_a_plugin_brings_is_left_open_and_then_used(where: str) -> None:
    listed = {"plugin": ["oh-my-openagent"]} if where == "list" else {}
    files = {**GOOD, PROJECT_FILE: {**SCHEMA, "default_agent": "sisyphus", **listed}}
    if where != "list":
        files[where] = "export const P = 1"
    seen = survey(files)
    foreseen = predict(expectation(), seen)
    assert blockers(foreseen) == []
    assert ("agent_unusable", "project_config", "default_agent") in notices(foreseen)
    running = Answer({**user(), "default_agent": "sisyphus", **BROUGHT})
    found = judge(expectation(), seen, evidence(seen, plugins=running))
    assert blockers(found) == []
    assert notices(found) == [("plugins_configured", "plugin", None)]


def test_w3_without_a_plugin_the_agent_is_unusable_at_once() -> None:
    files = {**GOOD, PROJECT_FILE: {**SCHEMA, "default_agent": "sisyphus"}}
    told = [("agent_unusable", "project_config", "default_agent", "durable")]
    assert both(files) == told
    assert both({**files, str(ROOT / ".opencode/plugin/sub/s.js"): ""}) == told
    assert both({**files, str(ROOT / ".opencode/plugin/s.mjs"): ""}) == told


def running(files: dict[str, Any], config: dict[str, Any], **environ: str) -> tuple[Finding, ...]:
    """The judgement where plugins make `config` of what the files say."""
    seen = survey({**GOOD, PROJECT_PLUGIN: "", **files}, environ)
    return judge(expectation(), seen, evidence(seen, plugins=Answer({**user(), **config})))


def test_w3_an_agent_of_a_plugin_with_its_own_model_blocks_and_is_the_plugins() -> None:
    files = {PROJECT_FILE: {**SCHEMA, "default_agent": "sisyphus"}}
    own = {"agent": {"sisyphus": {"mode": "primary", "model": "openai/gpt"}}}
    found = running(files, {"default_agent": "sisyphus", **own})
    assert blockers(found) == [("plugins_change_config", "plugin", "agent.sisyphus.model", "durable")]
    assert "change the model of sisyphus in that plugin's settings" in found[0].next_step
    same_model = {"agent": {"sisyphus": {"mode": "primary", "model": REFERENCE}}}
    assert blockers(running(files, {"default_agent": "sisyphus", **same_model})) == []


@pytest.mark.parametrize(
    "brought", [{}, {"agent": {"sisyphus": {"mode": "subagent"}}}, {"agent": {"sisyphus": {"disable": True}}}]
)
def test_w3_an_agent_that_no_plugin_makes_usable_still_blocks_where_it_is_named(brought: Any) -> None:
    files = {PROJECT_FILE: {**SCHEMA, "default_agent": "sisyphus"}}
    found = running(files, {"default_agent": "sisyphus", **brought})
    assert blockers(found) == [("agent_unusable", "project_config", "default_agent", "durable")]


def test_w3_what_a_plugin_does_to_the_default_agent_is_the_plugins() -> None:
    # It is not build any more that opencode starts with, so its model is not in the way.
    files = {PROJECT_FILE: {**SCHEMA, "agent": {"build": {"model": "openai/gpt"}}}}
    agents = {"build": {"model": "openai/gpt"}, **BROUGHT["agent"]}
    assert blockers(running(files, {"default_agent": "sisyphus", "agent": agents})) == []
    assert blockers(running({}, {"default_agent": "nobody"})) == [
        ("plugins_change_config", "plugin", "default_agent", "durable")
    ]
    disabled = {"build": {"disable": True}, "plan": {"model": "openai/gpt"}}
    assert blockers(running({}, {"agent": disabled})) == [
        ("plugins_change_config", "plugin", "agent.plan.model", "durable")
    ]
    named = {PROJECT_FILE: {**SCHEMA, "default_agent": "sisyphus"}}
    assert blockers(running(named, {"default_agent": "nobody", **BROUGHT})) == [
        ("plugins_change_config", "plugin", "default_agent", "durable")
    ]


def test_w3_plugins_that_did_not_answer_leave_the_agent_unproved() -> None:
    seen = survey({**GOOD, PROJECT_PLUGIN: "", PROJECT_FILE: {**SCHEMA, "default_agent": "sisyphus"}})
    failure = Refusal("opencode_unresponsive", "it did not finish", next_step="x")
    found = judge(expectation(), seen, evidence(seen, plugins=Answer(failure=failure)))
    assert blockers(found) == [("agent_unusable", "project_config", "default_agent", "durable")]
    assert "unless a plugin provides it" in found[0].message


def test_w3_opencode_pure_keeps_plugins_from_bringing_an_agent() -> None:
    files = {PROJECT_FILE: {**SCHEMA, "default_agent": "sisyphus"}}
    brought = {"default_agent": "sisyphus", **BROUGHT}
    assert blockers(running(files, brought, OPENCODE_PURE="1")) == [
        ("agent_unusable", "project_config", "default_agent", "durable")
    ]
    assert blockers(running(files, brought, OPENCODE_PURE="0")) == []
    seen = survey({**GOOD, PROJECT_PLUGIN: "", **files}, {"OPENCODE_PURE": "1"})
    assert blockers(predict(expectation(), seen)) != []


def test_an_opencode_off_the_path_blocks_the_session_and_a_second_one_is_a_notice() -> None:
    seen = survey(GOOD)
    proof = evidence(seen, on_path=False, also=(HOME / "bin/opencode",))
    found = judge(expectation(), seen, proof)
    assert blockers(found) == [("opencode_not_on_path", "inferred_higher_precedence", None, "session")]
    assert [entry[0] for entry in notices(found)] == ["opencode_second"]


def test_an_opencode_newer_than_the_audited_one_is_a_notice() -> None:
    seen = survey(GOOD)
    proof = evidence(seen)
    newer = type(proof)(Version(1, 19, 0), proof.executable, proof.answers)
    assert [entry[0] for entry in notices(judge(expectation(), seen, newer))] == ["opencode_not_audited"]


def test_an_old_entry_in_opencodes_credential_store_is_a_notice() -> None:
    seen = survey(GOOD, traces=Traces(stored_key=True))
    assert [entry[0] for entry in notices(predict(expectation(), seen))] == ["stored_credential"]


def test_a_key_that_stands_twice_is_announced_with_both_lines() -> None:
    ours = json.dumps(GOOD[USER_FILE])
    text = '{"provider": {"mine": {}},\n"theme": 1, "theme": 2, "model": 1,\n' + ours[1:]
    text = text.replace('"name": "GonkaGate"', '"name": "G", "name": "GonkaGate"')
    found = [one for one in predict(expectation(), survey({**GOOD, USER_FILE: text})) if not one.blocks]
    assert [(one.code, one.path, one.line, one.key) for one in found] == [
        ("key_stands_twice", USER_FILE, 3, "provider"),
        ("key_stands_twice", USER_FILE, 3, "provider.gonkagate.name"),
        ("key_stands_twice", USER_FILE, 3, "model"),
    ]
    assert "first on line 1;" in found[0].message
    assert found[0].column == ours.index('"provider"')


def test_a_config_without_a_schema_is_announced() -> None:
    seen = survey({**GOOD, PROJECT_FILE: {"share": "manual"}})
    assert notices(predict(expectation(), seen)) == [("opencode_edits_config", "project_config", None)]


def test_every_finding_has_a_known_code_and_a_next_step() -> None:
    seen = survey(
        {**GOOD, PROJECT_FILE: {"model": "a/b", **gonkagate(options={"apiKey": "x"}, zzz=1)}},
        {"OPENCODE_CONFIG_CONTENT": '{"small_model": "c/d"}', "XDG_CONFIG_HOME": "/data"},
    )
    found = judge(expectation(), seen, evidence(seen, on_path=False, also=(HOME,)))
    assert len(found) > 5
    assert all(entry.code in CODES and entry.next_step and entry.message for entry in found)


def test_a_plugin_that_sends_another_key_blocks() -> None:
    """Seen where opencode prints keys, below 1.18.33; later ones print `***` for each."""
    seen = survey({USER_FILE: user(plugin=["corp-plugin@1"])})
    proof = evidence(seen, plugins=Answer(user(), key="b"))
    answers = {environment: replace(answer, key="a") for environment, answer in proof.answers.items()}
    found = judge(expectation(), seen, replace(proof, answers=answers))
    assert blockers(found) == [
        ("plugins_change_config", "plugin", "provider.gonkagate.options.apiKey", "durable")
    ]


def test_a_plugin_of_this_session_alone_blocks_this_session() -> None:
    seen = survey(GOOD, {"OPENCODE_CONFIG_CONTENT": '{"plugin": ["evil"]}'})
    changed = {Environment.SESSION: as_printed(Answer({**user(), "model": "evil/model", "plugin": ["evil"]}))}
    found = judge(expectation(), seen, replace(evidence(seen, config=user()), plugins=changed))
    assert blockers(found) == [("plugins_change_config", "plugin", "model", "session")]
    assert "evil" in found[0].message


# -- what opencode masks, and what stands in files that are not read


@pytest.mark.parametrize("value", ["{file:./url}", "http://u:p@127.0.0.1/v1"])
def test_a_masked_address_is_another_address(value: str) -> None:
    """opencode 1.18.33 prints `***` for an address with a password in it, and would send the key there."""
    seen = survey({**GOOD, PROJECT_FILE: gonkagate(options={"baseURL": value})})
    found = judge(expectation(), seen, evidence(seen, config=with_base_url("***")))
    assert blockers(found) == [
        ("provider_overridden", "project_config", "provider.gonkagate.options.baseURL", "durable")
    ]


def test_a_masked_address_that_nobody_set_is_inferred() -> None:
    seen = survey(GOOD)
    found = judge(expectation(), seen, evidence(seen, config=with_base_url("***")))
    assert blockers(found) == [
        ("provider_overridden", "inferred_higher_precedence", "provider.gonkagate.options.baseURL", "durable")
    ]


def with_base_url(address: str) -> dict[str, Any]:
    config = json.loads(json.dumps(user()))
    config["provider"]["gonkagate"]["options"]["baseURL"] = address
    return dict(config)


def test_a_value_from_a_file_is_no_prediction_and_no_excuse() -> None:
    seen = survey({**GOOD, PROJECT_FILE: {"model": "{file:./model}"}})
    assert blockers(predict(expectation(), seen)) == []
    found = judge(expectation(), seen, evidence(seen, config={**user(), "model": "a/b"}))
    assert blockers(found) == [("model_overridden", "project_config", "model", "durable")]
    found = judge(expectation(), seen, evidence(seen, config={**user(), "model": "{file:./model}"}))
    assert blockers(found) == [("model_overridden", "project_config", "model", "durable")]


def test_a_value_from_a_file_below_the_culprit_is_not_blamed() -> None:
    files = {
        **GOOD,
        PROJECT_FILE: {"model": "{file:./m}"},
        f"{ROOT}/.opencode/opencode.json": {"model": "a/b"},
    }
    seen = survey(files)
    found = judge(expectation(), seen, evidence(seen))
    assert blockers(found) == [("model_overridden", "dot_opencode", "model", "durable")]


def test_what_the_user_added_is_the_users_in_parts_and_with_unknown_keys() -> None:
    first = user()
    first["provider"] = json.loads(json.dumps(first["provider"]))
    first["provider"]["gonkagate"]["models"]["mine"] = {"id": "my/own", "description": "opencode drops this"}
    seen = survey({USER_FILE: first, USER_JSONC: gonkagate(models={"mine": {"name": "Mine"}})})
    config = json.loads(json.dumps(first))
    config["provider"]["gonkagate"]["models"]["mine"] = {"id": "my/own", "name": "Mine"}
    found = judge(expectation(), seen, evidence(seen, config=config))
    assert blockers(found) == []
    assert "provider_extended" in {entry[0] for entry in notices(found)}


@pytest.mark.parametrize("value", ["openai/gpt-5#high", {"providerID": "openai", "model": "gpt-5"}])
def test_a_model_in_the_words_of_opencode_2_is_explained(value: Any) -> None:
    seen = survey({**GOOD, PROJECT_FILE: {"model": value}})
    found = judge(expectation(), seen, evidence(seen, config={**user(), "model": "openai/gpt-5"}))
    assert blockers(found) == [("model_overridden", "project_config", "model", "durable")]


def test_a_variant_that_an_old_opencode_keeps_is_another_model() -> None:
    seen = survey({**GOOD, PROJECT_FILE: {"model": f"{REFERENCE}#high"}})
    found = judge(expectation(), seen, evidence(seen, config={**user(), "model": f"{REFERENCE}#high"}))
    assert blockers(found) == [("model_overridden", "project_config", "model", "durable")]
    assert blockers(judge(expectation(), seen, evidence(seen, config=user()))) == []


def test_a_missing_model_is_missing_and_not_hidden_by_somebody() -> None:
    config = json.loads(json.dumps(user()))
    del config["provider"]["gonkagate"]["models"][MODEL]
    seen = survey({USER_FILE: config})
    found = judge(expectation(), seen, evidence(seen, config=config, models=Gated()))
    assert {entry.code for entry in found if entry.blocks} == {"provider_incomplete"}


# -- which agent opencode starts with


def test_without_build_and_plan_the_one_that_disabled_build_is_named() -> None:
    off = {"agent": {"build": {"disable": True}, "plan": {"disable": True}}}
    seen = survey({**GOOD, PROJECT_FILE: off})
    found = judge(expectation(), seen, evidence(seen))
    assert blockers(found) == [("agent_unusable", "project_config", "agent.build.disable", "durable")]


def test_the_terminal_interface_starts_with_the_first_by_name_and_run_with_the_first_defined() -> None:
    agents = {"build": {"disable": True}, "zed": {"model": "a/b"}, "ask": {"model": "c/d"}}
    seen = survey({**GOOD, PROJECT_FILE: {"agent": agents}})
    found = judge(expectation(), seen, evidence(seen))
    assert blockers(found) == [("agent_model_overridden", "project_config", "agent.ask.model", "durable")]
    agents["plan"] = {"disable": True}
    seen = survey({**GOOD, PROJECT_FILE: {"agent": agents}})
    found = judge(expectation(), seen, evidence(seen))
    assert [entry[2] for entry in blockers(found)] == ["agent.zed.model", "agent.ask.model"]


def test_an_agent_whose_name_is_a_number_comes_first() -> None:
    """JavaScript's order of keys; `opencode run` 1.18.33 starts with the agent "1" where there is one."""
    seen = survey({**GOOD, PROJECT_FILE: {"agent": {"7": {"model": "a/b"}, "1": {"mode": "subagent"}}}})
    found = judge(expectation(), seen, evidence(seen))
    assert blockers(found) == [("agent_model_overridden", "project_config", "agent.7.model", "durable")]


def test_a_named_agent_that_only_a_file_describes_is_known() -> None:
    files = {
        **GOOD,
        PROJECT_FILE: {"default_agent": "x"},
        f"{ROOT}/.opencode/agent/x.md": "---\ndescription: d\n---\n",
    }
    assert blockers(predict(expectation(), survey(files))) == []


def test_an_agent_of_opencode_2_is_foreseen_and_named_as_it_is_written() -> None:
    seen = survey({**GOOD, PROJECT_FILE: {"agents": {"build": {"model": "a/b"}}}})
    assert blockers(predict(expectation(), seen)) == [
        ("agent_model_overridden", "project_config", "agents.build.model", "durable")
    ]


# -- ways out


def test_a_file_further_down_than_the_projects_own_has_no_way_out_by_project_scope() -> None:
    nested = f"{ROOT}/nested/opencode.json"
    for path, offered in ((nested, False), (PROJECT_FILE, True)):
        seen = survey({**GOOD, path: {**SCHEMA, "model": "a/b"}}, cwd=ROOT / "nested")
        (found,) = judge(expectation(), seen, evidence(seen))
        assert ("--scope project" in found.next_step) is offered, path


def test_a_command_with_a_model_of_its_own_is_named_by_its_file() -> None:
    path = f"{ROOT}/.opencode/command/fix.md"
    seen = survey({**GOOD, path: "---\ndescription: d\nmodel: openai/gpt-5\n---\n"})
    (found,) = judge(expectation(), seen, evidence(seen))
    assert (found.code, found.severity, found.path, found.line) == ("agent_model", "notice", path, 3)


def test_what_no_layer_explains_is_not_promised_to_be_written() -> None:
    seen = survey(GOOD)
    config = {**user(), "command": {"fix": {"model": "openai/gpt-5"}}}
    (found,) = judge(expectation(), seen, evidence(seen, config=config))
    assert (found.code, found.next_step) == ("agent_model", "no action needed")


def test_an_agent_file_that_opencode_refuses_is_named_as_such() -> None:
    path = f"{ROOT}/.opencode/agent/x.md"
    failure = Refusal(
        "effective_config_command_failed", "opencode refuses a value", where=Where(path), next_step="x"
    )
    seen = survey({**GOOD, path: "---\ntemperature: hot\n---\n"})
    proof = replace(evidence(seen), answers=dict.fromkeys(Environment, Answer(failure=failure)))
    (found,) = judge(expectation(), seen, proof)
    assert (found.layer, found.path) == ("agent_markdown", path)


def test_a_server_that_config_comes_from_is_named_when_opencode_names_nothing() -> None:
    failure = Refusal(
        "effective_config_command_failed", "it failed", where=Where("/usr/bin/opencode"), next_step="try it"
    )
    seen = survey(GOOD, traces=Traces(well_known=("https://corp.example",)))
    proof = replace(evidence(seen), answers=dict.fromkeys(Environment, Answer(failure=failure)))
    (found,) = judge(expectation(), seen, proof)
    assert "https://corp.example" in found.next_step


def test_the_default_agent_that_comes_into_force_is_told_at_once() -> None:
    below = {"default_agent": "plan", "agent": {"plan": {"model": "a/b"}, "build": {"model": "c/d"}}}
    dot = str(ROOT / ".opencode/opencode.json")
    seen = survey({**GOOD, PROJECT_FILE: below, dot: {"default_agent": "nobody"}})
    assert blockers(judge(expectation(), seen, evidence(seen))) == [
        ("agent_unusable", "dot_opencode", "default_agent", "durable"),
        ("agent_model_overridden", "project_config", "agent.plan.model", "durable"),
    ]


def test_what_stands_behind_a_refused_default_agent_is_told_at_once() -> None:
    config = {"default_agent": "nobody", "agent": {"build": {"model": "a/b"}}}
    seen = survey({**GOOD, PROJECT_FILE: config})
    assert blockers(judge(expectation(), seen, evidence(seen))) == [
        ("agent_unusable", "project_config", "default_agent", "durable"),
        ("agent_model_overridden", "project_config", "agent.build.model", "durable"),
    ]


# Variables that name the wrong kind of thing (opencode#42116)
@pytest.mark.parametrize(
    ("variable", "place", "said", "wanted"),
    [
        ("OPENCODE_CONFIG", "/w/dir", "BadResource: FileSystem.readFile (/w/dir)", "a file"),
        ("OPENCODE_CONFIG_DIR", "/w/f", "BadResource: FileSystem.readFile (/w/f/opencode.json)", "a folder"),
        # 1.14.34 does not make the folder.
        ("OPENCODE_CONFIG_DIR", "/w/no", "NotFound: FileSystem.writeFile (/w/no/.gitignore)", "a folder"),
    ],
)
def test_p3_a_variable_that_names_the_wrong_thing_is_named(
    variable: str, place: str, said: str, wanted: str
) -> None:
    failure = Refusal(
        "effective_config_command_failed", f"it failed: {said}", where=Where("/bin/opencode"), next_step="x"
    )
    seen = survey(GOOD, {variable: place})
    proof = evidence(seen)
    answers = {name: Answer(failure=failure) for name in Environment}
    (found,) = (
        entry for entry in judge(expectation(), seen, replace(proof, answers=answers)) if entry.path == place
    )
    assert (found.code, found.layer, found.reach) == ("opencode_refused", variable, "durable")
    assert said in found.message
    assert f"set the variable {variable} to {wanted}" in found.next_step
    assert f"`unset {variable}`" in found.next_step


@pytest.mark.parametrize("variable", ["OPENCODE_CONFIG", "OPENCODE_CONFIG_DIR"])
def test_p3_the_preview_names_the_variable_once(variable: str) -> None:
    seen = survey(GOOD, {variable: "/w/x"})
    refusal = Refusal("managed_config_read_failed", "it is of the wrong kind", next_step="x")
    names = ("x",) if variable == "OPENCODE_CONFIG" else ("x/opencode.json", "x/opencode.jsonc")
    wrong: dict[PurePath, Reading] = {PurePosixPath("/w", name): Reading.refused(refusal) for name in names}
    seen = replace(seen, readings={**seen.readings, **wrong})
    (found,) = predict(expectation(), seen)
    assert (found.code, found.layer, found.path) == ("config_unreadable", variable, "/w/x")
    assert f"`unset {variable}`" in found.next_step
