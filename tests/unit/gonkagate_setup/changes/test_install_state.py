"""The setup record: what is read of it, and that exactly five fields are written."""

from __future__ import annotations

import json
from datetime import datetime, timezone

import pytest

from gonkagate_setup.changes.install_state import State, fields, parse, render, render_fields, timestamp
from gonkagate_setup.choice import Scope

NPM_STATE = {
    "currentTransport": "chat_completions",
    "installerVersion": "0.2.5",
    "lastDurableSetupAt": "2026-05-20T10:11:12.345Z",
    "selectedModelKey": "kimi-k2.6",
    "selectedScope": "project",
}


def _bytes(value: object) -> bytes:
    return json.dumps(value).encode()


def test_the_npm_tools_state_is_read() -> None:
    assert parse(_bytes(NPM_STATE)) == State(
        transport="chat_completions",
        version="0.2.5",
        last_durable_setup_at="2026-05-20T10:11:12.345Z",
        model_key="kimi-k2.6",
        scope=Scope.PROJECT,
    )


def test_the_older_timestamp_field_is_read() -> None:
    older = {key: value for key, value in NPM_STATE.items() if key != "lastDurableSetupAt"}
    older["lastSuccessfulSetupAt"] = "2026-04-01T00:00:00.000Z"
    state = parse(_bytes(older))
    assert state is not None
    assert (state.last_durable_setup_at, state.repaired) == ("2026-04-01T00:00:00.000Z", None)


@pytest.mark.parametrize("field", ["lastDurableSetupAt", "lastSuccessfulSetupAt"])
@pytest.mark.parametrize("stamp", ["\ud800", "\x1b[2J", "2026\n"])
def test_a_timestamp_that_cannot_be_written_again_is_dropped(field: str, stamp: str) -> None:
    state = parse(
        _bytes({**{key: NPM_STATE[key] for key in ("currentTransport", "selectedModelKey")}, field: stamp})
    )
    assert state is not None
    assert (state.last_durable_setup_at, state.model_key) == (None, "kimi-k2.6")
    assert render_fields(fields(state)).decode("utf-8")


def test_no_file_is_no_state() -> None:
    assert parse(None) is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe{}",
        b"[" * 200_000,
        _bytes({**NPM_STATE, "selectedScope": "galaxy"}),
        _bytes({**NPM_STATE, "selectedModelKey": 7}),
        _bytes({**NPM_STATE, "fieldOfTheFuture": True}),
        _bytes({"selectedScope": "user"}),
    ],
)
def test_a_corrupt_or_newer_file_is_named_and_never_fatal(data: bytes) -> None:
    state = parse(data)
    assert state is not None
    assert state.repaired


def test_what_a_newer_file_still_says_is_used() -> None:
    state = parse(_bytes({**NPM_STATE, "fieldOfTheFuture": True}))
    assert state is not None
    assert (state.model_key, state.scope) == ("kimi-k2.6", Scope.PROJECT)


def test_exactly_the_five_fields_are_written() -> None:
    data = render(
        transport="chat_completions",
        version="1.0.0",
        last_durable_setup_at="2026-11-21T03:04:05.000Z",
        model_key="kimi-k2.6",
        scope=Scope.USER,
    )
    assert data.endswith(b"}\n")
    assert json.loads(data) == {
        "currentTransport": "chat_completions",
        "installerVersion": "1.0.0",
        "lastDurableSetupAt": "2026-11-21T03:04:05.000Z",
        "selectedModelKey": "kimi-k2.6",
        "selectedScope": "user",
    }


def test_the_timestamp_is_the_npm_tools() -> None:
    assert timestamp(datetime(2026, 1, 2, 3, 4, 5, 6_999, timezone.utc)) == "2026-01-02T03:04:05.006Z"
