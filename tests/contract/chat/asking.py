"""A question to the stand-in for a chat service, with http.client."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from typing import Any, Mapping
from urllib.parse import urlsplit

from tests.stand_in.chat import ChatStandIn


@dataclass(frozen=True)
class Answer:
    """Status, headers in lower case, and the whole body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def text(self) -> str:
        text: str = self.json["choices"][0]["message"]["content"]
        return text


def question(
    slot: str | None = "normal-1", prompt: str = "Where?", model: str = "fugu", turns: int = 0
) -> dict[str, Any]:
    """A body as Overlord sends it, with so many questions that were answered before."""
    earlier = [
        {"role": role, "content": f"{role} {turn}"} for turn in range(turns) for role in ("user", "assistant")
    ]
    system = {"role": "system", "content": f"You are Fugu, in slot {slot}. Ultra leads."}
    return {
        "model": model,
        "messages": [system, *earlier, {"role": "user", "content": prompt}],
        "stream": False,
    }


def open_to(service: ChatStandIn, timeout: float = 10) -> http.client.HTTPConnection:
    parts = urlsplit(service.base_url)
    assert parts.hostname
    return http.client.HTTPConnection(parts.hostname, parts.port or 0, timeout=timeout)


def send(
    connection: http.client.HTTPConnection,
    key: str,
    body: dict[str, Any] | bytes | None = None,
    path: str = "/v1/chat/completions",
) -> Answer:
    """One request and its answer on this connection; a GET without a body."""
    data = json.dumps(body).encode() if isinstance(body, dict) else body
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    connection.request("GET" if data is None else "POST", path, data, headers)
    response = connection.getresponse()
    named = {name.lower(): value for name, value in response.getheaders()}
    return Answer(response.status, named, response.read())


def ask(
    service: ChatStandIn,
    body: dict[str, Any] | bytes | None = None,
    *,
    key: str | None = None,
    timeout: float = 10,
) -> Answer:
    """One question on a connection of its own."""
    connection = open_to(service, timeout)
    try:
        return send(connection, service.key if key is None else key, question() if body is None else body)
    finally:
        connection.close()


def list_models(service: ChatStandIn, *, key: str | None = None) -> Answer:
    """`GET /models`."""
    connection = open_to(service)
    try:
        return send(connection, service.key if key is None else key, None, "/v1/models")
    finally:
        connection.close()
