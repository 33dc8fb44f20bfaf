"""Whether making GonkaGate available changes what opencode starts with, if opencode chooses that itself."""

from __future__ import annotations

from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest

from gonkagate_setup.catalog import GONKAGATE
from gonkagate_setup.commands.setup.starting import would_change
from tests.support.surveying import USER_FILE, survey

CATALOGUE = tuple(f"gonkagate/{model.key}" for model in GONKAGATE.validated)


def changes(models: tuple[str, ...], *, available: bool = False, config: str = "{}") -> bool:
    asked: Any = SimpleNamespace(asked_in=lambda *_: SimpleNamespace(models=lambda *_: models))
    terminal = SimpleNamespace(progress=lambda _: nullcontext())
    context: Any = SimpleNamespace(terminal=terminal, host=SimpleNamespace(environ={}), profile=GONKAGATE)
    observed: Any = SimpleNamespace(
        survey=survey({USER_FILE: config}), marker=SimpleNamespace(exists=available)
    )
    return would_change(context, observed, asked) is not None


@pytest.mark.parametrize("others", [("openai/gpt",), ("gonkagate/mine",), ("gonkagate/mine", CATALOGUE[0])])
def test_new_models_may_change_what_opencode_chooses(others: tuple[str, ...]) -> None:
    assert changes(others)


@pytest.mark.parametrize("offered", [(), CATALOGUE, ("gonkagate/mine", *CATALOGUE)])
def test_nothing_changes_without_new_models(offered: tuple[str, ...]) -> None:
    assert not changes(offered)


def test_a_rerun_may_bring_the_catalogue_up_to_date() -> None:
    assert not changes(("gonkagate/mine", CATALOGUE[0]), available=True)
    assert changes(("openai/gpt",), available=True)


def test_a_config_that_names_a_model_decides() -> None:
    assert not changes(("openai/gpt",), config='{"model": "openai/gpt"}')
