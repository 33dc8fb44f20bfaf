"""What a client's messages say became of the tool calls before them. Pure; no content is kept.

opencode 1.18.33 was asked; what other clients write when their user says no is not known.
"""

from __future__ import annotations

from typing import Any, Final, Mapping, Sequence

ACCEPTED: Final = "accepted"
REFUSED: Final = "refused"
# The client sent a result; whether its user was asked is not known.
REPORTED: Final = "reported"
_MOST: Final = 128
_OPENCODE: Final = "opencode/"
# How the content of the tool message begins.
_REFUSALS: Final = (
    "The user rejected permission to use this specific tool call",
    "The user has specified a rule which prevents you from using this specific tool call",
)


def results(messages: Sequence[Any], user_agent: str | None) -> Mapping[str, str]:
    """By the id of the call, what became of it: of the calls of the last assistant message that has any.

    Earlier ones were heard with earlier requests.
    """
    last = max((place for place, one in enumerate(messages) if _calls(one)), default=None)
    if last is None:
        return {}
    found: dict[str, str] = {}
    known = (user_agent or "").startswith(_OPENCODE)
    for message in messages[last + 1 :]:
        if not isinstance(message, dict) or message.get("role") != "tool":
            continue
        name = message.get("tool_call_id")
        if isinstance(name, str) and name and name not in found and len(found) < _MOST:
            refused = _begins(message.get("content")).startswith(_REFUSALS)
            found[name] = (REFUSED if refused else ACCEPTED) if known else REPORTED
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
