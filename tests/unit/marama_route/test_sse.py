"""Server-sent events: each rule of the standard that a backend's stream can meet, and the bounds."""

from __future__ import annotations

import pytest

from marama_route.core.sse import Event, EventTooLargeError, Parser, encode


def events(*chunks: bytes) -> list[Event]:
    parser = Parser()
    return [event for chunk in chunks for event in parser.feed(chunk)]


@pytest.mark.parametrize(
    ("stream", "data"),
    [
        (b"data: a\n\n", [b"a"]),
        (b"data:a\n\ndata:  b\n\n", [b"a", b" b"]),
        (b"data: a\r\n\r\ndata: b\r\rdata: c\n\r\n", [b"a", b"b", b"c"]),
        (b"data: a\ndata: b\ndata\n\n", [b"a\nb\n"]),
        (b"data\n\n", [b""]),
        (b": keep-alive\n\ndata: a\n: in an event\ndata: b\n\n", [b"a\nb"]),
        (b"id: 1\nretry: 9\ndata: a\nnonsense: x\n\n", [b"a"]),
        (b"id: 1\n\nevent: x\n\n", []),
        (b"\xef\xbb\xbfdata: a\n\n", [b"a"]),
        (b"data: \xef\xbb\xbfa\n\n", [b"\xef\xbb\xbfa"]),
        (b" data: a\n\nDATA: b\n\n", []),
        (b"data: a:b: c\n\n", [b"a:b: c"]),
        (b"data: a\x0b\x0c\x1c\x1d\x1e\x85b\n\n", [b"a\x0b\x0c\x1c\x1d\x1e\x85b"]),
        (b"data: \xe2\x80\xa8\xff\n\n", [b"\xe2\x80\xa8\xff"]),
        (b"data: [DONE]", []),
        (b"data: [DONE]\n", []),
        (b"\n\n\r\r\n", []),
        (b"", []),
    ],
)
def test_a_stream(stream: bytes, data: list[bytes]) -> None:
    assert [event.data for event in events(stream)] == data


def test_an_event_has_its_name_and_the_next_one_has_not() -> None:
    assert events(b"event: error\nevent: fatal\ndata: a\n\ndata: b\n\n") == [
        Event(b"a", b"fatal"),
        Event(b"b"),
    ]


def test_an_event_comes_out_as_soon_as_its_blank_line_has_begun() -> None:
    parser = Parser()
    assert parser.feed(b"data: a\r\n\r") == [Event(b"a")]
    assert parser.feed(b"\n") == []
    assert parser.feed(b"data: b\r\n\r\n") == [Event(b"b")]


def test_what_is_pending_is_known() -> None:
    parser = Parser()
    for chunk, pending in (
        (b"\xef", True),
        (b"\xbb\xbf", False),
        (b": x\n", False),
        (b"d", True),
        (b"ata: a\n", True),
        (b"\n", False),
        (b"event: e\n", True),
    ):
        parser.feed(chunk)
        assert parser.pending is pending


@pytest.mark.parametrize(
    "chunks", [[b"data: 123456789"], [b"da"] * 5, [b"data: 1234\n"] * 2, [b"event: 123456789\n"]]
)
def test_an_event_is_bounded(chunks: list[bytes]) -> None:
    parser = Parser(largest=8)
    for chunk in chunks[:-1]:
        parser.feed(chunk)
    with pytest.raises(EventTooLargeError):
        parser.feed(chunks[-1])


def test_the_bound_is_for_each_event_and_not_for_comments() -> None:
    parser = Parser(largest=8)
    for _ in range(100):
        assert parser.feed(b": 12345\n") == []
        assert parser.feed(b"data: 123456\n\n") == [Event(b"123456")]


def test_an_event_as_bytes() -> None:
    assert encode(Event(b'{"a":1}')) == b'data: {"a":1}\n\n'
    assert encode(Event(b"a\nb\r\nc\rd", b"error")) == b"event: error\ndata: a\ndata: b\ndata: c\ndata: d\n\n"
    assert encode(Event(b"")) == b"data: \n\n"
