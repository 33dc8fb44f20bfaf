"""The scripted answers: what is said depends only on the conversation that was sent.

A prompt may hold one order, anywhere in it:
  WRITE <file>: <text>          a `write` tool call, then a closing answer
  EDIT <file>: <old> => <new>   `read`, then `edit`, then a closing answer
Any other prompt gets a plain answer that counts the turns and quotes the first prompt, which shows
that the whole conversation came along.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Mapping, Sequence

from tests.stand_in.records import is_title, text_of

TITLE = "A session with the stand-in"
GREETING = "Hello from the GonkaGate stand-in."

_WRITE = re.compile(r"WRITE (?P<file>\S+): (?P<text>[^\n]*)")
_EDIT = re.compile(r"EDIT (?P<file>\S+): (?P<old>.+?) => (?P<new>[^\n]*)")


@dataclass(frozen=True)
class Answer:
    """Either text, or a call of `tool` with `arguments`."""

    text: str = ""
    tool: str | None = None
    arguments: Mapping[str, Any] | None = None

    def pieces(self) -> list[str]:
        """The answer's text or argument JSON, cut into the pieces that are streamed."""
        if self.tool is not None:
            whole = json.dumps(self.arguments)
            return [whole[start : start + 16] for start in range(0, len(whole), 16)]
        return re.findall(r"\S+\s*", self.text) or [""]


def answer(body: Mapping[str, Any]) -> Answer:
    """The answer to a chat-completions body."""
    if is_title(body):
        return Answer(text=TITLE)
    messages: Sequence[Mapping[str, Any]] = body["messages"]
    users = [index for index, message in enumerate(messages) if message["role"] == "user"]
    prompt = _unquoted(text_of(messages[users[-1]]))
    done = sum(1 for message in messages[users[-1] :] if message["role"] == "tool")
    steps = _steps(prompt)
    if done < len(steps):
        return steps[done]
    if steps:
        return Answer(text=f"Done: {steps[-1].tool} was carried out.")
    first = _unquoted(text_of(messages[users[0]]))
    return Answer(text=f"{GREETING} This is turn {len(users)}; the first prompt was: {first}")


def _steps(prompt: str) -> list[Answer]:
    write = _WRITE.search(prompt)
    if write:
        return [Answer(tool="write", arguments={"filePath": write["file"], "content": write["text"] + "\n"})]
    edit = _EDIT.search(prompt)
    if edit:
        change = {"filePath": edit["file"], "oldString": edit["old"], "newString": edit["new"]}
        return [
            Answer(tool="read", arguments={"filePath": edit["file"]}),
            Answer(tool="edit", arguments=change),
        ]
    return []


def _unquoted(prompt: str) -> str:
    # `opencode run` puts an argument that holds spaces between double quotes.
    text = prompt.strip()
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text
