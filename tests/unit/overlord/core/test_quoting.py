"""A message that quotes answers: everybody is named, and long answers are cut to fit."""

from __future__ import annotations

from overlord.core.messages import message_of
from overlord.core.quoting import with_answers
from tests.support.overlord_runs import answer, failed, ready, redirect

MOST = 256 * 1024


def test_short_answers_are_quoted_word_for_word() -> None:
    registry = ready()
    message_id = redirect(registry, "Why?", {"normal-1": answer("One.\nTwo."), "normal-2": failed()})
    text = with_answers("Why?", message_of(registry, message_id), MOST)
    assert "\n\nWhy?\n\n" in text
    assert "\n\nAnswer of normal-1:\nOne.\nTwo.\n\n" in text
    assert "\n\nNo answer from normal-2.\n\n" in text
    assert "[cut]" not in text


def test_many_long_answers_fit_whatever_their_length() -> None:
    registry = ready(8)
    slots = [servant["id"] for servant in registry["servants"]]
    message_id = redirect(registry, "w" * MOST, {slot: answer("\u00e4" * MOST) for slot in slots})
    text = with_answers("w" * MOST, message_of(registry, message_id), MOST)
    assert MOST - 8192 < len(text.encode()) <= MOST
    assert all(f"Answer of {slot}:\n\u00e4" in text for slot in slots)
    assert text.count(" [cut]") == 1 + len(slots)
