"""Everything that a backend can do wrong, with real sockets: what the client gets, and who is asked."""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from typing import Any, Callable, Coroutine, TypeVar

import pytest

from marama_route.core.decision import State
from tests.stand_in.model_backend import (
    Answer,
    Close,
    Hang,
    ModelBackend,
    Pause,
    Repeat,
    Reset,
    call,
    chunk,
    completion,
    error,
    event,
    finish,
    framed,
    head,
    refusing_url,
    stream,
    stream_head,
    tokens,
    usage,
    whole,
)
from tests.support.forwarding import DECISION, PROMPT, Client, Ran, backend, forwarded, job, model

_Result = TypeVar("_Result")
TWO = [model(), model("lumynax/second", "two", "second:7b")]
JSON = ("content-type", "application/json")


def run(work: Coroutine[Any, Any, _Result]) -> _Result:
    return asyncio.run(asyncio.wait_for(work, 30))


def asked(answer: Answer, *, streaming: bool, limits: dict[str, Any] | None = None, **options: Any) -> Ran:
    """One model, whose backend answers so."""
    with ModelBackend([answer]) as one:
        ran = run(forwarded(job(stream=streaming), backend("one", one.base_url, **(limits or {})), **options))
        assert len(one.requests) == 1
    return ran


def with_second(answer: Answer, *, streaming: bool, **limits: Any) -> tuple[Ran, int]:
    """Two models: the first one's backend answers so, the second one's well; how often it was asked."""
    with ModelBackend([answer]) as one, ModelBackend() as two:
        ran = run(
            forwarded(
                job(TWO, stream=streaming),
                backend("one", one.base_url, **limits),
                backend("two", two.base_url),
            )
        )
        assert len(one.requests) == 1
        return ran, len(two.requests)


def said(client: Client) -> str:
    if client.wholes:
        return str(client.wholes[0][1]["choices"][0]["message"]["content"])
    return client.said


QUICK = {"connect": 1, "first_byte": 1, "silence": 1}
# Nothing of an answer is there: the next model is asked.
BEFORE: dict[str, Callable[[bool], Answer]] = {
    "reset": lambda _: [Reset()],
    "closed": lambda _: [Close()],
    "half a head": lambda _: [b"HTTP/1.1 200 OK\r\ncontent-", Close()],
    "not HTTP": lambda _: [b"SSH-2.0-OpenSSH_9.2\r\n", Close()],
    "silent before the head": lambda _: [Hang()],
    "silent after the head": lambda s: [
        stream_head() if s else head(200, [JSON, ("content-length", "9")]),
        Hang(),
    ],
    "only comments": lambda _: [*stream(b": one\n\n", b": two\n\n", done=False, ended=False)[:-1], Close()],
    "an empty body": lambda s: stream(done=False) if s else whole(b""),
    "408": lambda _: error(408),
    "429": lambda _: error(429),
    "500": lambda _: error(500),
    "501": lambda _: error(501),
    "502": lambda _: error(502),
    "503": lambda _: error(503),
    "504": lambda _: error(504),
    "599": lambda _: error(599),
    "204": lambda _: [head(204, [])],
    "a redirect": lambda _: error(307, headers=[("location", "/elsewhere")]),
    "HTML": lambda _: whole(b"<html>sign in</html>", headers=[("content-type", "text/html")]),
    "no type": lambda _: [head(200, [("content-length", "2")]) + b"{}"],
    "the other form": lambda s: whole(completion()) if s else stream(chunk("a"), finish()),
    "an error in a 200": lambda s: (
        stream({"error": {"message": "x"}}) if s else whole({"error": {"message": "x"}})
    ),
    "null": lambda s: stream(b"data: null\n\n") if s else whole(None),
    "no JSON": lambda s: stream(b"data: hello\n\n") if s else whole(b"hello"),
    "a huge header": lambda _: [head(200, [JSON, ("x-huge", "x" * 100_000)]) + b"{}"],
    "many headers": lambda _: [head(200, [JSON, *((f"x-{n}", "x") for n in range(1000))]) + b"{}"],
}


