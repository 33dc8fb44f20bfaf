"""The models of the gateway's demo: they edit a file, and then want to push."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from tests.stand_in.model_backend import Answer, Received, call, chunk, finish, stream, whole

BEFORE: Final = "price = 1\n"
AFTER: Final = "price = 2\n"


def answer(request: Received) -> Answer:
    """A model that edits a file, then wants to push, as the conversation goes on."""
    if request.method == "GET":  # `check` and `models` ask whether it is there
        return whole({"object": "list", "data": []})
    asked = request.json()
    if not asked.get("tools"):
        return stream(chunk("A new price"), finish())
    results = [one for one in asked["messages"] if one["role"] == "tool"]
    if results:
        return _calls("Now I push that. ", "bash", {"command": "git push origin main", "description": "push"})
    path = str(Path(_folder(asked), "price.py"))
    return _calls("I change the price. ", "edit", {"filePath": path, "oldString": BEFORE, "newString": AFTER})


def _folder(asked: dict[str, Any]) -> str:
    """opencode says in its prompt where it works."""
    text = json.dumps(asked["messages"], ensure_ascii=False)
    return text.partition("Working directory: ")[2].partition("\\n")[0]


def _calls(said: str, tool: str, arguments: dict[str, str]) -> Answer:
    text = json.dumps(arguments)
    half = len(text) // 2
    return stream(
        chunk(role="assistant", content=""),
        chunk(said),
        call(0, text[:half], tool, "call_1"),
        call(0, text[half:]),
        finish("tool_calls"),
    )
