"""What an answer or a failure changes: each result once, each with its ledger event."""

from __future__ import annotations

import pytest

from overlord.core import messages
from overlord.core.registry import UNLEDGERED
from overlord.core.servants import servant_of
from overlord.work import settling
from tests.support.overlord_runs import AT, answer, begin, failed, message, ready, redirect, starting

LATER = "2026-11-27T11:39:00.000Z"


def test_a_result_is_settled_once() -> None:
    registry = ready()
    message_id = redirect(registry, "Why?", {"ultra": answer("Yes")})
    before = len(registry[UNLEDGERED])
    assert settling.redirect(registry, message_id, "ultra", failed("stopped"), LATER) is False
    assert len(registry[UNLEDGERED]) == before
    assert messages.message_of(registry, message_id)["responseText"] == "Yes"


@pytest.mark.parametrize(
    ("reason", "state"),
    [
        ("timeout", "blocked"),
        ("interrupted", "blocked"),
        ("recovery_unproved", "blocked"),
        ("no_text", "blocked"),
        ("servant_busy", "ready"),
        ("conversation_full", "ready"),
    ],
)
def test_a_failure_blocks_unless_nothing_was_asked(reason: str, state: str) -> None:
    registry = ready()
    problem = failed() if reason in ("timeout", "recovery_unproved") else failed(reason)
    problem.reason = reason
    redirect(registry, "Why?", {"ultra": problem})
    servant = servant_of(registry, "ultra")
    assert (servant["state"], servant["blockedReason"]) == (state, None if state == "ready" else reason)
    assert registry["state"] == ("ready" if state == "ready" else "degraded")
    assert servant["llmMessageCount"] == len(servant["llmMessages"]) == 4
    event = registry[UNLEDGERED][-1]
    assert (event["type"], event["slot"], event["errorText"], event["responseText"]) == (
        "redirect",
        "ultra",
        problem.sentence,
        None,
    )


def test_a_blocked_servant_that_stays_unproved_keeps_its_reason() -> None:
    registry = ready()
    redirect(registry, "Why?", {"ultra": failed()})
    problem = failed()
    problem.reason = "recovery_unproved"
    redirect(registry, "Why?", {"ultra": problem})
    assert servant_of(registry, "ultra")["blockedReason"] == "timeout"


def test_an_answer_ends_waiting_for_a_person_and_counts() -> None:
    registry = ready()
    registry["state"] = "awaiting-human"
    message_id = message(registry, "Why?", "ultra")
    begin(registry, message_id, "ultra")
    settling.redirect(registry, message_id, "ultra", answer("Yes", tokens=5), LATER)
    servant = servant_of(registry, "ultra")
    assert registry["state"] == "ready"
    assert (servant["lastUsefulSignalAt"], servant["llmRequestId"]) == (LATER, "req-1")
    assert servant["usage"]["totalTokens"] == 8 + 6
    assert messages.message_of(registry, message_id)["servantResults"][0]["usage"]["totalTokens"] == 6


def test_a_startup_is_settled_once_and_only_while_it_is_open() -> None:
    registry = starting(1)
    assert settling.startup(registry, "ultra", answer(), AT)
    assert not settling.startup(registry, "ultra", failed("stopped"), AT)
    assert settling.startup(registry, "normal-1", failed("stopped"), AT)
    assert [event["slot"] for event in registry[UNLEDGERED]] == ["ultra", "normal-1"]
    assert servant_of(registry, "ultra")["lastAckAt"] == AT


def test_a_liveness_check_is_no_event_and_is_not_kept_in_the_conversation() -> None:
    registry = ready()
    events, stored = len(registry[UNLEDGERED]), len(servant_of(registry, "ultra")["llmMessages"])
    settling.liveness(registry, "ultra", answer(), LATER)
    servant = servant_of(registry, "ultra")
    assert servant["lastLivenessCheckAt"] == servant["lastUsefulSignalAt"] == LATER
    settling.liveness(registry, "ultra", failed(), LATER)
    assert servant["state"] == "blocked"
    assert (len(registry[UNLEDGERED]), len(servant["llmMessages"])) == (events, stored)


def test_a_liveness_check_does_not_wake_a_servant_that_was_stopped() -> None:
    registry = ready()
    servant_of(registry, "ultra")["state"] = "stopped"
    settling.liveness(registry, "ultra", answer(), LATER)
    assert servant_of(registry, "ultra")["state"] == "stopped"