@pytest.mark.parametrize("streaming", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize("fault", BEFORE)
def test_before_the_first_byte_a_backend_gives_way(fault: str, streaming: bool) -> None:
    answer = BEFORE[fault](streaming)
    ran, second = with_second(answer, streaming=streaming, **QUICK)
    assert (second, said(ran.client)) == (1, "Hello")
    first, last = ran.ledger.attempts
    assert first.error is not None
    assert (first.model, last.model, last.error) == ("lumynax/coder", "lumynax/second", None)
    assert ran.ledger.outcome.state is State.COMPLETED
    assert {name for _, _, name, _ in ran.client.wholes} | set(ran.client.begun) == {"lumynax/second"}


@pytest.mark.parametrize("streaming", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize("fault", BEFORE)
def test_when_nobody_is_left_the_client_gets_one_error(fault: str, streaming: bool) -> None:
    timeout = fault.startswith("silent")
    ran = asked(BEFORE[fault](streaming), streaming=streaming, limits=QUICK)
    ((status, body, name, retry_after),) = ran.client.wholes
    inner = body["error"]
    assert (status, inner["code"]) == ((504, "backend_timeout") if timeout else (502, "backend_failed"))
    assert (name, inner["decision_id"], inner["type"], inner["param"]) == (
        "lumynax/coder",
        DECISION,
        "server_error",
        None,
    )
    assert "lumynax/coder (backend one): " in inner["message"]
    assert retry_after is not None
    assert (ran.client.writes, ran.ledger.outcome.state) == ([], State.FAILED)
    assert PROMPT not in json.dumps(body)


@pytest.mark.parametrize("streaming", [True, False], ids=["stream", "whole"])
def test_a_refused_connection_gives_way(streaming: bool) -> None:
    with ModelBackend() as two:
        ran = run(
            forwarded(
                job(TWO, stream=streaming), backend("one", refusing_url()), backend("two", two.base_url)
            )
        )
    assert said(ran.client) == "Hello"
    assert ran.ledger.errors == ["connection_failed", None]


# The answer has begun: nobody else is asked, and nothing is invented.
# The pause lets the beginning arrive before what follows.
BEGUN = (chunk("a"), Pause(0.05))
AFTER: dict[str, tuple[Answer, str]] = {
    "reset": (stream(*BEGUN, Reset()), "cut_off"),
    "cut": ([*stream(*BEGUN, done=False, ended=False), Close()], "cut_off"),
    "half a chunk": ([*stream(*BEGUN, done=False, ended=False), b"ff\r\ndata: {", Close()], "cut_off"),
    "half an event": (stream(*BEGUN, b'data: {"choices": [', done=False), "cut_off"),
    "a clean end after the role": (stream(chunk(role="assistant"), done=False), "cut_off"),
    "a clean end after text": (stream(*BEGUN, done=False), "cut_off"),
    "a clean end in a call": (stream(*BEGUN, call(0, '{"x', "bash", "c"), done=False), "cut_off"),
    "[DONE] without an end": (stream(*BEGUN), "no_finish_reason"),
    "an unknown end": (stream(*BEGUN, finish("route_only")), "unknown_finish_reason"),
    "silence": (stream(*BEGUN, Hang()), "silence_timeout"),
    "an error event": (stream(*BEGUN, {"error": {"message": "their words"}}), "error_event"),
    "no JSON": (stream(*BEGUN, b"data: hello\n\n"), "wrong_content"),
    "an odd call": (stream(*BEGUN, chunk(tool_calls=[{"type": "odd"}])), "unclear_tool_call"),
    "a call without a name": (
        stream(*BEGUN, call(0, "{}"), finish("tool_calls")),
        "unclear_tool_call",
    ),
}


@pytest.mark.parametrize("fault", AFTER)
def test_after_the_first_byte_a_stream_ends_with_an_error_event(fault: str) -> None:
    answer, word = AFTER[fault]
    ran, second = with_second(answer, streaming=True, **QUICK)
    assert second == 0
    assert ran.client.begun == ["lumynax/coder"]
    first, last = ran.client.events
    assert first["model"] == "lumynax/coder"
    assert set(last) == {"error"}
    code = "backend_timeout" if word == "silence_timeout" else "backend_failed"
    assert (last["error"]["code"], last["error"]["decision_id"]) == (code, DECISION)
    assert "their words" not in json.dumps(last)
    assert b'finish_reason": "' not in ran.client.text
    assert ran.ledger.errors == [word]
    assert (ran.ledger.outcome.state, ran.ledger.outcome.finish_reason) == (State.FAILED, None)


def test_a_transfer_that_is_not_http_ends_with_an_error_event() -> None:
    ran = asked([*stream(*BEGUN, done=False, ended=False), b"zz\r\n"], streaming=True, limits=QUICK)
    assert set(ran.client.events[-1]) == {"error"}
    # aiohttp's C parser closes the connection and does not tell the reader, so that its limit ends it.
    assert ran.ledger.errors[0] in ("cut_off", "silence_timeout")


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ([head(200, [JSON, ("content-length", "99")]) + b'{"choices"', Close()], "backend_failed"),
        ([head(200, [JSON, ("content-length", "99")]) + b'{"choices"', Reset()], "backend_failed"),
        ([head(200, [JSON, ("content-length", "99")]) + b'{"choices"', Hang()], "backend_timeout"),
        (whole(completion(reason="eos")), "backend_failed"),
        (whole(completion(tool_calls=[{}])), "backend_failed"),
        ([head(200, [JSON]), Repeat(b" " * 100_000, 200), Close()], "backend_failed"),
    ],
    ids=["cut", "reset", "silence", "unknown end", "an odd call", "too large"],
)
def test_after_the_first_byte_of_a_whole_answer_nobody_else_is_asked(answer: Answer, code: str) -> None:
    ran, second = with_second(answer, streaming=False, **QUICK)
    assert second == 0
    ((status, body, _, retry_after),) = ran.client.wholes
    assert (status, body["error"]["code"]) == (504 if code == "backend_timeout" else 502, code)
    assert retry_after is not None
    assert ran.ledger.outcome.state is State.FAILED


