"""Requests with every byte and type wrong, and tool calls that lead out of the workspace: never a fault."""

from __future__ import annotations

import contextlib
import http.client
import json
import random
from typing import Any, Iterator

import pytest

from tests.e2e.marama_route.sites import HEADER, Site
from tests.stand_in.model_backend import Answer, call, chunk, completion, finish, stream, whole

FULL: dict[str, Any] = {
    "model": "lumynax/auto",
    "messages": [
        {"role": "system", "content": "a"},
        {"role": "user", "content": [{"type": "text", "text": "b"}]},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "1", "type": "function", "function": {}}],
        },
        {"role": "tool", "tool_call_id": "1", "content": "c"},
    ],
    "stream": False,
    "stream_options": {"include_usage": True},
    "max_tokens": 5,
    "tools": [{"type": "function", "function": {"name": "f"}}],
    "response_format": {"type": "text"},
    "metadata": {"marama_route": {"task_type": "code"}},
    "route": {
        "modalities": ["text"],
        "jurisdiction": "NZ",
        "data_sensitivity": "internal",
        "min_context_tokens": 1,
        "requires_local": False,
        "license_allowlist": ["apache-2.0"],
        "max_fallbacks": 0,
    },
}
WRONG: list[Any] = [
    None,
    True,
    -1,
    1.5,
    10**30,
    "",
    "\x00",
    "\U0001f600" * 300,
    [],
    [[]],
    {},
    {"a": {"b": []}},
]
BELOW_500 = range(200, 500)


class Line:
    """One connection of a client to the gateway, kept as long as the gateway keeps it."""

    def __init__(self, site: Site) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", site.gateway.port, timeout=60)
        self._headers = {
            "Authorization": f"Bearer {site.gateway.key}",
            "Content-Type": "application/json",
            HEADER: "shop",
        }

    def ask(self, body: bytes, path: str = "/v1/chat/completions") -> tuple[int, bytes]:
        """The status and the body of the answer, which has the envelope if it is an error."""
        self._connection.request("POST", path, body, self._headers)
        answer = self._connection.getresponse()
        data = answer.read()
        assert answer.getheader("x-request-id")
        if answer.status >= 400:
            error = json.loads(data)["error"]
            assert list(error) == ["message", "type", "param", "code", "decision_id"]
        return answer.status, data

    def close(self) -> None:
        """Close it."""
        self._connection.close()


@pytest.fixture
def line(site: Site) -> Iterator[Line]:
    with contextlib.closing(Line(site)) as made:
        yield made


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place inside a JSON value."""
    if path:
        yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value if isinstance(value, list) else ())
    for name, one in inner:
        yield from places(one, (*path, name))


def changed(path: tuple[Any, ...], wrong: Any) -> Any:
    """The payload with this at that place."""
    value = json.loads(json.dumps(FULL))
    inner = value
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = wrong
    return value


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/route"])
def test_every_value_of_every_wrong_type(line: Line, path: str) -> None:
    statuses: set[int] = set()
    for place in places(FULL):
        for wrong in WRONG:
            status, _ = line.ask(json.dumps(changed(place, wrong)).encode(), path)
            assert status in BELOW_500, (place, wrong)
            statuses.add(status)
    assert {200, 400, 422} <= statuses


def test_every_byte_wrong(line: Line, site: Site) -> None:
    body = json.dumps(site.chat(stream=False)).encode()
    chance = random.Random(1)
    for at in range(len(body)):
        for byte in (b"", b"\xff", b"\x00", b'"', bytes([chance.randrange(256)])):
            status, _ = line.ask(body[:at] + byte + body[at + 1 :])
            assert status in BELOW_500, (at, byte)


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 200_000,
        b'{"model":"m","messages":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"a":' * 50_000,
        b"\xef\xbb\xbf{}",
        b'{"model":"lumynax/auto","messages":[{"role":"user","content":"\xff"}]}',
        b'{"model":"lumynax/auto","model":"lumynax/code","messages":[{"role":"user","content":"a"}]}',
        b'{"model":"lumynax/auto","messages":[{"role":"user","content":"a"}],"max_tokens":NaN}',
        b'{"model":"lumynax/auto","messages":[{"role":"wizard","content":"a"}]}',
        b"null",
        b"",
        b"1" * 100_000,
    ],
    ids=lambda body: repr(body[:40]),
)
def test_what_is_not_a_request_is_a_400(line: Line, site: Site, body: bytes) -> None:
    status, answer = line.ask(body)
    assert status == 400, answer
    assert json.loads(answer)["error"]["code"] == "invalid_request"
    assert site.received == 0


def test_half_a_character_is_answered(line: Line, site: Site) -> None:
    # JSON may have it, UTF-8 cannot.
    status, _ = line.ask(b'{"model":"lumynax/auto","messages":[{"role":"user","content":"\\ud800"}]}')
    assert status in (200, 400)


OUTSIDE = [
    {"filePath": "/etc/cron.d/evil", "content": "x"},
    {"filePath": "../../outside", "content": "x"},
    {"filePath": "link/outside", "content": "x"},
    {"filePath": ".sovereigncode/tenant-policy.yaml", "content": "x"},
    {"filePath": "a/../.sovereigncode/capsule.json", "content": "x"},
]
# Of these a user may be asked, but nothing is passed on.
NOWHERE: list[Any] = [
    {"filePath": "", "content": "x"},
    {"filePath": "~/.bashrc", "content": "x"},
    {"filePath": "file\x00name", "content": "x"},
    {"filePath": ["a"], "content": {}},
    {"content": "x"},
    {},
    [],
    None,
]


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "stream"])
def test_a_tool_call_that_leads_out_of_the_workspace_is_not_passed_on(
    site: Site, line: Line, streamed: bool
) -> None:
    link = site.gateway.workspaces["shop"] / "link"
    if not link.is_symlink():
        link.symlink_to("/tmp")
    for arguments in [*OUTSIDE, *NOWHERE]:
        asked_before = len(site.gateway.approvals())
        site.first.answers = [_wanting(json.dumps(arguments), streamed=streamed)]
        status, answer = line.ask(json.dumps(site.chat(stream=streamed)).encode())
        assert status == 200
        assert b"tool_calls" not in answer, arguments
        assert b"stop" in answer, arguments
        if arguments in OUTSIDE:
            assert len(site.gateway.approvals()) == asked_before, arguments


def _wanting(arguments: str, *, streamed: bool) -> Answer:
    if streamed:
        return stream(chunk("So"), call(0, arguments, "write", "call_0"), finish("tool_calls"))
    one = {"id": "call_0", "type": "function", "function": {"name": "write", "arguments": arguments}}
    return whole(completion("So", "tool_calls", tool_calls=[one]))
