"""A message's state follows the results of its servants."""

from __future__ import annotations

import pytest

from overlord.core import messages
from overlord.core.json_values import Json
from tests.support.overlord_runs import AT, answer, failed, message, ready, redirect


def sent(**outcomes: str) -> Json:
    """A message and what came of it: a text is an answer, a reason a failure."""
    registry = ready()
    slots = dict(zip(("ultra", "normal-1", "normal-2"), outcomes.values()))
    return messages.message_of(
        registry,
        redirect(
            registry,
            "Why?",
            {slot: answer(text) if text[0].isupper() else failed(text) for slot, text in slots.items()},
        ),
    )


@pytest.mark.parametrize(
    ("outcomes", "state", "reason", "text"),
    [
        (("Yes",), "completed", None, "Yes"),
        (("Yes", "No"), "completed", None, None),
        (("timeout",), "failed", "timeout", None),
        (("Yes", "timeout"), "partial", "timeout", None),
        (("timeout", "timeout"), "failed", "timeout", None),
        (("timeout", "rate_limited"), "failed", "several", None),
        (("Yes", "timeout", "rate_limited"), "partial", "several", None),
    ],
)
def test_states(outcomes: tuple[str, ...], state: str, reason: str | None, text: str | None) -> None:
    stored = sent(**{str(place): one for place, one in enumerate(outcomes)})
    assert (stored["state"], stored["failureReason"], stored["responseText"]) == (state, reason, text)
    assert (stored["completedAt"], stored["failedAt"]) == ((None, AT) if state == "failed" else (AT, None))


def test_a_message_that_is_asked_again_is_open_again_and_then_complete() -> None:
    registry = ready()
    message_id = redirect(registry, "Why?", {"ultra": failed(), "normal-1": answer("Yes")})
    stored = messages.message_of(registry, message_id)
    messages.queue_again(stored, messages.failed_slots(stored), AT)
    assert (stored["state"], stored["failureReason"], stored["completedAt"]) == ("queued", None, None)
    assert [result["servantId"] for result in messages.open_results(stored)] == ["ultra"]
    assert messages.result_of(stored, "normal-1")["responseText"] == "Yes"
    messages.complete(stored, "ultra", "Now", None, AT)
    assert (stored["state"], stored["responseText"]) == ("completed", None)


def test_ids_count_on() -> None:
    registry = ready()
    assert messages.next_id(registry) == "m-0001"
    message(registry, "one", "ultra")
    registry["messages"].append({**registry["messages"][0], "id": "m-12345"})
    assert messages.next_id(registry) == "m-12346"
    with pytest.raises(KeyError):
        messages.message_of(registry, "m-9999")
    with pytest.raises(KeyError):
        messages.result_of(registry["messages"][0], "normal-1")
