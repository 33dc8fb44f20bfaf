"""A registry: every field counts, private ones are not shown, and its state follows its servants."""

from __future__ import annotations

import copy
import json
from typing import Any, Iterator

import pytest

from overlord.core import registry as registries
from overlord.core.json_values import Json
from overlord.work import settling
from tests.support.overlord_runs import (
    AT,
    RUN_ID,
    TOKEN,
    answer,
    failed,
    message,
    ready,
    redirect,
    rules,
    starting,
)


def full() -> Json:
    registry = ready()
    redirect(registry, "one", {"ultra": answer(), "normal-1": failed()})
    message(registry, "two", "normal-2")
    registry["ownedResources"].append({"kind": "process"})
    return registry


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of everything in a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        yield (*path, key)
        yield from places(item, (*path, key))


PLACES = list(places(full()))


def changed(path: tuple[Any, ...], value: Any) -> Json:
    registry = full()
    owner: Any = registry
    for key in path[:-1]:
        owner = owner[key]
    owner[path[-1]] = value
    return registry


def test_a_registry_of_ours_is_whole() -> None:
    assert registries.what_is_wrong(full(), RUN_ID) is None
    assert registries.what_is_wrong(starting(), RUN_ID) is None
    assert registries.what_is_wrong(full(), "run-20261127T113800Z-000000") == "its runId is another one"


# What a program that does not know it leaves out, and what nobody needs in order to continue.
KEPT_OUT = {"schemaVersion", registries.UNLEDGERED, "kind"}
REQUIRED = sorted(
    {path for path in PLACES if isinstance(path[-1], str) and path[-1] not in KEPT_OUT}, key=str
)


@pytest.mark.parametrize(
    "path", [path for path in REQUIRED if not {"usage", registries.UNLEDGERED} & {*path[:-1]}], ids=str
)
def test_every_field_is_needed_and_has_its_type(path: tuple[Any, ...]) -> None:
    registry = full()
    owner: Any = registry
    for key in path[:-1]:
        owner = owner[key]
    del owner[path[-1]]
    assert registries.what_is_wrong(registry, RUN_ID) is not None
    assert registries.what_is_wrong(changed(path, 1.5), RUN_ID) is not None


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("servants", 0, "id"), "../../elsewhere"),
        (("servants", 0, "id"), "normal-9"),
        (("servants", 0, "id"), "normal-1"),
        (("servants", 0, "role"), "normal"),
        (("servants", 0, "profile"), "full-trust"),
        (("messages", 0, "id"), "../m-0001"),
        (("messages", 0, "id"), "m-0002"),
        (("messages", 0, "servantResults", 0, "servantId"), "normal-8"),
        (("servants",), []),
        (("state",), "idle"),
        (("ownedResources",), [1]),
        ((registries.UNLEDGERED,), {}),
        ((registries.UNLEDGERED,), ["a"]),
        (("servants", 0, "generation"), True),
    ],
    ids=str,
)
def test_names_that_are_file_names_and_words_that_are_states_are_checked(
    path: tuple[Any, ...], value: Any
) -> None:
    assert registries.what_is_wrong(changed(path, value), RUN_ID) is not None


def test_a_note_is_text() -> None:
    registry = full()
    registry[registries.NOTE] = "A note."
    assert registries.what_is_wrong(registry, RUN_ID) is None
    registry[registries.NOTE] = 1
    assert registries.what_is_wrong(registry, RUN_ID) is not None


def test_unknown_fields_are_kept_and_shown_and_private_ones_are_not() -> None:
    registry = full()
    registry["later"] = {"a": 1}
    before = copy.deepcopy(registry)
    shown = registries.public(registry, rules())
    assert registry == before
    assert shown["later"] == {"a": 1}
    text = json.dumps(shown)
    assert TOKEN not in text
    assert not {"runToken", "messages", "ownedResources", registries.UNLEDGERED} & set(shown)
    assert all("llmMessages" not in servant for servant in shown["servants"])


@pytest.mark.parametrize(
    ("outcomes", "state"),
    [
        ([True, True, True], "ready"),
        ([True, False, True], "failed"),
        ([False, False, False], "failed"),
        ([True, True], "starting"),
    ],
)
def test_the_state_after_a_startup(outcomes: list[bool], state: str) -> None:
    registry = starting()
    for servant, good in zip(registry["servants"], outcomes):
        settling.startup(registry, servant["id"], answer() if good else failed(), AT)
    assert registry["state"] == state


@pytest.mark.parametrize(
    ("blocked", "state"),
    [([], "ready"), (["ultra"], "degraded"), (["ultra", "normal-1", "normal-2"], "blocked")],
)
def test_the_state_of_an_open_run(blocked: list[str], state: str) -> None:
    registry = ready()
    for slot in blocked:
        redirect(registry, "x", {slot: failed()})
    assert registry["state"] == state


@pytest.mark.parametrize("state", ["stopped", "awaiting-human"])
def test_a_run_that_was_stopped_or_waits_stays_so(state: str) -> None:
    registry = ready()
    registry["state"] = state
    registries.settle_state(registry)
    assert registry["state"] == state
