"""What a setup did to each key, written down and turned back."""

from __future__ import annotations

import copy
import json
from pathlib import PurePosixPath
from typing import Any, Sequence

import pytest

from foundation.files.snapshot import Snapshot
from gonkagate_setup.catalog import GONKAGATE
from gonkagate_setup.changes.history import (
    FileChange,
    History,
    KeyChange,
    KeyMoved,
    key_changes,
    parse,
    render,
    way_back,
)
from gonkagate_setup.changes.undoing import undo
from opencode_config.jsonc import apply
from opencode_config.jsonc import parse as parse_jsonc
from opencode_config.jsonc.operations import Operation, Remove, Set
from opencode_config.layers import MISSING

MODEL = Set(("model",), "gonkagate/kimi-k2.6")
PROVIDER = Set(("provider", "gonkagate"), {"name": "GonkaGate", "options": {"baseURL": "u", "apiKey": "b"}})
BINDING = "{file:~/.gonkagate/opencode/api-key}"


def done(before: dict[str, Any], operations: Sequence[Operation]) -> tuple[dict[str, Any], Any]:
    document = parse_jsonc(json.dumps(before))
    after = apply(document, operations).value
    return copy.deepcopy(after), key_changes(GONKAGATE, before, after, operations)


def back(keys: Any, config: dict[str, Any]) -> dict[str, Any]:
    document = parse_jsonc(json.dumps(config))
    return apply(document, way_back(keys, document)).value


def history(keys: Any = ()) -> History:
    file = FileChange(
        "/h/opencode.json", "/r/opencode.json", "user_config", True, ("1", "2"), "/h/b", ("/h",), tuple(keys)
    )
    return History("2026-11-21T00:00:00.000Z", (file,), {"selectedScope": "user"}, ("/h/x",))


@pytest.mark.parametrize(
    "before",
    [
        {},
        {"model": "other/model"},
        {"provider": {}},
        {"provider": {"other": {"name": "x"}}, "model": "a/b"},
        {"provider": {"gonkagate": {"api": "chat_completions", "name": "mine"}}},
    ],
)
def test_an_untouched_change_is_turned_back_whole(before: dict[str, Any]) -> None:
    operations: list[Operation] = [MODEL, Set(("made", "on", "the", "way"), True)]
    if "gonkagate" in before.get("provider", {}):
        operations += [Remove(("provider", "gonkagate", "api")), Set(("provider", "gonkagate", "name"), "G")]
    else:
        operations += [PROVIDER]
    after, keys = done(before, operations)
    assert after != before
    assert back(keys, after) == before


def test_what_the_person_added_stays() -> None:
    after, keys = done({}, [PROVIDER, MODEL])
    after["theme"] = "dark"
    after["provider"]["gonkagate"]["options"]["timeout"] = 5
    after["provider"]["other"] = {}
    assert back(keys, after) == {
        "theme": "dark",
        "provider": {"gonkagate": {"options": {"timeout": 5}}, "other": {}},
    }


def test_a_key_that_is_back_already_is_left() -> None:
    after, keys = done({"model": "a/b"}, [MODEL, PROVIDER])
    after["model"] = "a/b"
    del after["provider"]["gonkagate"]["name"]
    assert back(keys, after) == {"model": "a/b"}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("model",), "other/model"),
        (("model",), None),
        (("provider", "gonkagate", "options", "baseURL"), "http://elsewhere"),
        (("provider", "gonkagate"), "text"),
    ],
)
def test_a_key_with_another_value_is_refused_by_name(path: tuple[str, ...], value: Any) -> None:
    after, keys = done({"model": "a/b"}, [MODEL, PROVIDER])
    holder = after
    for key in path[:-1]:
        holder = holder[key]
    if value is None:
        del holder[path[-1]]
    else:
        holder[path[-1]] = value
    if value == "text":
        # The object that we made is gone; nothing of ours is left in it.
        assert back(keys, after)["provider"] == {"gonkagate": "text"}
        return
    with pytest.raises(KeyMoved) as refusal:
        back(keys, after)
    assert refusal.value.path == path


def test_a_removed_key_that_somebody_set_again_is_refused() -> None:
    after, keys = done({"model": "a/b"}, [Remove(("model",))])
    assert back(keys, after) == {"model": "a/b"}
    with pytest.raises(KeyMoved):
        back(keys, {"model": "c/d"})


