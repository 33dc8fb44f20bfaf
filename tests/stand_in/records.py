"""What the stand-in saw, and how it is told to misbehave."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Mapping


@dataclass(frozen=True)
class Request:
    """One request that reached the service; `headers` (lower-case names) and `body` never print."""

    method: str
    host: str
    path: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    status: int

    @property
    def key(self) -> str | None:
        """The bearer token, or None without an Authorization header."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token if scheme == "Bearer" else None

    @property
    def json(self) -> dict[str, Any]:
        """The body as an object; {} for a request without one."""
        return dict(json.loads(self.body)) if self.body else {}

    @property
    def is_title(self) -> bool:
        """Whether opencode asked for a session title, which it does with `small_model`."""
        return is_title(self.json)


@dataclass
class Exchange:
    """A request and what it was answered: the data lines so far, and whether the answer came to its end."""

    request: Request
    events: list[str] = field(default_factory=list, repr=False)
    ended: bool = False


class RefusedError(Exception):
    """A request gets no streamed answer but an error with this status and code."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(f"{status} {code}")
        self.status = status
        self.code = code


@dataclass(frozen=True)
class Tunnel:
    """One CONNECT that reached the proxy, and how it was answered (200 or 502)."""

    host: str
    status: int


@dataclass(frozen=True)
class Fault:
    """Misbehaviour for the next `times` requests to `path` (None: to any).

    `status` and `code` make an error answer; `delay` waits that many seconds first; `drop_after`
    closes the connection after that many chunks of a streamed answer (0: before any answer).
    `body` is sent as it is in place of the answer, `location` makes it a redirect; `pause` waits that
    many seconds before each byte of `body`.
    """

    status: int | None = None
    code: str = "server_error"
    delay: float = 0.0
    drop_after: int | None = None
    body: bytes | None = None
    location: str | None = None
    pause: float = 0.0
    path: str | None = None
    times: int = 1


def is_title(body: Mapping[str, Any]) -> bool:
    """Whether a chat-completions body is opencode's request for a session title."""
    messages = body.get("messages") or [{}]
    return text_of(messages[0]).startswith("You are a title generator")


def text_of(message: Mapping[str, Any]) -> str:
    """The text of a message, whose content is a string or a list of parts."""
    content = message.get("content") or ""
    if isinstance(content, str):
        return content
    return "".join(str(part.get("text", "")) for part in content)
