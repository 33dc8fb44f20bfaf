"""Messages of a run: one redirect to one or more servants, and the result of each."""

from __future__ import annotations

import re
from typing import Final, Iterable, Sequence

from overlord.core import usage
from overlord.core.json_values import Json
from overlord.core.servants import dict_of

OPEN: Final = ("queued", "started")
MESSAGE_ID: Final = re.compile(r"m-([0-9]{4,})")


def next_id(registry: Json) -> str:
    """The id of a new message, such as `m-0001`."""
    numbers = [
        int(match[1]) for message in registry["messages"] if (match := MESSAGE_ID.fullmatch(message["id"]))
    ]
    return f"m-{max(numbers, default=0) + 1:04d}"


def new_message(message_id: str, target: str, text: str, slots: Sequence[str], at: str) -> Json:
    """A message that is stored, and not sent to anybody yet."""
    return {
        "id": message_id,
        "target": target,
        "text": text,
        "createdAt": at,
        "state": "queued",
        "queuedAt": at,
        "startedAt": None,
        "completedAt": None,
        "failedAt": None,
        "responseText": None,
        "failureReason": None,
        "servantResults": [_new_result(slot) for slot in slots],
    }


def _new_result(slot: str) -> Json:
    return {
        "servantId": slot,
        "state": "queued",
        "llmModel": None,
        "llmRequestId": None,
        "responseText": None,
        "errorText": None,
        "failureReason": None,
        "attempts": 0,
        "startedAt": None,
        "completedAt": None,
        "failedAt": None,
        "usage": usage.none_yet(),
    }


def message_of(registry: Json, message_id: str) -> Json:
    """The message with that id; KeyError without one."""
    for message in registry["messages"]:
        if message["id"] == message_id:
            return dict_of(message)
    raise KeyError(message_id)


def result_of(message: Json, slot: str) -> Json:
    """The result of one servant; KeyError without one."""
    for result in message["servantResults"]:
        if result["servantId"] == slot:
            return dict_of(result)
    raise KeyError(slot)


def failed_slots(message: Json) -> list[str]:
    """The servants that did not answer."""
    return [result["servantId"] for result in message["servantResults"] if result["state"] == "failed"]


def open_results(message: Json) -> list[Json]:
    """The results that somebody has to settle."""
    return [result for result in message["servantResults"] if result["state"] in OPEN]


def queue_again(message: Json, slots: Iterable[str], at: str) -> None:
    """Ask these servants again: their results are as new, except for what was used so far."""
    for slot in slots:
        result = result_of(message, slot)
        result.update({**_new_result(slot), "usage": result["usage"]})
    message.update(state="queued", queuedAt=at, completedAt=None, failedAt=None, failureReason=None)


def start(message: Json, slot: str, model: str, at: str) -> None:
    """A servant is being asked."""
    result_of(message, slot).update(state="started", llmModel=model, startedAt=at)
    message["state"] = "started"
    message["startedAt"] = message["startedAt"] or at


def complete(message: Json, slot: str, text: str, request_id: str | None, at: str) -> None:
    """A servant answered."""
    result_of(message, slot).update(
        state="completed", responseText=text, llmRequestId=request_id, completedAt=at, failureReason=None
    )
    _roll_up(message, at)


def fail(message: Json, slot: str, reason: str, error_text: str, request_id: str | None, at: str) -> None:
    """A servant did not answer."""
    result_of(message, slot).update(
        state="failed", errorText=error_text, failureReason=reason, llmRequestId=request_id, failedAt=at
    )
    _roll_up(message, at)


def _roll_up(message: Json, at: str) -> None:
    results = message["servantResults"]
    if any(result["state"] in OPEN for result in results):
        return
    failed = [result for result in results if result["state"] == "failed"]
    reasons = {result["failureReason"] for result in failed}
    message["failureReason"] = None if not reasons else reasons.pop() if len(reasons) == 1 else "several"
    message["responseText"] = results[0]["responseText"] if len(results) == 1 else None
    if len(failed) == len(results):
        message.update(state="failed", failedAt=at)
    else:
        message.update(state="partial" if failed else "completed", completedAt=at)