@pytest.mark.parametrize("streaming", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 405, 409, 410, 413, 415, 422, 431, 451, 499])
def test_a_backends_own_refusal_is_passed_on_after_one_request(status: int, streaming: bool) -> None:
    answer = error(
        status,
        "max_tokens is too large",
        [("retry-after", "7"), ("set-cookie", "a=b"), ("location", "/x")],
        type="invalid_request_error",
        param="max_tokens",
        code="too_large",
    )
    ran, second = with_second(answer, streaming=streaming)
    assert second == 0
    assert ran.client.wholes == [
        (
            status,
            {
                "error": {
                    "message": "max_tokens is too large",
                    "type": "invalid_request_error",
                    "param": "max_tokens",
                    "code": "too_large",
                    "decision_id": DECISION,
                }
            },
            "lumynax/coder",
            7,
        )
    ]
    assert (ran.ledger.attempts[0].status, ran.ledger.errors) == (status, ["status"])
    assert ran.ledger.outcome.state is State.FAILED


@pytest.mark.parametrize(
    "answer",
    [
        whole(b"<html>no</html>", 422, [("content-type", "text/html")]),
        whole(b"", 422),
        [head(422, [JSON, ("content-length", "99")]) + b'{"error"', Close()],
        whole(b'{"error": "' + b"x" * 100_000 + b'"}', 422),
        whole({"error": {"message": None}}, 422),
        whole([1], 422),
    ],
    ids=["HTML", "empty", "cut", "large", "null", "list"],
)
def test_a_refusal_without_a_message_has_one_of_ours(answer: Answer) -> None:
    ((status, body, _, _),) = asked(answer, streaming=True).client.wholes
    assert status == 422
    assert body["error"]["message"] == "the backend refused the request with status 422"
    assert body["error"]["code"] is None


def test_the_largest_retry_after_counts() -> None:
    models = [model(f"lumynax/{n}", f"b{n}") for n in range(3)]
    answers = [error(429, headers=[("retry-after", seconds)]) for seconds in ("3", "40", "0")]
    with ModelBackend([answers[0]]) as a, ModelBackend([answers[1]]) as b, ModelBackend([answers[2]]) as c:
        configured = [backend(f"b{n}", one.base_url) for n, one in enumerate((a, b, c))]
        ran = run(forwarded(job(models), *configured))
        assert [len(one.requests) for one in (a, b, c)] == [1, 1, 1]
    ((status, body, name, retry_after),) = ran.client.wholes
    assert (status, retry_after, name) == (502, 40, "lumynax/2")
    for number in range(3):
        assert (
            f"lumynax/{number} (backend b{number}): it answered with status 429" in body["error"]["message"]
        )
    assert [attempt.status for attempt in ran.ledger.attempts] == [429, 429, 429]


@pytest.mark.parametrize("streaming", [True, False], ids=["stream", "whole"])
def test_a_redirect_is_not_followed_and_the_key_is_not_sent_on(streaming: bool) -> None:
    with ModelBackend() as elsewhere:
        for status in (301, 302, 303, 307, 308):
            answer = error(status, headers=[("location", f"{elsewhere.base_url}/chat/completions")])
            ran = asked(answer, streaming=streaming)
            assert ran.client.wholes[0][0] == 502
        assert elsewhere.requests == []


def compressed(body: bytes, encoding: str) -> bytes:
    return gzip.compress(body) if encoding == "gzip" else zlib.compress(body)


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_compressed_answer_is_read_although_none_was_asked_for(encoding: str) -> None:
    named = ("content-encoding", encoding)
    answer = whole(compressed(json.dumps(completion()).encode(), encoding), headers=[named])
    assert said(asked(answer, streaming=False).client) == "Hello"
    body = compressed(b"".join(map(event, [chunk("Hel"), chunk("lo"), finish(), "[DONE]"])), encoding)
    pieces = [framed(body[at : at + 7]) for at in range(0, len(body), 7)]
    streamed = asked([stream_head([named]), *pieces, b"0\r\n\r\n"], streaming=True)
    assert (said(streamed.client), streamed.client.events[-1]) == ("Hello", "[DONE]")


