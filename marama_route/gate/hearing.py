"""What a client's messages say became of the tool calls before them. Pure; no content is kept.

The texts are those that opencode 1.18.33 sent to a model on this machine. What other clients write when their
user says no is not known.
"""

from __future__ import annotations

from typing import Any, Final, Mapping, Sequence

# The user said no, or a rule of the client did.
REFUSED: Final = "refused"
# The client could not run it, and asked nobody.
NOT_RUN: Final = "not_run"
# The client sent a result. opencode also looks for a file before it asks, so nobody may have been asked.
ANSWERED: Final = "answered"
_MOST: Final = 128
_BEGINNINGS: Final = {
    "The user rejected permission to use this specific tool call": REFUSED,
    "The user has specified a rule which prevents you from using this specific tool call": REFUSED,
    "The arguments provided to the tool are invalid: ": NOT_RUN,
}


def results(messages: Sequence[Any]) -> Mapping[str, str]:
    """By the id of the call, what became of it: of the calls of the last assistant message that has any.

    Earlier ones were heard with earlier requests.
    """
    last = max((place for place, one in enumerate(messages) if _calls(one)), default=None)
    if last is None:
        return {}
    found: dict[str, str] = {}
    for message in messages[last + 1 :]:
        if not isinstance(message, dict) or message.get("role") != "tool":
            continue
        name = message.get("tool_call_id")
        if isinstance(name, str) and name and name not in found and len(found) < _MOST:
            text = _begins(message.get("content"))
            found[name] = next(
                (word for known, word in _BEGINNINGS.items() if text.startswith(known)), ANSWERED
            )
    return found


def _calls(message: Any) -> bool:
    return (
        isinstance(message, dict) and message.get("role") == "assistant" and bool(message.get("tool_calls"))
    )


def _begins(content: Any) -> str:
    """The text of a message, or of its first part."""
    if isinstance(content, list):
        first = content[0] if content else None
        content = first.get("text") if isinstance(first, dict) else None
    return content if isinstance(content, str) else ""
