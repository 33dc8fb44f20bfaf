"""A server on loopback asked over HTTP with the standard library: whole answers, and streams at their end."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
from dataclasses import dataclass
from typing import Any, Mapping

ANSWER_SECONDS = 60.0


@dataclass(frozen=True)
class Answer:
    """A whole answer. Names of headers are lower-case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body's value."""
        return json.loads(self.body)

    @property
    def error(self) -> dict[str, Any]:
        """The error in the envelope; AssertionError if it is another one than the contract's."""
        value = self.json
        assert list(value) == ["error"], value
        assert list(value["error"]) == ["message", "type", "param", "code", "decision_id"], value
        error: dict[str, Any] = value["error"]
        return error

    @property
    def events(self) -> list[Any]:
        """The data of an event stream: JSON values, and `[DONE]`. Comments are left out."""
        found = []
        for block in self.body.decode().split("\n\n"):
            data = [line[5:].removeprefix(" ") for line in block.splitlines() if line.startswith("data:")]
            if data:
                text = "\n".join(data)
                found.append(text if text == "[DONE]" else json.loads(text))
        return found

    @property
    def text(self) -> str:
        """What a stream says in its first choice."""
        choices = [one["choices"] for one in self.events if isinstance(one, dict) and one.get("choices")]
        return "".join(choice[0]["delta"].get("content") or "" for choice in choices)


class Asked:
    """A server at a port of this machine, and the key that it is asked with."""

    def __init__(self, port: int, key: str) -> None:
        self.port = port
        self.key = key

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def base_url(self) -> str:
        """What clients take as their base URL."""
        return f"{self.url}/v1"

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str | None = "",
        headers: Mapping[str, str] | None = None,
        seconds: float = ANSWER_SECONDS,
    ) -> Answer:
        """Ask, with the client's key if no other is given, and wait for the whole answer.

        `body`: bytes as they are, any other value as JSON. `key` None is none.
        """
        said = dict(headers or {})
        if key is not None:
            said.setdefault("Authorization", f"Bearer {key or self.key}")
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        if data is not None:
            said.setdefault("Content-Type", "application/json")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=seconds)
        with contextlib.closing(connection):
            connection.request(method, path, data, said)
            answer = connection.getresponse()
            return Answer(
                answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
            )


def free_port() -> int:
    """A port where nobody listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
