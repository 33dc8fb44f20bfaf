"""A streamed answer: which bytes are passed on, which are held back, and how it ends."""

from __future__ import annotations

import json
from typing import Any

import pytest

from marama_route.backends.failures import Word
from marama_route.core.tool_calls import Call, ToolCallError
from marama_route.forwarding.answer_stream import MOST_HELD, AnswerStream
from tests.stand_in.model_backend import call, chunk, event, finish, usage

MODEL, DECISION = "lumynax/coder", "rd_1"
DONE = event("[DONE]")


def answer(*parts: Any, expected: int = 1) -> tuple[AnswerStream, bytes]:
    """A stream that was given these events, and what came out."""
    stream = AnswerStream(MODEL, DECISION, expected)
    out = b"".join(stream.feed(part if isinstance(part, bytes) else event(part)) for part in parts)
    return stream, out


def renamed(*chunks: dict[str, Any]) -> bytes:
    return b"".join(event({**one, "model": MODEL}) for one in chunks)


def values(data: bytes) -> list[Any]:
    return [json.loads(block.removeprefix(b"data: ")) for block in data.split(b"\n\n") if block]


def test_text_passes_unchanged_but_for_the_model() -> None:
    chunks = [
        chunk(role="assistant", content=""),
        chunk("Hé", reasoning_content="because"),
        {**chunk("llo"), "x_own": {"model": "inner"}, "logprobs": [1e-7, 0.10]},
        finish("stop", system_fingerprint=None),
    ]
    stream, out = answer(*chunks, DONE)
    assert values(out) == values(renamed(*chunks))
    assert (stream.problem, stream.done, stream.complete) == (None, True, True)
    assert (stream.finish_reason, stream.usage) == ("stop", None)


@pytest.mark.parametrize(
    "text",
    [
        '{"x":{"model":"theirs"},"model":"theirs"}',
        '{"model":"theirs","x":{"model":"theirs"}}',
        '{"x":{"model":"theirs"},"mod\\u0065l":"theirs"}',
        '{"x":"\\"model\\":\\"theirs\\"","model":"theirs"}',
        '{"x\\"model":"theirs","model":"theirs"}',
        '{"model":"theirs","x\\"model":"theirs"}',
        '{"x":{"model":"theirs"}}',
        '{"model":"th\\u0065irs"}',
        '{"model":null}',
        '{"model" : "theirs"}',
    ],
)
def test_only_the_chunks_own_model_is_replaced(text: str) -> None:
    (value,) = values(answer(f"data: {text}\n\n".encode())[1])
    assert value == {**json.loads(text), "model": MODEL}


def test_numbers_keep_their_digits() -> None:
    text = b'data: {"model": "theirs","choices": [{"index": 0,"delta": {"content":"\\/"}}],"t":0.10}\n\n'
    assert answer(text)[1] == text.replace(b"theirs", MODEL.encode())


