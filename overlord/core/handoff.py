"""What a new conversation learns about the one that it replaces: at most 8 KiB, made without a request."""

from __future__ import annotations

from typing import Final, Iterator

from overlord.core.json_values import Json
from overlord.core.messages import result_of

MOST_BYTES: Final = 8 * 1024
_NOTE_BYTES: Final = 1024
_TEXT_BYTES: Final = 1200
_ANSWER_BYTES: Final = 500
_ANSWER_LINES: Final = 4
_MARK: Final = " [cut]"
_LEFT_OUT: Final = "Older messages are left out [cut]."
_ROOM_FOR_MARK: Final = 64


def handoff(registry: Json, servant: Json, note: str | None) -> str:
    """The text for the servant's successor; `servant` is still the one that is replaced."""
    reason = servant["blockedReason"] or "on request"
    lines = [
        "Handoff from your predecessor in this slot.",
        f"Slot: {servant['id']}. Role: {servant['role']}. Profile: {servant['profile']}.",
        f"Generation: {servant['generation'] + 1}.",
        f"Why it was replaced: {reason}.",
    ]
    if note:
        lines.append(f"Note: {cut(note, _NOTE_BYTES)}")
    text = "\n".join(lines)
    for block in (*_failed(registry, servant["id"]), *_answered(registry, servant["id"])):
        if _bytes(text) + _bytes(block) + _ROOM_FOR_MARK > MOST_BYTES:
            return f"{text}\n{_LEFT_OUT}"
        text = f"{text}\n{block}"
    return text


def _failed(registry: Json, slot: str) -> Iterator[str]:
    """Each message that was not answered, the newest first; whole, or shorter and marked as cut."""
    failed = [
        (message, result) for message, result in _results(registry, slot) if result["state"] == "failed"
    ]
    each = max(80, min(_TEXT_BYTES, (MOST_BYTES // 2) // max(len(failed), 1) - _ROOM_FOR_MARK))
    for message, result in failed:
        yield f"Not answered, {message['id']} ({result['failureReason']}): {cut(message['text'], each)}"


def _answered(registry: Json, slot: str) -> Iterator[str]:
    """The last redirects with the first lines of their answers, the newest first."""
    for message, result in _results(registry, slot):
        if result["state"] == "completed":
            text = result["responseText"] or ""
            first = "\n".join(text.split("\n")[:_ANSWER_LINES])
            shown = cut(first, _ANSWER_BYTES)
            more = "" if shown.endswith(_MARK) or first == text else _MARK
            yield f"Answered, {message['id']}: {cut(message['text'], _ANSWER_BYTES)}\nAnswer: {shown}{more}"


def _results(registry: Json, slot: str) -> Iterator[tuple[Json, Json]]:
    for message in reversed(registry["messages"]):
        if any(result["servantId"] == slot for result in message["servantResults"]):
            yield message, result_of(message, slot)


def cut(text: str, most: int) -> str:
    """`text`, or its beginning in at most that many bytes of UTF-8, marked as cut."""
    data = text.encode("utf-8", "surrogatepass")
    if len(data) <= most:
        return text
    return data[:most].decode("utf-8", "ignore") + _MARK


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))
