"""A body is read with bounds in size and time."""

from __future__ import annotations

import asyncio
from typing import Any
from unittest import mock

import pytest
from aiohttp import StreamReader, web
from aiohttp.test_utils import make_mocked_request

from marama_route.core.errors import RequestRefusal
from marama_route.http import bodies


def read(*parts: bytes, ended: bool = True, broken: bool = False, headers: Any = None) -> bytes:
    async def play() -> bytes:
        loop = asyncio.get_running_loop()
        payload = StreamReader(mock.Mock(), 1 << 16, loop=loop)
        request = make_mocked_request("POST", "/", headers=headers or {}, payload=payload)
        task = loop.create_task(bodies.read(request, 0.05))
        for part in parts:
            await asyncio.sleep(0)
            payload.feed_data(part)
        await asyncio.sleep(0)
        if broken:
            payload.set_exception(web.RequestPayloadError("a part of the body"))
        elif ended:
            payload.feed_eof()
        return await task

    return asyncio.run(play())


def refused(*parts: bytes, **options: Any) -> RequestRefusal:
    with pytest.raises(RequestRefusal) as caught:
        read(*parts, **options)
    return caught.value


def test_a_body_in_parts() -> None:
    assert read(b"ab", b"c", b"") == b"abc"
    assert read() == b""


def test_a_body_that_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "LARGEST", 5)
    assert read(b"abc", b"de") == b"abcde"
    assert refused(b"abc", b"def").kind == "request_too_large"
    assert refused(ended=False, headers={"Content-Length": "6"}).kind == "request_too_large"


def test_a_sender_that_is_too_slow() -> None:
    found = refused(b"abc", ended=False)
    assert isinstance(found, bodies.TooSlow)
    assert found.kind == "invalid_request"


def test_a_body_that_breaks_off_is_not_quoted() -> None:
    found = refused(b"abc", broken=True)
    assert found.kind == "invalid_request"
    assert found.__cause__ is None
    assert found.__suppress_context__


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "identity, gzip"])
def test_a_body_that_is_compressed(encoding: str) -> None:
    assert refused(b"abc", headers={"Content-Encoding": encoding}).kind == "invalid_request"


def test_a_client_that_waits_is_told_to_go_on() -> None:
    transport = mock.Mock()

    async def play() -> bytes:
        loop = asyncio.get_running_loop()
        payload = StreamReader(mock.Mock(), 1 << 16, loop=loop)
        request = make_mocked_request(
            "POST", "/", headers={"Expect": "100-continue"}, payload=payload, transport=transport
        )
        transport.write.side_effect = lambda _: loop.call_soon(payload.feed_eof)
        return await bodies.read(request, 5)

    assert asyncio.run(play()) == b""
    transport.write.assert_called_once_with(b"HTTP/1.1 100 Continue\r\n\r\n")
