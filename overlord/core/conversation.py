"""A servant's conversation: what is stored, what goes over the wire, whether it is sound.

An entry has role, content, at, messageId (None for the system message and the startup), and on user entries
state: pending, answered or failed. The answer of a user entry is the entry after it.
"""

from __future__ import annotations

from typing import Final, Iterator

from overlord.core.json_values import Json

FULL_BYTES: Final = 2 * 1024 * 1024


def begin(entries: list[Json], content: str, message_id: str | None, at: str) -> None:
    """Store a user message as pending: once, at the end; the startup's directly after the system message."""
    entries[:] = [
        entry for entry in entries if not _is_user(entry, message_id) or entry["state"] == "answered"
    ]
    entry = {"role": "user", "content": content, "at": at, "messageId": message_id, "state": "pending"}
    entries.insert(len(entries) if message_id is not None else 1, entry)


def answer(entries: list[Json], message_id: str | None, text: str, at: str) -> None:
    """Store the answer directly after its user message."""
    index = next(
        place
        for place, entry in enumerate(entries)
        if _is_user(entry, message_id) and entry["state"] == "pending"
    )
    entries[index]["state"] = "answered"
    entries.insert(index + 1, {"role": "assistant", "content": text, "at": at, "messageId": message_id})


def fail(entries: list[Json], content: str, message_id: str | None, at: str) -> None:
    """Store that a user message was not answered; it stays there once."""
    open_ = [entry for entry in entries if _is_user(entry, message_id) and entry["state"] != "answered"]
    if not open_ and message_id is not None:
        begin(entries, content, message_id, at)
        open_ = entries[-1:]
    for entry in open_:
        entry["state"] = "failed"


def on_the_wire(entries: list[Json], message_id: str | None) -> list[Json]:
    """What a request for that pending message sends: role and content only.

    The system message, every answered user message with its answer, and the pending one, in order.
    """
    pending = [entry for entry in entries if _is_user(entry, message_id) and entry["state"] == "pending"]
    return [_bare(entry) for entry in (*_settled(entries), *pending)]


def system_only(entries: list[Json]) -> list[Json]:
    """What a liveness check sends before its own line."""
    return [_bare(entry) for entry in entries if entry["role"] == "system"]


def started(entries: list[Json]) -> bool:
    """Whether the startup was answered."""
    return any(_is_user(entry, None) and entry["state"] == "answered" for entry in entries)


def sound(entries: list[Json], assignment: str) -> bool:
    """Whether the system message is first and the only one, and the assignment was stored and answered."""
    if not entries or entries[0]["role"] != "system":
        return False
    if any(entry["role"] == "system" for entry in entries[1:]):
        return False
    pairs = zip(entries, entries[1:])
    return any(
        _is_user(entry, None)
        and entry["state"] == "answered"
        and assignment in entry["content"]
        and following["role"] == "assistant"
        and bool(following["content"])
        for entry, following in pairs
    )


def stored_bytes(entries: list[Json]) -> int:
    """The size of everything that is stored, in bytes of UTF-8."""
    return sum(_size(entry["content"]) for entry in entries)


def _size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _settled(entries: list[Json]) -> Iterator[Json]:
    for entry, following in zip(entries, [*entries[1:], None]):
        if entry["role"] == "system":
            yield entry
        elif (
            entry["role"] == "user"
            and entry["state"] == "answered"
            and following is not None
            and following["role"] == "assistant"
        ):
            yield entry
            yield following


def _bare(entry: Json) -> Json:
    return {"role": entry["role"], "content": entry["content"]}


def _is_user(entry: Json, message_id: str | None) -> bool:
    return bool(entry["role"] == "user" and entry["messageId"] == message_id)
