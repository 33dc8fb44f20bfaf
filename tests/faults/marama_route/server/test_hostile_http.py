"""What is not HTTP, or is HTTP that two programs could read differently, is refused and reaches nobody."""

from __future__ import annotations

import json
import socket
from contextlib import closing

import pytest

from tests.stand_in.model_backend import ModelBackend
from tests.support.gateway import Gateway, chat

_BOUND = 30.0


def said(gateway: Gateway, data: bytes) -> bytes:
    """Everything that the gateway answers to these bytes, until it closes."""
    with closing(socket.create_connection(("127.0.0.1", gateway.port), _BOUND)) as connection:
        connection.sendall(data)
        found = b""
        while part := connection.recv(65536):
            found += part
    return found


def head(gateway: Gateway, *lines: str, target: str = "/v1/chat/completions") -> bytes:
    key = f"Authorization: Bearer {gateway.key}"
    usual = [f"POST {target} HTTP/1.1", "Host: x", "Connection: close", key]
    return "\r\n".join([*usual, *lines, "", ""]).encode()


BODY = json.dumps(chat("x")).encode()
CHUNKED = b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)
SMUGGLED = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize(
    ("lines", "body"),
    [
        (["Transfer-Encoding: chunked", f"Content-Length: {len(BODY)}"], CHUNKED + SMUGGLED),
        ([f"Content-Length: {len(BODY)}", "Transfer-Encoding: chunked"], BODY + SMUGGLED),
        ([f"Content-Length: {len(BODY)}", "Content-Length: 5"], BODY + SMUGGLED),
        (["Content-Length: +5"], BODY),
        (["Content-Length: -1"], BODY),
        (["Content-Length: 0x10"], BODY),
        (["Content-Length: 5, 5"], BODY),
        (["Transfer-Encoding: xchunked"], CHUNKED),
        (["Transfer-Encoding: chunked, identity"], CHUNKED),
        (["Transfer-Encoding : chunked"], CHUNKED),
        ([" folded: x", f"Content-Length: {len(BODY)}"], BODY),
        (["X-Bad\x00: x", f"Content-Length: {len(BODY)}"], BODY),
        (["X-Long: " + "x" * 20_000, f"Content-Length: {len(BODY)}"], BODY),
        ([f"X-{number}: x" for number in range(1000)], BODY),
        (["Transfer-Encoding: chunked"], b"zz\r\n" + BODY),
        (["Transfer-Encoding: chunked"], b"5\r\n" + BODY),
        ([f"Content-Length: {len(BODY)}", "Content-Encoding: gzip"], BODY),
    ],
    ids=lambda value: str(value)[:50],
)
def test_a_request_that_can_be_read_in_two_ways(
    gateway: Gateway, backend: ModelBackend, lines: list[str], body: bytes
) -> None:
    before = len(backend.requests)
    answer = said(gateway, head(gateway, *lines) + body)
    assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.0 400 ")), answer[:200]
    assert answer.count(b"HTTP/1.") == 1
    assert b"x-request-id: req_" in answer
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["code"] == "invalid_request"
    assert len(backend.requests) == before


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET\r\n\r\n",
        b"\x00" * 100,
        b"GET / HTTP/9.9\r\n\r\n",
    ],
)
def test_what_is_not_http(gateway: Gateway, data: bytes) -> None:
    answer = said(gateway, data)
    assert answer == b"" or b'"code":"invalid_request"' in answer


def test_a_body_that_ends_too_early_reaches_nobody(gateway: Gateway, backend: ModelBackend) -> None:
    before = len(backend.requests)
    with closing(socket.create_connection(("127.0.0.1", gateway.port), _BOUND)) as connection:
        connection.sendall(head(gateway, f"Content-Length: {len(BODY) + 5}") + BODY)
        connection.shutdown(socket.SHUT_WR)
        assert b" 200 " not in connection.recv(65536)
    assert len(backend.requests) == before


def test_a_chunked_body_and_a_client_that_waits_for_100(gateway: Gateway) -> None:
    answer = said(gateway, head(gateway, "Transfer-Encoding: chunked") + CHUNKED)
    assert answer.startswith(b"HTTP/1.1 200 ")
    with closing(socket.create_connection(("127.0.0.1", gateway.port), _BOUND)) as connection:
        connection.sendall(head(gateway, "Expect: 100-continue", f"Content-Length: {len(BODY)}"))
        assert connection.recv(65536).startswith(b"HTTP/1.1 100 ")
        connection.sendall(BODY)
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")


def test_two_requests_at_once_on_one_connection_are_answered_in_order(gateway: Gateway) -> None:
    get = f"GET /v1/models/lumynax/coder HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {gateway.key}\r\n\r\n"
    answer = said(gateway, get.encode() + b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert answer.count(b"HTTP/1.1 200 ") == 2
    assert answer.index(b"lumynax/coder") < answer.index(b'"status":"ok"')


def test_an_address_in_the_request_line_leads_nowhere_else(gateway: Gateway) -> None:
    absolute = head(gateway, f"Content-Length: {len(BODY)}", target="http://evil.example/v1/chat/completions")
    assert said(gateway, absolute + BODY)[:13] in (b"HTTP/1.1 200 ", b"HTTP/1.1 400 ")
