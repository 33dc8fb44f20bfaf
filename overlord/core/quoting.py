"""A second message that quotes the answers to a first one."""

from __future__ import annotations

from typing import Final

from overlord.core.handoff import cut
from overlord.core.json_values import Json

# Room for the headings and the marks of what was cut.
_ROOM: Final = 4096


def with_answers(text: str, message: Json, most_bytes: int) -> str:
    """The message's text with the answer of each servant below it, in at most `most_bytes` of UTF-8.

    Each answer that is longer than its share is cut and marked. Who did not answer is named.
    """
    results = message["servantResults"]
    answered = [result for result in results if result["state"] == "completed"]
    question = cut(text, most_bytes // 2)
    share = (most_bytes - len(question.encode("utf-8", "surrogatepass")) - _ROOM) // max(len(answered), 1)
    parts = ["The other servants were asked this:", question]
    for result in results:
        name = result["servantId"]
        if result["state"] == "completed":
            parts.append(f"Answer of {name}:\n{cut(result['responseText'] or '', share)}")
        else:
            parts.append(f"No answer from {name}.")
    parts.append("What do you say, having read their answers?")
    return "\n\n".join(parts)
