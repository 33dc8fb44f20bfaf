"""Tool calls put together from deltas, or refused: nothing that the gate judges is guessed."""

from __future__ import annotations

from typing import Any

import pytest

from marama_route.core.tool_calls import MOST_CALLS, Assembler, Call, ToolCallError, whole


def chunk(*calls: dict[str, Any], choice: int = 0) -> dict[str, Any]:
    return {"choices": [{"index": choice, "delta": {"tool_calls": list(calls)}}]}


def piece(index: int | None, text: str = "", **more: Any) -> dict[str, Any]:
    function = {"arguments": text, **({"name": more.pop("name")} if "name" in more else {})}
    return {**({} if index is None else {"index": index}), "function": function, **more}


def joined(*chunks: Any) -> tuple[Call, ...]:
    assembler = Assembler()
    for one in chunks:
        assembler.take(one)
    return assembler.calls()


def test_interleaved_calls_keep_their_arguments_and_order() -> None:
    assert joined(
        chunk(piece(1, name="write", id="b"), piece(0, '{"a', name="bash", id="a", type="function")),
        chunk(piece(1, "{}"), choice=1),
        chunk(piece(0, '":1'), piece(1, "[")),
        chunk(piece(1, "]"), piece(0, "}")),
        chunk(piece(1, name="read", id="c"), choice=1),
    ) == (
        Call(0, 0, "a", "bash", '{"a":1}'),
        Call(0, 1, "b", "write", "[]"),
        Call(1, 1, "c", "read", "{}"),
    )


def test_id_and_name_may_be_sent_again() -> None:
    assert joined(chunk(piece(0, "1", name="f", id="a")), chunk(piece(0, "2", name="f", id="a"))) == (
        Call(0, 0, "a", "f", "12"),
    )
    assert joined(chunk(piece(0, "1", name="f", id="a")), chunk(piece(0, "2", name="", id=""))) == (
        Call(0, 0, "a", "f", "12"),
    )


def test_calls_without_an_index_are_told_apart_by_their_id() -> None:
    assert joined(
        chunk(piece(None, "1", name="f", id="a")),
        chunk(piece(None, "3", name="g", id="b")),
        chunk(piece(None, "2", id="a")),
    ) == (Call(0, 0, "a", "f", "12"), Call(0, 1, "b", "g", "3"))
    assert joined(chunk(piece(None, "1", name="f", id="a")), chunk(piece(None, "2"))) == (
        Call(0, 0, "a", "f", "12"),
    )


def test_other_forms_of_calls_are_calls_too() -> None:
    old = {"choices": [{"index": 0, "delta": {"function_call": {"name": "bash", "arguments": "{}"}}}]}
    assert joined(old) == (Call(0, -1, None, "bash", "{}"),)
    assert Assembler().take(old)
    custom = {"index": 0, "id": "a", "type": "custom", "custom": {"name": "exec", "input": "ls"}}
    assert joined(chunk(custom)) == (Call(0, 0, "a", "exec", "ls", custom=True),)


def test_a_whole_answer() -> None:
    message = {
        "tool_calls": [{"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}] * 2
    }
    assert whole({"choices": [{"index": 0, "message": message}]}) == (
        Call(0, 0, "a", "f", "{}"),
        Call(0, 1, "a", "f", "{}"),
    )
    assert whole({"choices": [{"message": {"content": "hi"}}]}) == ()


@pytest.mark.parametrize(
    "nothing",
    [
        {},
        None,
        [],
        {"choices": None},
        {"choices": []},
        {"choices": [{"delta": None}]},
        {"choices": [{"delta": {"content": "x"}}]},
    ],
)
def test_nothing_is_not_a_call(nothing: Any) -> None:
    assembler = Assembler()
    assert not assembler.take(nothing)
    assert not assembler.open
    assert assembler.take(chunk(piece(0, name="f")))
    assert assembler.open


@pytest.mark.parametrize(
    "chunks",
    [
        [chunk(piece(0, "1"))],
        [chunk(piece(0, name="ba")), chunk(piece(0, name="sh"))],
        [chunk(piece(0, name="f", id="a")), chunk(piece(0, id="b"))],
        [chunk(piece(0, name="f", id="a"), piece(1, name="g", id="b")), chunk(piece(None, "x"))],
        [chunk(piece(-1, name="f"))],
        [chunk(piece(MOST_CALLS, name="f"))],
        [chunk({"index": True, "function": {"name": "f"}})],
        [chunk({"index": 0, "function": {"name": "f", "arguments": {"command": "rm"}}})],
        [chunk({"index": 0, "function": {"name": 1}})],
        [chunk({"index": 0, "function": "f"})],
        [chunk({"index": 0, "id": 1, "function": {"name": "f"}})],
        [chunk({"index": 0, "type": "mcp", "function": {"name": "f"}})],
        [chunk({"index": 0, "type": "custom", "function": {"name": "f"}})],
        [chunk({"index": 0, "function": {"name": "f"}, "custom": {"name": "g"}})],
        [chunk(piece(0, name="f")), chunk({"index": 0, "custom": {"input": "x"}})],
        [{"choices": {}}],
        [{"choices": ["x"]}],
        [{"choices": [{"delta": "x"}]}],
        [{"choices": [{"delta": {"tool_calls": {}}}]}],
        [{"choices": [{"delta": {"tool_calls": ["x"]}}]}],
        [{"choices": [{"delta": {"function_call": "x"}}]}],
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(chunks: list[Any]) -> None:
    with pytest.raises(ToolCallError):
        joined(*chunks)


def test_calls_are_bounded() -> None:
    assembler = Assembler(largest=10)
    assembler.take(chunk(piece(0, "12345", name="f")))
    with pytest.raises(ToolCallError, match="too large"):
        assembler.take(chunk(piece(0, "678901")))
    many = Assembler()
    for number in range(MOST_CALLS):
        many.take(chunk(piece(None, id=str(number), name="f")))
    with pytest.raises(ToolCallError):
        many.take(chunk(piece(None, id="more", name="f")))
