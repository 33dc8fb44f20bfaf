"""Which keys of a config are this program's, and which operations follow."""

from __future__ import annotations

import json
from typing import Any

from gonkagate_setup.catalog import GONKAGATE
from gonkagate_setup.changes import ownership
from opencode_config.jsonc import Document, apply, parse
from opencode_config.jsonc.operations import Operation, Remove, Set

CANONICAL: dict[str, Any] = {"provider": {"gonkagate": GONKAGATE.provider_config()}}
BINDING = "{file:~/.gonkagate/opencode/api-key}"


def written(config: dict[str, Any]) -> Document:
    return parse(json.dumps(config, indent=2))


def applied(config: dict[str, Any], operations: list[Operation]) -> dict[str, Any]:
    """Carry operations out on plain values: the oracle for what they mean."""
    for operation in operations:
        parent: Any = config
        for key in operation.path[:-1]:
            parent = parent.setdefault(key, {})
        if isinstance(operation, Set):
            parent[operation.path[-1]] = operation.value
        else:
            parent.pop(operation.path[-1], None)
    return config


def test_the_canonical_provider_is_spelled_out() -> None:
    assert GONKAGATE.provider_config() == {
        "name": "GonkaGate",
        "npm": "@ai-sdk/openai-compatible",
        "options": {"baseURL": "https://api.gonkagate.com/v1", "apiKey": BINDING},
        "models": {
            "kimi-k2.6": {"id": "moonshotai/Kimi-K2.6", "name": "Kimi K2.6"},
            "qwen3-235b-a22b-instruct-2507-fp8": {
                "id": "qwen/qwen3-235b-a22b-instruct-2507-fp8",
                "name": "Qwen3 235B A22B Instruct 2507 FP8",
                "limit": {"context": 262144, "output": 8192},
                "tool_call": True,
            },
            "minimax-m2.7": {"id": "minimaxai/minimax-m2.7", "name": "MiniMax M2.7"},
        },
    }


def test_a_config_without_the_provider_gets_it_in_one_piece() -> None:
    whole = [Set(("provider", "gonkagate"), GONKAGATE.provider_config())]
    assert ownership.provider_operations(GONKAGATE, written({"theme": "x"})) == whole
    assert ownership.provider_operations(GONKAGATE, written({"provider": {"other": {}}})) == whole


def test_a_converged_config_needs_nothing() -> None:
    assert ownership.provider_operations(GONKAGATE, written(CANONICAL)) == []


def test_what_the_user_added_to_the_provider_stays() -> None:
    mine = {
        "provider": {
            "gonkagate": {
                "name": "My Gonka",
                "options": {"timeout": 5, "apiKey": "literal"},
                "models": {"own": {"id": "own/model"}, "kimi-k2.6": {"id": "wrong", "cost": {"input": 1}}},
            }
        }
    }
    after = applied(mine, ownership.provider_operations(GONKAGATE, written(mine)))["provider"]["gonkagate"]
    assert after["options"]["timeout"] == 5
    assert after["models"]["own"] == {"id": "own/model"}
    assert after["models"]["kimi-k2.6"] == {
        "id": "moonshotai/Kimi-K2.6",
        "name": "Kimi K2.6",
        "cost": {"input": 1},
    }
    assert (after["name"], after["options"]["apiKey"]) == ("GonkaGate", BINDING)


def test_the_npm_tools_mistake_goes_only_when_it_is_the_npm_tools() -> None:
    theirs = {"provider": {"gonkagate": {**GONKAGATE.provider_config(), "api": "chat_completions"}}}
    assert ownership.provider_operations(GONKAGATE, written(theirs)) == [
        Remove(("provider", "gonkagate", "api"))
    ]
    own = {"provider": {"gonkagate": {**GONKAGATE.provider_config(), "api": "https://mine"}}}
    assert ownership.provider_operations(GONKAGATE, written(own)) == []


def test_true_is_not_one() -> None:
    config = {"provider": {"gonkagate": GONKAGATE.provider_config()}}
    config["provider"]["gonkagate"]["models"]["qwen3-235b-a22b-instruct-2507-fp8"]["tool_call"] = 1
    assert [type(operation) for operation in ownership.provider_operations(GONKAGATE, written(config))] == [
        Set
    ]


