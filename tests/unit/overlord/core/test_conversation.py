"""A conversation: what is stored, what is sent, what is sound."""

from __future__ import annotations

from typing import Any

import pytest

from overlord.core import conversation
from overlord.core.json_values import Json
from tests.support.overlord_runs import ASSIGNMENT, AT, ready, starting


def entries() -> list[Json]:
    made: list[Json] = ready(1)["servants"][0]["llmMessages"]
    return made


def test_a_retry_moves_the_one_entry_to_the_end() -> None:
    stored = entries()
    conversation.begin(stored, "first", "m-0001", AT)
    conversation.fail(stored, "first", "m-0001", AT)
    conversation.begin(stored, "second", "m-0002", AT)
    conversation.answer(stored, "m-0002", "yes", AT)
    assert [entry["content"] for entry in conversation.on_the_wire(stored, "m-0002")][3:] == ["second", "yes"]
    conversation.begin(stored, "first", "m-0001", AT)
    assert [entry["content"] for entry in stored[3:]] == ["second", "yes", "first"]


def test_a_message_that_was_never_sent_is_stored_as_failed_once() -> None:
    stored = entries()
    for _ in range(2):
        conversation.fail(stored, "busy", "m-0001", AT)
    assert [(entry["content"], entry["state"]) for entry in stored[3:]] == [("busy", "failed")]


def test_a_failed_startup_is_not_sent_along_and_can_be_repeated() -> None:
    stored = starting(1)["servants"][0]["llmMessages"]
    conversation.fail(stored, "", None, AT)
    assert not conversation.started(stored)
    assert [entry["role"] for entry in conversation.on_the_wire(stored, None)] == ["system"]
    conversation.begin(stored, "again", None, AT)
    conversation.answer(stored, None, "ACK", AT)
    assert conversation.started(stored)
    assert [entry["content"] for entry in stored[1:]] == ["again", "ACK"]


def damaged(change: Any) -> list[Json]:
    stored = entries()
    change(stored)
    return stored


@pytest.mark.parametrize(
    ("what", "stored"),
    [
        ("nothing", []),
        ("no system message", damaged(lambda stored: stored.pop(0))),
        ("system not first", damaged(lambda stored: stored.insert(0, stored.pop(1)))),
        ("a second system message", damaged(lambda stored: stored.append(dict(stored[0])))),
        ("no answer", damaged(lambda stored: stored.pop(2))),
        ("an empty answer", damaged(lambda stored: stored[2].update(content=""))),
        ("another assignment", damaged(lambda stored: stored[1].update(content="Do something else."))),
        ("pending", damaged(lambda stored: stored[1].update(state="pending"))),
    ],
)
def test_what_is_not_sound(what: str, stored: list[Json]) -> None:
    assert not conversation.sound(stored, ASSIGNMENT), what


def test_a_whole_conversation_is_sound() -> None:
    assert conversation.sound(entries(), ASSIGNMENT)