def test_a_literal_key_is_never_written_down() -> None:
    path = ("provider", "gonkagate", "options", "apiKey")
    for literal in ("gp-former-key-123456", "anything else"):
        _, keys = done({"provider": {"gonkagate": {"options": {"apiKey": literal}}}}, [Set(path, BINDING)])
        assert keys[0].before == BINDING
        assert literal.encode() not in render(history(keys))
    whole = {"provider": {"gonkagate": {"options": {"apiKey": "gp-former-key-123456"}}}}
    _, keys = done(whole, [Remove(("provider",))])
    assert keys[0].before == {"gonkagate": {"options": {"apiKey": BINDING}}}
    _, keys = done({"provider": {"gonkagate": {"options": {"apiKey": "{env:MINE}"}}}}, [Set(path, BINDING)])
    assert keys[0].before == "{env:MINE}"


def test_another_secret_is_withheld_and_then_refused() -> None:
    path = ("provider", "gonkagate", "name")
    before = {"provider": {"gonkagate": {"name": "gp-in-the-wrong-place-1"}}}
    after, keys = done(before, [Set(path, "GonkaGate")])
    assert b"wrong-place" not in render(history(keys))
    with pytest.raises(KeyMoved) as refusal:
        back(keys, after)
    assert "wrong-place" not in refusal.value.reason


def test_the_record_reads_back_as_it_was_written() -> None:
    _, keys = done({"model": "a/b", "provider": {"x": 1}}, [MODEL, PROVIDER, Remove(("provider", "x"))])
    record = history(keys)
    assert parse(render(record)) == record
    assert render(record).endswith(b"}\n")


def test_numbers_and_references_come_back_as_they_were() -> None:
    text = (
        '{"provider": {"gonkagate": {"name": 1e999, "npm": {"a": [-1e999, 12345678901234567890]}, '
        '"options": {"baseURL": {env:URL}}}}}'
    )
    document = parse_jsonc(text)
    operations = [
        Set(("provider", "gonkagate", "name"), "GonkaGate"),
        Set(("provider", "gonkagate", "npm"), "x"),
        Set(("provider", "gonkagate", "options", "baseURL"), "u"),
    ]
    after = apply(document, operations)
    keys = key_changes(GONKAGATE, document.value, after.value, operations)
    record = parse(render(history(keys)))
    assert b"Infinity" not in render(record)
    back_again = apply(after, way_back(record.files[0].keys, after))
    assert back_again.text == text.replace("12345678901234567890", "1.2345678901234567e+19")


def test_taking_back_tells_of_a_key_that_stands_twice() -> None:
    text = '{"theme": 1, "model": "x/y",\n"model": "gonkagate/kimi-k2.6"}'
    path = PurePosixPath("/h/opencode.json")
    change = history([KeyChange(("model",), "a/b", "gonkagate/kimi-k2.6", 0)]).files[0]
    edit = undo(change, Snapshot(path, path, text.encode()), untouched=False, copy=None)
    assert edit is not None
    assert edit.after == text.replace("gonkagate/kimi-k2.6", "a/b")
    assert [one.sentence for one in edit.duplicates] == [
        (
            "model appears twice (lines 1 and 2); "
            "the last one takes effect and is edited; the earlier one is kept"
        )
    ]
    added = history([KeyChange(("model",), MISSING, "gonkagate/kimi-k2.6", 0)]).files[0]
    edit = undo(added, Snapshot(path, path, text.encode()), untouched=False, copy=None)
    assert edit is not None
    assert edit.after == text.replace("gonkagate/kimi-k2.6", "x/y")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{",
        b"\xff",
        b'{"version": 2}',
        b'{"version": 1, "at": 3, "files": [], "state": null, "created": []}',
        b'{"version": 1, "at": "", "files": {}, "state": null, "created": []}',
        b'{"version": 1, "at": "", "files": [{}], "state": null, "created": []}',
        b'{"version": 1, "at": "", "files": [], "state": {"a": 1}, "created": []}',
        b"[" * 100_000,
        render(history()).replace(b'"user_config"', b'"secret"'),
        render(history()).replace(b'"/h/opencode.json"', b'"h/opencode.json"'),
        render(history()).replace(b'"depth": 0', b'"depth": 9').replace(b'"keys": []', b'"keys": [{}]'),
    ],
)
def test_what_is_no_record_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse(data)
