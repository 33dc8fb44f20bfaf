"""What a later release takes away of an earlier one, and what it leaves."""

from __future__ import annotations

import copy
from typing import Any

from gonkagate_setup.catalog import GONKAGATE
from gonkagate_setup.changes import ownership
from opencode_config.jsonc.operations import Remove
from tests.support import migrating
from tests.unit.gonkagate_setup.changes.test_ownership import applied, written

CANONICAL: dict[str, Any] = {"provider": {"gonkagate": GONKAGATE.provider_config()}}


def moved(*keys: str) -> dict[str, Any]:
    """Today's config with the override that the rehearsed release with ONE_MODEL wrote."""
    config = copy.deepcopy(CANONICAL)
    for key in keys:
        config["provider"]["gonkagate"]["models"][key]["provider"] = {"npm": "@ai-sdk/openai"}
    return config


def test_a_retired_override_goes_with_the_object_that_held_nothing_else() -> None:
    config = moved("minimax-m2.7")
    override = ("provider", "gonkagate", "models", "minimax-m2.7", "provider")
    assert ownership.provider_operations(migrating.BACK_AGAIN, written(config)) == [Remove(override)]
    assert applied(moved("minimax-m2.7"), [Remove(override)]) == CANONICAL
    config["provider"]["gonkagate"]["models"]["minimax-m2.7"]["provider"]["api"] = "https://mine"
    assert ownership.provider_operations(migrating.BACK_AGAIN, written(config)) == [
        Remove((*override, "npm"))
    ]


def test_a_retired_value_that_is_wanted_again_stays() -> None:
    assert ownership.provider_operations(migrating.ONE_MODEL_AGAIN, written(moved("minimax-m2.7"))) == []


def test_only_the_earlier_releases_own_override_is_retired() -> None:
    config = moved("kimi-k2.6")
    config["provider"]["gonkagate"]["models"]["minimax-m2.7"]["provider"] = {"npm": "@my/adapter"}
    assert ownership.provider_operations(migrating.BACK_AGAIN, written(config)) == []


def test_a_whole_provider_change_leaves_no_override_behind() -> None:
    config = moved("minimax-m2.7")
    after = applied(config, ownership.provider_operations(migrating.WHOLE_PROVIDER, written(config)))
    expected = copy.deepcopy(CANONICAL)
    expected["provider"]["gonkagate"]["npm"] = "@ai-sdk/openai"
    assert after == expected
