"""Whatever the config was: what a setup does to it is recorded, and turned back to exactly what it was."""

from __future__ import annotations

import copy
import json
from pathlib import PurePosixPath
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from foundation.files.snapshot import Snapshot
from gonkagate_setup.catalog import GONKAGATE
from gonkagate_setup.changes.history import FileChange, History, key_changes, parse, render, way_back
from gonkagate_setup.changes.plan import KeyAction, build
from gonkagate_setup.choice import Choice, Scope
from opencode_config import jsonc

BINDING = "{file:~/.gonkagate/opencode/api-key}"
PATH = PurePosixPath("/home/me/.config/opencode/opencode.json")

words = st.sampled_from(["a", "name", "options", "models", "kimi-k2.6", "x y", "é"])
scalars: st.SearchStrategy[Any] = st.one_of(
    st.booleans(), st.integers(-5, 5), words, st.just([]), st.just(["gonkagate"])
)
trees = st.recursive(scalars, lambda below: st.dictionaries(words, below, max_size=3), max_leaves=6)
ours = st.fixed_dictionaries(
    {},
    optional={
        "name": words,
        "npm": words,
        "api": st.just("chat_completions"),
        "options": st.dictionaries(st.sampled_from(["baseURL", "apiKey", "timeout"]), words, max_size=3),
        "models": st.dictionaries(
            st.sampled_from([*(model.key for model in GONKAGATE.models), "mine"]),
            st.dictionaries(words, scalars, max_size=2),
            max_size=3,
        ),
    },
)
configs = st.fixed_dictionaries(
    {},
    optional={
        "$schema": words,
        "theme": trees,
        "model": words,
        "small_model": words,
        "provider": st.fixed_dictionaries(
            {}, optional={"gonkagate": ours, "other": st.dictionaries(words, trees, max_size=2)}
        ),
    },
)


def without_literal(config: dict[str, Any]) -> dict[str, Any]:
    """The config as it may come back: never a literal key."""
    wanted = copy.deepcopy(config)
    options = wanted.get("provider", {}).get("gonkagate", {}).get("options", {})
    if "apiKey" in options:
        options["apiKey"] = BINDING
    return wanted


@settings(max_examples=200, deadline=None)
@given(configs, configs, st.sampled_from(Scope), st.integers(0, 2), st.booleans())
def test_back_to_what_it_was(
    config: dict[str, Any], extra: dict[str, Any], scope: Scope, model: int, added: bool
) -> None:
    snapshot = Snapshot(PATH, PATH, json.dumps(config).encode())
    missing = [Snapshot(PATH.with_suffix(".jsonc"), PATH.with_suffix(".jsonc"), None)]
    project = [
        Snapshot(PurePosixPath(f"/p/opencode.{end}"), PurePosixPath(f"/p/{end}"), None) for end in ("a", "b")
    ]
    plan = build(
        GONKAGATE, Choice(GONKAGATE.models[model], scope), KeyAction.KEEP, [snapshot, *missing], project, None
    )
    (change,) = [change for change in plan.configs if change.layer == "user_config"]
    after = jsonc.parse(change.after).value
    keys = key_changes(GONKAGATE, config, after, change.operations)
    file = FileChange(str(PATH), str(PATH), "user_config", True, (), None, (), keys)
    record = History("", (file,), None, ())
    assert parse(render(record)) == record
    now, wanted = copy.deepcopy(after), without_literal(config)
    if added:
        # What somebody adds beside our keys stays.
        now["added later"] = extra
        wanted["added later"] = extra
    document = jsonc.parse(json.dumps(now))
    back = jsonc.apply(document, way_back(keys, document)).value
    assert jsonc.same(back, wanted)
