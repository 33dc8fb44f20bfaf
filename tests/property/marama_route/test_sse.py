"""A stream of events means the same wherever its bytes are cut."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from marama_route.core.sse import Event, Parser, encode

ALPHABET = (
    b"data:",
    b"data: ",
    b"data: a\n\n",
    b"event: x",
    b":",
    b" ",
    b"\n",
    b"\r",
    b"\r\n",
    b"\n\n",
    b"a",
    b"\xef\xbb\xbf",
    b"\xc3",
)
STREAMS = st.lists(st.sampled_from(ALPHABET), max_size=24).map(b"".join)
DATA = st.lists(st.binary(max_size=8).filter(lambda line: not set(line) & {10, 13}), min_size=1).map(
    b"\n".join
)
CHUNKS = (
    b'\xef\xbb\xbf: hi\r\ndata: {"a": 1}\r\n\r\nevent: error\ndata: x\ndata: y\n\n'
    b": ka\rdata: z\r\rdata: [DONE]\n\n"
)


def read(*chunks: bytes) -> tuple[list[Event], bool]:
    parser = Parser()
    return [event for chunk in chunks for event in parser.feed(chunk)], parser.pending


def by_the_standard(stream: bytes) -> list[Event]:
    """WHATWG HTML 9.2.6 on a whole stream, written down again without increments."""
    if stream.startswith(b"\xef\xbb\xbf"):
        stream = stream[3:]
    lines = stream.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")[:-1]
    found, data, name = [], b"", b""
    for line in lines:
        if line == b"":
            if data:
                found.append(Event(data[:-1], name))
            data, name = b"", b""
        elif not line.startswith(b":"):
            field, _, value = line.partition(b":")
            value = value[1:] if value[:1] == b" " else value
            if field == b"data":
                data += value + b"\n"
            elif field == b"event":
                name = value
    return found


def test_one_stream_at_every_pair_of_offsets() -> None:
    whole, _ = read(CHUNKS)
    assert [event.data for event in whole] == [b'{"a": 1}', b"x\ny", b"z", b"[DONE]"]
    for first in range(len(CHUNKS) + 1):
        for second in range(first, len(CHUNKS) + 1):
            assert read(CHUNKS[:first], CHUNKS[first:second], CHUNKS[second:]) == (whole, False)
    assert read(*(bytes([byte]) for byte in CHUNKS)) == (whole, False)


@given(STREAMS, st.data())
def test_any_stream_as_the_standard_has_it_wherever_it_is_cut(stream: bytes, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    whole, pending = read(stream)
    assert whole == by_the_standard(stream)
    sliced = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert read(*sliced) == (whole, pending)
    assert read(*(bytes([byte]) for byte in stream)) == (whole, pending)


@given(st.lists(st.builds(Event, DATA, st.sampled_from([b"", b"error"]))))
def test_what_is_encoded_is_read_again(events: list[Event]) -> None:
    assert read(b"".join(map(encode, events))) == (events, False)


# What a backend that writes event by event sends, and what is only nearly that.
PIECES = st.sampled_from(
    [
        b"data: a\n\n",
        b"data: a\n\ndata: b\n\n",
        b"data: a\nevent: x\n\n",
        b"data: a\ndata: b\n\n",
        b"data: a\rdata: b\n\n",
        b"data: a\r\r",
        b"data: a\n",
        b"data: ",
        b"event: x\n",
        b"\n",
        b"\n\n",
        b"\r",
        b": c\n\n",
        b"data: \n\n",
    ]
)


@given(st.lists(PIECES, max_size=8))
def test_pieces_that_are_whole_events_are_read_like_all_others(pieces: list[bytes]) -> None:
    assert read(*pieces)[0] == by_the_standard(b"".join(pieces))
