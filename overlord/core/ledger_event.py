"""An event of the ledger: a startup that ended, or a servant's answer to a redirect or its failure."""

from __future__ import annotations

from typing import Final

from overlord.core.json_values import Json

MOST_TEXT: Final = 64 * 1024


def new_event(
    *,
    kind: str,
    at: str,
    message_id: str | None,
    slot: str,
    model: str,
    request_id: str | None,
    response_text: str | None,
    error_text: str | None,
) -> Json:
    """An event without its seq, which it gets when it is appended."""
    return {
        "at": at,
        "type": kind,
        "messageId": message_id,
        "slot": slot,
        "model": model,
        "requestId": request_id,
        "responseText": None if response_text is None else _cut(response_text),
        "errorText": error_text,
    }


def _cut(text: str) -> str:
    data = text.encode("utf-8", "surrogatepass")
    return text if len(data) <= MOST_TEXT else data[:MOST_TEXT].decode("utf-8", "ignore")
