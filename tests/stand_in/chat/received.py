"""What reached the service: each request with its conversation, its times, and what is wrong with it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Mapping, Sequence

# "left": the client closed the connection before the response was complete; "cut": the stand-in did;
# "stopped": the stand-in was stopped meanwhile.
Outcome = Literal["answered", "cut", "left", "stopped"]

_NOTICED_SECONDS: Final = 0.25
_NORMAL: Final = re.compile(r"\bnormal-[1-8]\b")
_ULTRA: Final = re.compile(r"\bultra\b", re.IGNORECASE)


@dataclass
class Received:
    """One request; times are seconds of time.monotonic(), `connection` counts connections from 1.

    `ended` is when the response, or what was sent of it, ended or the client left; None until then.
    """

    number: int
    connection: int
    method: str
    path: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    arrived: float
    ended: float | None = None
    outcome: Outcome | None = None
    status: int | None = None

    @property
    def key(self) -> str | None:
        """The bearer token, or None without one."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token if scheme == "Bearer" else None

    @property
    def json(self) -> dict[str, Any]:
        """The body as an object; {} for anything else."""
        try:
            value = json.loads(self.body)
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}

    @property
    def model(self) -> str | None:
        """The model that is asked for."""
        value = self.json.get("model")
        return value if isinstance(value, str) else None

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The conversation; [] for a request without one."""
        value = self.json.get("messages")
        return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []

    @property
    def slot(self) -> str | None:
        """The slot that the system message names; see `slot_of`."""
        return slot_of(self.messages)

    @property
    def prompt(self) -> str:
        """The text of the last message."""
        return text_of(self.messages[-1]) if self.messages else ""

    def overlaps(self, other: Received) -> bool:
        """Whether the two were under way at the same time.

        That a client left is noticed a moment later, when its next request may be here already.
        """
        first, second = sorted((self, other), key=lambda one: one.arrived)
        if first.ended is None:
            return True
        return second.arrived < first.ended - (_NOTICED_SECONDS if first.outcome == "left" else 0.0)


def slot_of(messages: Sequence[Mapping[str, Any]]) -> str | None:
    """The first slot of a normal servant that the system message names, else "ultra" if it has that word."""
    for message in messages:
        if message.get("role") == "system":
            text = text_of(message)
            normal = _NORMAL.search(text)
            if normal:
                return normal[0]
            return "ultra" if _ULTRA.search(text) else None
    return None


def text_of(message: Mapping[str, Any]) -> str:
    """The text of a message, whose content is a string or a list of parts."""
    content = message.get("content")
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def overlapping(requests: Sequence[Received]) -> list[tuple[Received, Received]]:
    """The pairs of requests of one slot that were under way at the same time."""
    return [
        (first, second)
        for index, first in enumerate(requests)
        for second in requests[index + 1 :]
        if first.slot is not None and first.slot == second.slot and first.overlaps(second)
    ]


def violations(body: bytes) -> list[str]:
    """What a chat-completions body has that it must not, or lacks: one short sentence each.

    It is `{"model", "messages", "stream": false}` alone; the messages are a system message, questions with
    their answers, and a last question, or one question alone, each with `role` and `content` only.
    """
    try:
        value = json.loads(body.decode("utf-8"))
    except ValueError:
        return ["the body is not JSON in UTF-8"]
    if not isinstance(value, dict):
        return ["the body is not an object"]
    found = []
    if set(value) != {"model", "messages", "stream"}:
        found.append(f"the fields are {', '.join(sorted(value))}")
    if value.get("stream", False) is not False:
        found.append("stream is not false")
    messages = value.get("messages")
    if not isinstance(messages, list) or not all(isinstance(one, dict) for one in messages):
        return [*found, "messages is not a list of objects"]
    return [*found, *_conversation(messages)]


def _conversation(messages: list[dict[str, Any]]) -> list[str]:
    found = []
    for index, message in enumerate(messages):
        if set(message) != {"role", "content"}:
            found.append(f"message {index} has the fields {', '.join(sorted(message))}")
        if not isinstance(message.get("content"), str) or not message["content"]:
            found.append(f"message {index} has no text")
    roles = [message.get("role") for message in messages]
    asked = ["system", *("user" if at % 2 == 0 else "assistant" for at in range(len(roles) - 1))]
    if roles not in (asked, ["user"]) or roles[-1] != "user":
        found.append(f"the roles are {', '.join(map(str, roles))}")
    return found
