"""What holds for every stream: however it is cut, and however its chunks are written."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marama_route import wire
from marama_route.backends.failures import Word
from marama_route.core.sse import Event
from marama_route.core.tool_calls import Call
from marama_route.forwarding.answer_stream import AnswerStream
from marama_route.forwarding.chunks import Renamer
from tests.stand_in.model_backend import call, chunk, event, finish, usage

MODEL, DECISION = "lumynax/coder", "rd_1"
PIECES = ['{"command"', ': "echo é 😀 \\"model\\": \\"', 'x\\""}']
CALLS = [
    call(0, "", "bash", "c1"),
    call(1, "", "edit", "c2"),
    call(2, "", "webfetch", "c3"),
    *(call(index, piece) for piece in PIECES for index in (2, 0, 1)),
    finish("tool_calls"),
    usage(7, 5),
]
STREAM = b"".join(
    [
        b": a comment of theirs\n\n",
        event(chunk(role="assistant", content="")),
        event(chunk("Kia ora, 世界")).replace(b"\n\n", b"\r\n\r\n"),
        *map(event, CALLS),
        event("[DONE]"),
        event("[DONE]"),
    ]
)


@pytest.fixture(params=["msgspec", "json"], autouse=True)
def either_library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "json":
        monkeypatch.setattr(wire, "FAST", False)


def run(pieces: list[bytes]) -> tuple[bytes, tuple[Call, ...], bytes, Word | None, Any]:
    stream = AnswerStream(MODEL, DECISION)
    out = b"".join(map(stream.feed, pieces))
    stream.end()
    return out, stream.calls(), stream.passed(), stream.problem, stream.usage


def test_three_calls_in_turns_are_the_same_wherever_the_stream_is_cut() -> None:
    whole = run([STREAM])
    assert [call.arguments for call in whole[1]] == ["".join(PIECES)] * 3
    assert [(call.index, call.id) for call in whole[1]] == [(0, "c1"), (1, "c2"), (2, "c3")]
    assert whole[2] == b"".join(event({**one, "model": MODEL}) for one in CALLS)
    assert whole[3:] == (None, {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12})
    for at in range(len(STREAM) + 1):
        assert run([STREAM[:at], STREAM[at:]]) == whole
    assert run([STREAM[at : at + 1] for at in range(len(STREAM))]) == whole


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(
    ["model", "upstream", 'a"b', "mod\u00e9l", "\u0101", "m\\odel", "", "/", '"model":"upstream"']
)
KEYS = st.sampled_from(["model", "id", "tool_calls", "content", '"model', "x\\", "mod\u00e9l"])
VALUES = st.recursive(
    JSON | NAMES, lambda inner: st.dictionaries(KEYS, inner, max_size=3) | st.lists(inner, max_size=2)
)
CHUNKS = st.dictionaries(KEYS | st.text(max_size=5), VALUES, max_size=5)


@given(CHUNKS, st.none() | NAMES, st.booleans(), st.sampled_from([(",", ":"), (", ", ": "), (" , ", " : ")]))
def test_changing_the_bytes_of_the_models_name_is_the_same_as_writing_the_chunk_again(
    value: dict[str, Any], theirs: str | None, ascii_only: bool, separators: tuple[str, str]
) -> None:
    if theirs is not None:
        value = {**value, "model": theirs}
    text = json.dumps(value, ensure_ascii=ascii_only, separators=separators)
    data = text.encode("utf-8", "surrogatepass")
    try:
        read = wire.loads(data)
    except ValueError:
        return
    renamer = Renamer(MODEL)
    for calling in (False, True):
        quick = renamer.bytes_of(Event(data), read, calling=calling)
        assert quick.endswith(b"\n\n")
        quick_value = wire.loads(quick.removeprefix(b"data: "))
        assert quick_value == wire.loads(renamer.plainly(Event(data), read).removeprefix(b"data: "))
        assert quick_value == {**read, "model": MODEL}


@given(
    st.lists(st.binary(max_size=40) | st.sampled_from([b"data: ", b"\n\n", b"{}", b"[DONE]"]), max_size=20)
)
def test_no_bytes_of_a_backend_are_too_much(pieces: list[bytes]) -> None:
    stream = AnswerStream(MODEL, DECISION)
    for piece in pieces:
        stream.feed(piece)
    stream.end()
    assert stream.problem is not None


REASONS = st.sampled_from(["stop", "length", None, "", "eos", "route_only", 0])


@given(
    st.lists(st.tuples(st.integers(0, 2), st.none() | st.text(max_size=4), REASONS), max_size=8),
    st.booleans(),
)
def test_only_known_ends_come_out_and_a_stream_without_all_of_them_fails(
    parts: list[tuple[int, str | None, Any]], done: bool
) -> None:
    stream = AnswerStream(MODEL, DECISION)
    ends: dict[int, Any] = {}
    out = b""
    for index, text, reason in parts:
        one = chunk(text, index=index)
        one["choices"][0]["finish_reason"] = reason
        out += stream.feed(event(one))
        ends[index] = ends.get(index) or reason
    if done:
        stream.feed(event("[DONE]"))
    stream.end()
    for block in filter(None, out.split(b"\n\n")):
        for choice in json.loads(block.removeprefix(b"data: "))["choices"]:
            assert choice["finish_reason"] in ("stop", "length", None)
    known = all(reason in ("stop", "length", None) for _, _, reason in parts)
    assert (stream.problem is None) == (known and bool(ends) and None not in ends.values())
