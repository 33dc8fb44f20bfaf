"""A handoff says who, why, and what was said, word for word."""

from __future__ import annotations

from overlord.core.handoff import handoff
from overlord.core.servants import servant_of
from tests.support.overlord_runs import answer, failed, ready, redirect


def test_it_holds_what_the_successor_needs() -> None:
    registry = ready()
    redirect(
        registry,
        "Where is the lock?",
        {"normal-1": answer("In a.py.\nIn b.py.\nIn c.py.\nIn d.py.\nIn e.py.")},
    )
    redirect(registry, "And the other one?", {"normal-1": failed("context_overflow")})
    redirect(registry, "Not for you.", {"normal-2": answer()})
    servant = servant_of(registry, "normal-1")
    text = handoff(registry, servant, "Look at b.py.")
    for part in (
        "Slot: normal-1.", "Role: normal.", "Profile: consultation.", "Generation: 2.",
        "Why it was replaced: context_overflow.", "Note: Look at b.py.",
        "Not answered, m-0002 (context_overflow): And the other one?",
        "Answered, m-0001: Where is the lock?", "In a.py.\nIn b.py.\nIn c.py.\nIn d.py. [cut]",
    ):  # fmt: skip
        assert part in text, part
    assert "In e.py." not in text
    assert "Not for you." not in text


def test_without_a_reason_and_without_messages() -> None:
    registry = ready()
    text = handoff(registry, servant_of(registry, "ultra"), None)
    assert "Why it was replaced: on request." in text
    assert "Note" not in text


def test_long_messages_are_marked_as_cut_and_short_ones_are_whole() -> None:
    registry = ready()
    redirect(registry, "short", {"ultra": failed()})
    redirect(registry, "l" * 20_000, {"ultra": failed()})
    text = handoff(registry, servant_of(registry, "ultra"), None)
    assert "): short" in text
    assert "l" * 500 in text
    assert "[cut]" in text