def test_activation_sets_both_keys_and_only_where_they_differ() -> None:
    config = {"model": "gonkagate/kimi-k2.6", "small_model": "anthropic/claude"}
    assert ownership.activation_operations(config, "gonkagate/kimi-k2.6") == [
        Set(("small_model",), "gonkagate/kimi-k2.6")
    ]


def test_stale_activation_goes_only_where_it_is_proved_ours() -> None:
    owned = frozenset({"gonkagate/kimi-k2.6"})
    config = {"model": "gonkagate/kimi-k2.6", "small_model": "gonkagate/own-model"}
    assert ownership.stale_activation(written(config), owned) == [Remove(("model",))]
    assert ownership.stale_activation(written({"model": ["gonkagate/kimi-k2.6"]}), owned) == []


def test_an_outranked_file_loses_our_keys_and_the_objects_that_held_only_them() -> None:
    assert ownership.outranked_operations(GONKAGATE, written(CANONICAL), frozenset()) == [
        Remove(("provider",))
    ]


def test_an_outranked_file_keeps_what_the_user_added() -> None:
    config = {
        "model": "gonkagate/kimi-k2.6",
        "provider": {
            "gonkagate": {
                "options": {"apiKey": "literal", "timeout": 5},
                "models": {"kimi-k2.6": {"id": "x"}, "own": {"id": "own"}},
            }
        },
    }
    operations = ownership.outranked_operations(
        GONKAGATE, written(config), frozenset({"gonkagate/kimi-k2.6"})
    )
    assert applied(config, operations) == {
        "provider": {"gonkagate": {"options": {"timeout": 5}, "models": {"own": {"id": "own"}}}}
    }


OWNED = frozenset({"gonkagate/kimi-k2.6", "gonkagate/former"})


def left(text: str) -> str:
    """What is left of a text when the activation and the provider are taken out of it."""
    document = parse(text)
    return apply(document, ownership.outranked_operations(GONKAGATE, document, OWNED)).text


def test_an_earlier_provider_that_is_not_ours_stays_and_does_not_come_back_to_life() -> None:
    mine = '{\n  "provider": {"mine": {"npm": "x"}}, // mine\n  '
    text = mine + '"provider": {"gonkagate": {"api": "chat_completions"}}\n}'
    assert left(text) == mine + '"provider": {}\n}'


def test_an_earlier_provider_goes_along_when_all_of_it_is_ours() -> None:
    ours = '"provider": {"gonkagate": {"api": "chat_completions", "name": "GonkaGate"}}'
    assert left(f'{{"a": 1, {ours}, {ours}}}') == '{"a": 1}'


def test_what_equal_keys_hide_inside_an_object_of_ours_stays() -> None:
    text = '{"provider": {"gonkagate": {"api": "https://mine", "api": "chat_completions"}}}'
    assert left(text) == '{"provider": {"gonkagate": {"api": "https://mine", "api": "https://mine"}}}'
    proto = '{"provider": {"gonkagate": {"__proto__": {}, "api": "chat_completions"}}}'
    assert left(proto) == '{"provider": {"gonkagate": {"__proto__": {}}}}'


def test_an_earlier_model_that_is_not_ours_stays_and_counts() -> None:
    head = '{"model": "x/y", /* mine */ '
    assert left(head + '"model": "gonkagate/kimi-k2.6"}') == head + '"model": "x/y"}'
    assert left('{"model": "gonkagate/former", "model": "gonkagate/kimi-k2.6", "a": 1}') == '{"a": 1}'
    three = '{"model": "a/b", "model": "x/y", "model": "gonkagate/former", "model": "gonkagate/kimi-k2.6"}'
    assert left(three) == three.replace("gonkagate/kimi-k2.6", "x/y")
    # An object is no model, ours or not.
    assert left('{"model": {"x": "gonkagate/former"}}') == '{"model": {"x": "gonkagate/former"}}'


def test_ours_that_a_foreign_one_hides_is_left_alone() -> None:
    provider = '"provider": {"gonkagate": {"name": "G"}}, "provider": 1'
    text = f'{{"model": "gonkagate/former", "model": "x/y", {provider}}}'
    assert left(text) == text