@pytest.mark.parametrize("body", [b"not gzip at all", gzip.compress(b"{}")[:-9]], ids=["garbage", "cut"])
def test_a_compressed_answer_that_cannot_be_read_is_none(body: bytes) -> None:
    answer = whole(body, headers=[("content-encoding", "gzip")])
    ran = asked(answer, streaming=False)
    assert ran.client.wholes[0][0] == 502


def test_a_compressed_bomb_is_not_unpacked() -> None:
    packed = gzip.compress(b" " * (200 * 1024 * 1024), 9)
    ran = asked(whole(packed, headers=[("content-encoding", "gzip")]), streaming=False)
    assert ran.ledger.errors == ["too_large"]


@pytest.mark.parametrize(
    "end", [[b"data: [DONE]\n\n"], [event(chunk("more")), event("[DONE]")], [b"garbage"]]
)
def test_what_comes_after_done_is_ignored(end: list[bytes]) -> None:
    ran = asked(stream(chunk("a"), finish(), event("[DONE]"), *end, done=False), streaming=True)
    assert [one if one == "[DONE]" else one["choices"][0]["finish_reason"] for one in ran.client.events] == [
        None,
        "stop",
        "[DONE]",
    ]
    assert ran.ledger.outcome.state is State.COMPLETED


@pytest.mark.parametrize(
    "answer",
    [
        stream(chunk("a"), finish(), done=False),
        [*stream(chunk("a"), finish(), done=False, ended=False), Close()],
        [*stream(chunk("a"), finish(), done=False, ended=False), Reset()],
        [
            head(200, [("content-type", "text/event-stream; charset=utf-8")]),
            event(chunk("a")) + event(finish()),
            Close(),
        ],
    ],
    ids=["ended", "cut", "reset", "until closed"],
)
def test_an_answer_that_has_its_end_is_whole_without_done(answer: Answer) -> None:
    ran = asked(answer, streaming=True)
    assert ran.client.events[-1] == "[DONE]"
    assert ran.client.text.count(b"[DONE]") == 1
    assert ran.ledger.outcome.finish_reason == "stop"


def test_after_its_end_an_answer_is_not_waited_for_as_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("marama_route.forwarding.forward._LINGER_SECONDS", 0.2)
    ran = asked(stream(chunk("a"), finish(), Hang()), streaming=True)
    assert ran.client.events[-1] == "[DONE]"
    assert ran.ledger.outcome.state is State.COMPLETED


@pytest.mark.parametrize("wanted", [True, False])
@pytest.mark.parametrize("given", [tokens(11, 2), tokens(0, 0), None], ids=["numbers", "zeros", "none"])
def test_usage_is_passed_on_once_and_never_invented(given: dict[str, int] | None, wanted: bool) -> None:
    counted = [] if given is None else [usage(given["prompt_tokens"], given["completion_tokens"])]
    with ModelBackend([stream(chunk("a"), finish(), *counted)]) as one:
        ran = run(forwarded(job(usage=wanted), backend("one", one.base_url)))
        assert one.requests[0].json().get("stream_options") == ({"include_usage": True} if wanted else None)
    found = [event["usage"] for event in ran.client.events if event != "[DONE]" and "usage" in event]
    assert found == ([] if given is None else [given])
    assert ran.ledger.outcome.usage == given


def test_a_slow_trickle_within_the_limits_is_an_answer() -> None:
    data = b"".join(map(event, [chunk("Hello"), finish(), "[DONE]"]))
    pieces: list[Any] = []
    for at in range(0, len(data), 8):
        pieces += [framed(data[at : at + 8]), Pause(0.02)]
    ran = asked([stream_head(), *pieces, b"0\r\n\r\n"], streaming=True, limits=QUICK)
    assert said(ran.client) == "Hello"


def test_three_failures_in_a_row_leave_a_backend_out() -> None:
    async def work(base_url: str) -> list[frozenset[str]]:
        from marama_route.backends.client import Backends
        from marama_route.forwarding.forward import forward
        from tests.support.forwarding import Gate, Ledger, host

        now = [100.0]
        seen = []
        async with Backends({"one": backend("one", base_url)}, host(), lambda: now[0]) as backends:
            for _ in range(3):
                seen.append(backends.unavailable)
                await forward(job(), backends, Gate(), Client(), Ledger())
            seen.append(backends.unavailable)
            now[0] += 30
            seen.append(backends.unavailable)
            await forward(job(), backends, Gate(), Client(), Ledger())
            seen.append(backends.unavailable)
        return seen

    with ModelBackend(
        [error(500), [Reset()], stream(chunk("a"), Reset()), stream(chunk("a"), finish())]
    ) as one:
        seen = run(work(one.base_url))
    none: frozenset[str] = frozenset()
    assert seen == [none, none, none, {"one"}, none, none]