def test_usage_is_the_backends_also_where_it_is_zero() -> None:
    stream, out = answer(finish(), usage(0, 0), DONE)
    assert stream.usage == {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
    assert out.count(b'"usage"') == 1


@pytest.mark.parametrize("reason", ["stop", "length", "tool_calls", "content_filter", "function_call"])
def test_the_known_ends_are_ends(reason: str) -> None:
    stream, _ = answer(chunk("a"), finish(reason))
    stream.end()
    assert (stream.problem, stream.finish_reason) == (None, reason)


@pytest.mark.parametrize("reason", ["", "unknown", "error", "route_only", "STOP", 1, ["stop"], {}, True])
def test_an_end_that_is_not_known_is_a_problem_and_is_not_passed_on(reason: Any) -> None:
    stream, out = answer(chunk("a"), finish(reason), chunk("b"))
    assert stream.problem is Word.UNKNOWN_FINISH
    assert out == renamed(chunk("a"))


def test_what_follows_the_end_is_ignored() -> None:
    stream, out = answer(chunk("a"), finish(), DONE + event(chunk("b")), DONE, event({"error": {}}), b"{")
    assert out == renamed(chunk("a"), finish())
    assert stream.problem is None


@pytest.mark.parametrize(
    ("parts", "problem"),
    [
        ([], Word.CUT_OFF),
        ([chunk("a")], Word.CUT_OFF),
        ([chunk("a"), DONE], Word.NO_FINISH),
        ([DONE], Word.NO_FINISH),
        ([usage(1, 1), DONE], Word.NO_FINISH),
        ([chunk("a"), finish(index=1), DONE], Word.NO_FINISH),
        ([call(0, "{", "bash", "c1")], Word.CUT_OFF),
        ([finish(), DONE], None),
        ([finish()], None),
    ],
)
def test_an_answer_is_whole_only_with_an_end_of_every_choice(parts: list[Any], problem: Word | None) -> None:
    stream, _ = answer(*parts)
    stream.end()
    assert stream.problem is problem


@pytest.mark.parametrize(
    ("part", "problem"),
    [
        (b"data: {\n\n", Word.WRONG_CONTENT),
        (b"data: <html>\n\n", Word.WRONG_CONTENT),
        (b"data: null\n\n", Word.WRONG_CONTENT),
        (b"data: []\n\n", Word.WRONG_CONTENT),
        (event({"choices": {}}), Word.WRONG_CONTENT),
        (event({"choices": [1]}), Word.WRONG_CONTENT),
        (event({"choices": [{"index": -1}]}), Word.WRONG_CONTENT),
        (event({"choices": [{"index": 128}]}), Word.WRONG_CONTENT),
        (event({"choices": [{"index": True}]}), Word.WRONG_CONTENT),
        (event({"choices": [{"index": 0, "delta": "x"}]}), Word.WRONG_CONTENT),
        (event({"error": {"message": "x"}}), Word.ERROR_EVENT),
        (event({"error": "x", **chunk("a")}), Word.ERROR_EVENT),
    ],
)
def test_what_is_not_a_chunk_is_a_problem(part: bytes, problem: Word) -> None:
    first, _ = answer(part)
    assert (first.problem, first.began) == (problem, False)
    later, out = answer(event(chunk("a")) + part + event(chunk("b")))
    assert (later.problem, later.began) == (problem, True)
    assert out == renamed(chunk("a"))


def test_comments_empty_events_and_unknown_objects_do_no_harm() -> None:
    ping = {"type": "ping", "error": None, "choices": None}
    stream, out = answer(b": comment\n\n", b"data:\n\n", b"retry: 3\n\n", b"id: 1\n\n")
    assert (out, stream.began, stream.problem) == (b"", False, None)
    stream, out = answer(event(ping))
    assert values(out) == [{**ping, "model": MODEL}]


def test_an_answer_has_begun_with_the_first_byte_of_an_event() -> None:
    assert answer(b"data: {")[0].began
    assert not answer(b": ping\n\n")[0].began


def test_an_event_that_is_too_large_is_a_problem() -> None:
    stream, out = answer(event(chunk("a")), b"data: " + b"x" * (17 * 1024 * 1024))
    assert (stream.problem, out) == (Word.TOO_LARGE, renamed(chunk("a")))


CALLS = [
    call(0, "", "bash", "c1"),
    call(0, '{"comm'),
    call(1, "", "edit", "c2"),
    call(0, 'and": "ls"}'),
    call(1, '{"path": "é"}'),
    finish("tool_calls"),
    usage(7, 5),
]


def test_calls_are_held_back_and_then_passed_byte_for_byte() -> None:
    stream, out = answer(chunk("Let me "), chunk("look."), *CALLS, DONE)
    assert out == renamed(chunk("Let me "), chunk("look."))
    assert stream.holding
    assert stream.calls() == (
        Call(0, 0, "c1", "bash", '{"command": "ls"}'),
        Call(0, 1, "c2", "edit", '{"path": "é"}'),
    )
    assert stream.passed() == renamed(*CALLS)
    assert (stream.finish_reason, stream.usage) == ("tool_calls", usage(7, 5)["usage"])


@pytest.mark.parametrize("asked", [True, False])
def test_calls_are_replaced_by_text_and_a_stop(asked: bool) -> None:
    stream, _ = answer(chunk("Let me look."), *CALLS, DONE)
    text, end, *rest = values(stream.replaced("It was not approved.", include_usage=asked))
    assert text["choices"] == [
        {"index": 0, "delta": {"content": "It was not approved."}, "finish_reason": None}
    ]
    assert end["choices"] == [{"index": 0, "delta": {}, "finish_reason": "stop"}]
    assert rest == ([{**text, "choices": [], "usage": usage(7, 5)["usage"]}] if asked else [])
    assert {(one["id"], one["model"], one["object"], one["created"]) for one in (text, end)} == {
        ("chatcmpl-1", MODEL, "chat.completion.chunk", 1)
    }
    assert stream.finish_reason == "stop"


def test_usage_that_the_backend_does_not_give_is_not_invented() -> None:
    stream, _ = answer(*CALLS[:-1], DONE)
    assert len(values(stream.replaced("No.", include_usage=True))) == 2


def test_text_in_what_is_held_back_comes_before_the_text_that_replaces_the_calls() -> None:
    together = chunk("First. ", tool_calls=[{"index": 0, "id": "c", "function": {"name": "a"}}])
    stream, out = answer(together, chunk("Then."), finish("tool_calls"))
    assert out == b""
    text, _ = values(stream.replaced("No.", include_usage=False))
    assert text["choices"][0]["delta"]["content"] == "First. Then.\n\nNo."


def test_the_other_choices_pass_where_one_has_calls() -> None:
    stream, out = answer(
        chunk("zero"),
        call(0, "{}", "bash", "c1", choice=1),
        chunk("more"),
        finish(index=0),
        finish("tool_calls", index=1),
        DONE,
        expected=2,
    )
    assert out == renamed(chunk("zero"))
    more, zero, text, end = values(stream.replaced("No.", include_usage=False))
    assert [one["choices"][0]["index"] for one in (more, zero, text, end)] == [0, 0, 1, 1]
    assert more["choices"][0]["delta"] == {"content": "more"}
    assert (zero["choices"][0]["finish_reason"], end["choices"][0]["finish_reason"]) == ("stop", "stop")


def test_a_function_call_is_a_call() -> None:
    stream, out = answer(chunk(function_call={"name": "bash", "arguments": "{}"}), finish("function_call"))
    assert (out, stream.calls()[0].name) == (b"", "bash")


@pytest.mark.parametrize(
    "part",
    [
        # In a stream nobody's calls are in a message, but some client may look there.
        {"choices": [{"index": 0, "message": {"tool_calls": [{"function": {"name": "bash"}}]}}]},
        {"choices": [{"index": 0, "delta": {"tool_calls": "x"}}]},
        {"choices": [{"index": 0, "delta": {"tool_calls": [{"type": "odd"}]}}]},
        {"choices": [{"index": 0, "delta": {"function_call": 1}}]},
    ],
)
def test_a_call_that_cannot_be_judged_is_a_problem(part: Any) -> None:
    stream, out = answer(part)
    assert (stream.problem, out) == (Word.UNCLEAR_CALL, b"")


def test_a_call_without_a_name_cannot_be_judged() -> None:
    with pytest.raises(ToolCallError):
        answer(call(0, "{}"), finish("tool_calls"))[0].calls()


CALL_TEXT = '{"index":0,"id":"c","function":{"name":"read","arguments":"{}"}}'


@pytest.mark.parametrize(
    "text",
    [
        '{"index":0,"id":"c","function":{"name":"bash","name":"read","arguments":"{}"}}',
        '{"index":0,"id":"c","function":{"name":"bash"},"function":{"name":"read"}}',
    ],
)
def test_a_key_that_appears_twice_in_a_call_is_a_problem(text: str) -> None:
    data = f'data: {{"model":"m","choices":[{{"index":0,"delta":{{"tool_calls":[{text}]}}}}]}}\n\n'
    stream, out = answer(data.encode())
    assert (stream.problem, out) == (Word.UNCLEAR_CALL, b"")


@pytest.mark.parametrize("name", ["tool_calls", "tool\\u005fcalls"])
def test_a_call_cannot_hide_behind_a_key_that_appears_twice(name: str) -> None:
    delta = f'{{"{name}":[{CALL_TEXT}],"{name}":[],"content":"hi"}}'
    stream, out = answer(f'data: {{"model":"m","choices":[{{"index":0,"delta":{delta}}}]}}\n\n'.encode())
    assert stream.problem is None
    assert values(out)[0]["choices"][0]["delta"] == {"tool_calls": [], "content": "hi"}
    assert b"read" not in out


def test_what_is_held_back_is_bounded() -> None:
    stream = AnswerStream(MODEL, DECISION)
    piece, held = event(call(0, "x" * 100_000, "bash", "c")), 0
    while stream.problem is None:
        assert stream.feed(piece) == b""
        held += len(piece)
    assert (stream.problem, held < MOST_HELD + 200_000) == (Word.TOO_LARGE, True)


def test_half_a_character_passes_as_it_came() -> None:
    text = b'data: {"model":"m","choices":[{"index":0,"delta":{"content":"\\ud83d"}}]}\n\n'
    stream, out = answer(text)
    assert (stream.problem, out) == (None, text.replace(b'"m"', b'"lumynax/coder"'))
    # Also where the whole chunk has to be written again.
    stream, out = answer(text.replace(b'"m"', b'"\\u006d"'))
    assert (stream.problem, values(out)) == (None, values(text.replace(b'"m"', b'"lumynax/coder"')))
