"""The transcript of a run as Markdown: all texts are quoted line by line, so that none of it is markup."""

from __future__ import annotations

from typing import Iterator

from foundation.terminal.text import visible
from overlord.core.json_values import Json
from overlord.core.registry import usage_of_run

FIRST_LINE = "# Overlord run "


def transcript(registry: Json) -> str:
    """All of the run: servants with their startup, then each message with its answers."""
    lines = [
        f"{FIRST_LINE}{registry['runId']}",
        "",
        f"- Worktree: {visible(registry['worktree'])}",
        f"- Service: {visible(registry['baseUrl'])}",
        f"- State: {registry['state']}",
        f"- Started: {registry['createdAt']}",
        f"- Tokens: {usage_of_run(registry)['totalTokens']:,}",
        "",
        "## Servants",
    ]
    for servant in registry["servants"]:
        lines += ["", *_servant(servant)]
    lines += ["", "## Messages"]
    for message in registry["messages"]:
        lines += ["", *_message(message)]
    return "\n".join(lines) + "\n"


def _servant(servant: Json) -> Iterator[str]:
    yield f"### {visible(servant['name'])} ({servant['id']}, {visible(servant['llmModel'])})"
    yield ""
    state = servant["state"] if servant["blockedReason"] is None else f"blocked ({servant['blockedReason']})"
    yield f"- State: {state}"
    yield f"- Profile: {visible(servant['profile'])}"
    yield f"- Generation: {servant['generation']}"
    yield ""
    for entry in servant["llmMessages"]:
        if entry["role"] != "system" and entry["messageId"] is None:
            yield f"{'Startup' if entry['role'] == 'user' else 'Answer'}, {entry.get('at') or 'no time'}:"
            yield ""
            yield from _quoted(entry["content"])
            yield ""


def _message(message: Json) -> Iterator[str]:
    yield f"### {message['id']} to {visible(message['target'])}, {message['createdAt']}"
    yield ""
    yield from _quoted(message["text"])
    for result in message["servantResults"]:
        yield ""
        if result["state"] == "completed":
            yield f"**{result['servantId']}** ({visible(result['llmModel'])}), {result['completedAt']}:"
            yield ""
            yield from _quoted(result["responseText"] or "")
        else:
            why = result["errorText"] or result["state"]
            yield f"**{result['servantId']}**: no answer ({visible(why)})"


def _quoted(text: str) -> Iterator[str]:
    for line in text.split("\n"):
        yield f"> {visible(line.rstrip(chr(13)).replace(chr(9), '    '))}".rstrip()
