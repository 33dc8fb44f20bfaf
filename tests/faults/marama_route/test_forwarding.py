"""Time and people in the middle of an answer: silence, a client that leaves or is slow, a gate that waits."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any, Callable, Coroutine, TypeVar

import pytest

from foundation.errors import Refusal
from marama_route.backends.client import Backends
from marama_route.core.decision import State
from marama_route.core.tool_calls import Call
from marama_route.forwarding.ends import Verdict
from marama_route.forwarding.forward import forward
from tests.stand_in.model_backend import (
    Answer,
    Hang,
    ModelBackend,
    Pause,
    Repeat,
    Until,
    call,
    chunk,
    completion,
    error,
    event,
    finish,
    framed,
    head,
    hello,
    stream,
    stream_head,
    tokens,
    usage,
    whole,
)
from tests.support.forwarding import (
    DECISION,
    Client,
    Gate,
    Ledger,
    Ran,
    abandoned,
    backend,
    forwarded,
    host,
    job,
    model,
)

_Result = TypeVar("_Result")
KEEP_ALIVE = b": keep-alive\n\n"
TWO = [model(), model("lumynax/second", "two")]


def run(work: Coroutine[Any, Any, _Result]) -> _Result:
    return asyncio.run(asyncio.wait_for(work, 30))


def asked(answer: Answer, *, streaming: bool = True, **options: Any) -> Ran:
    with ModelBackend([answer]) as one:
        return run(forwarded(job(stream=streaming), backend("one", one.base_url), **options))


async def until(condition: Callable[[], bool]) -> None:
    """Wait for it, for ten seconds at most."""
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        await asyncio.sleep(0.01)


# A client that goes away.

LEAVING: dict[str, tuple[bool, Answer]] = {
    "before the head of a stream": (True, [Hang()]),
    "before the first byte of a stream": (True, [stream_head(), Hang()]),
    "within a stream": (True, stream(chunk("a"), Hang())),
    "within a call": (True, stream(call(0, "{", "bash", "c"), Hang())),
    "before the head of a whole answer": (False, [Hang()]),
    "within a whole answer": (False, [head(200, [("content-type", "application/json")]) + b"{", Hang()]),
}


@pytest.mark.parametrize("when", LEAVING)
def test_a_client_that_goes_away_ends_the_backends_request_at_once(when: str) -> None:
    streaming, answer = LEAVING[when]

    async def work(one: ModelBackend) -> tuple[Ledger, float]:
        ledger = Ledger()
        async with Backends({"one": backend("one", one.base_url)}, host()) as backends:
            task = asyncio.ensure_future(
                forward(job(stream=streaming), backends, Gate(), Client(), ledger, keep_alive=1000)
            )
            size = sum(len(step) for step in answer[: answer.index(Hang())] if isinstance(step, bytes))
            await until(lambda: bool(one.requests and one.requests[0].sent >= size))
            await asyncio.sleep(0.1)
            left = time.monotonic()
            await abandoned(task)
            assert task.cancelled()
            await until(one.requests[0].gone.is_set)
        return ledger, left

    with ModelBackend([answer]) as one:
        ledger, left = run(work(one))
        assert one.requests[0].gone_at - left < 1
    assert ledger.outcome.state is State.CANCELLED
    assert ledger.errors == ["cancelled"]


@pytest.mark.parametrize("streaming", [True, False])
def test_a_client_that_is_gone_when_it_is_written_to_ends_the_backends_request(streaming: bool) -> None:
    async def gone(_: bytes) -> None:
        raise ConnectionResetError("Cannot write to closing transport")

    answer = stream(chunk("a"), Hang()) if streaming else whole(completion())
    with ModelBackend([answer]) as one:
        client = Client(on_write=gone)
        ran = run(forwarded(job(stream=streaming), backend("one", one.base_url), client=client))
        assert one.requests[0].gone.wait(10)
    assert ran.ledger.outcome.state is State.CANCELLED
    assert ran.ledger.errors == ["cancelled"]


def test_a_client_that_is_gone_when_a_comment_is_written_ends_the_backends_request() -> None:
    async def gone(_: bytes) -> None:
        raise ConnectionResetError

    with ModelBackend([[Hang()]]) as one:
        ran = run(
            forwarded(job(), backend("one", one.base_url), client=Client(on_write=gone), keep_alive=0.05)
        )
        assert one.requests[0].gone.wait(10)
    assert ran.ledger.outcome.state is State.CANCELLED


def test_usage_that_came_before_the_client_left_is_reported() -> None:
    async def gone(data: bytes) -> None:
        if b"DONE" in data:
            raise ConnectionResetError

    ran = asked(stream(chunk("a"), finish(), usage(4, 2), Pause(0.1)), client=Client(on_write=gone))
    assert (ran.ledger.outcome.state, ran.ledger.outcome.usage) == (State.CANCELLED, tokens(4, 2))


def test_a_second_cancellation_does_not_lose_the_outcome() -> None:
    class Slow(Ledger):
        async def tried(self, attempt: Any) -> None:
            await asyncio.sleep(0.1)
            await super().tried(attempt)

        async def ended(self, outcome: Any) -> None:
            await asyncio.sleep(0.1)
            await super().ended(outcome)

    async def work(one: ModelBackend) -> Ledger:
        ledger = Slow()
        async with Backends({"one": backend("one", one.base_url)}, host()) as backends:
            task = asyncio.ensure_future(forward(job(), backends, Gate(), Client(), ledger))
            await until(lambda: bool(one.requests))
            for _ in range(4):
                task.cancel()
                await asyncio.sleep(0.03)
            await abandoned(task)
        return ledger

    with ModelBackend([[Hang()]]) as one:
        ledger = run(work(one))
    assert (ledger.outcome.state, ledger.errors) == (State.CANCELLED, ["cancelled"])


# Silence.


def test_comments_go_out_while_a_backend_is_silent_and_never_within_an_event() -> None:
    parts = [Pause(0.3), chunk("a"), Pause(0.3), chunk("b"), finish()]
    ran = asked(stream(*parts), keep_alive=0.05)
    assert ran.client.begun == ["lumynax/coder"]
    assert set(ran.client.writes[: ran.client.writes.index(KEEP_ALIVE) + 1]) == {KEEP_ALIVE}
    between = ran.client.text.partition(b'"a"')[2].partition(b'"b"')[0]
    assert between.count(KEEP_ALIVE) >= 2
    assert ran.client.said == "ab"
    assert ran.ledger.outcome.state is State.COMPLETED


def test_a_backends_own_comments_are_dropped() -> None:
    ran = asked(stream(b": theirs\n\n", chunk("a"), b": theirs\n\n", finish(), b":\n\n"))
    assert b": theirs" not in ran.client.text
    assert b"\n:" not in ran.client.text


def test_no_comment_goes_out_while_there_is_no_silence() -> None:
    ran = asked(
        stream(*[part for n in range(8) for part in (chunk(str(n)), Pause(0.02))], finish()), keep_alive=5
    )
    assert KEEP_ALIVE not in ran.client.text


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ([Pause(0.2), *error(503)], "backend_failed"),
        ([Hang()], "backend_timeout"),
        ([Pause(0.2), *error(422, "no", code="theirs")], "theirs"),
    ],
)
def test_after_a_comment_a_failure_is_an_error_event(answer: Answer, code: str) -> None:
    with ModelBackend([answer]) as one:
        ran = run(forwarded(job(), backend("one", one.base_url, first_byte=1), keep_alive=0.05))
    (last,) = ran.client.events
    assert (last["error"]["code"], last["error"]["decision_id"]) == (code, DECISION)
    assert ran.client.writes[0] == KEEP_ALIVE
    assert (ran.client.wholes, ran.ledger.outcome.state) == ([], State.FAILED)


def test_after_a_comment_the_next_model_can_still_answer() -> None:
    with ModelBackend([[Pause(0.2), *error(503)]]) as one, ModelBackend() as two:
        ran = run(
            forwarded(job(TWO), backend("one", one.base_url), backend("two", two.base_url), keep_alive=0.05)
        )
    assert ran.client.begun == ["lumynax/coder"]
    assert ran.client.said == "Hello"
    assert {one["model"] for one in ran.client.events[:-1]} == {"lumynax/second"}


def test_a_whole_answer_has_no_comments() -> None:
    ran = asked([Pause(0.3), *whole(completion())], streaming=False, keep_alive=0.05)
    assert (ran.client.writes, ran.client.wholes[0][0]) == ([], 200)


# The tool gate.

CALLS = [call(0, '{"command": "ls"}', "bash", "c1"), finish("tool_calls")]
SEEN = (Call(0, 0, "c1", "bash", '{"command": "ls"}'),)


@pytest.mark.parametrize("passed", [True, False])
def test_calls_wait_for_the_gate_with_comments_and_the_backend_is_let_go(passed: bool) -> None:
    async def work(one: ModelBackend) -> tuple[Client, Gate, Ledger]:
        gate = Gate(Verdict(passed, "Approve ap_1."), opened=asyncio.Event())
        client, ledger = Client(), Ledger()
        async with Backends({"one": backend("one", one.base_url, silence=1)}, host()) as backends:
            task = asyncio.ensure_future(
                forward(job(usage=True), backends, gate, client, ledger, keep_alive=0.05)
            )
            await until(lambda: bool(gate.asked))
            # Longer than the backend's silence may last: nobody waits for the backend now.
            await asyncio.sleep(1.2)
            assert client.said == "Let me look."
            assert b"bash" not in client.text
            assert KEEP_ALIVE in client.text
            assert gate.opened is not None
            gate.opened.set()
            await task
        return client, gate, ledger

    # With pauses, so that nothing is left to be written when the last event comes.
    parts = [chunk("Let me look."), Pause(0.05), *CALLS, usage(5, 4), Pause(0.05)]
    with ModelBackend([stream(*parts)]) as one:
        client, gate, ledger = run(work(one))
    assert gate.asked == [(SEEN, False)]
    ends = [c["finish_reason"] for e in client.events[:-1] for c in e["choices"] if c["finish_reason"]]
    assert ends == (["tool_calls"] if passed else ["stop"])
    assert client.said == ("Let me look." if passed else "Let me look.Approve ap_1.")
    assert (b"bash" in client.text) == passed
    assert client.events[-2]["usage"] == tokens(5, 4)
    assert client.events[-1] == "[DONE]"
    assert (ledger.outcome.finish_reason, ledger.outcome.usage) == (ends[0], tokens(5, 4))


def test_calls_split_at_every_byte_and_mixed_reach_the_gate_whole() -> None:
    texts = ['{"path": "a é", "content": "1"}', '{"command": "echo \\"x\\""}', "{}"]
    pieces = [call(n, "", f"tool{n}", f"c{n}") for n in range(3)]
    for at in range(max(map(len, texts))):
        pieces += [call(n, text[at]) for n, text in enumerate(texts) if at < len(text)]
    data = b"".join(map(event, [*pieces, finish("tool_calls"), "[DONE]"]))
    sent = [stream_head(), *(framed(data[at : at + 1]) for at in range(len(data))), b"0\r\n\r\n"]
    gate = Gate()
    ran = asked([b"".join(sent[at : at + 97]) for at in range(0, len(sent), 97)], gate=gate)
    assert [one.arguments for one in gate.asked[0][0]] == texts
    assert ran.client.text == data.replace(b"upstream-model", b"lumynax/coder")


@pytest.mark.parametrize("passed", [True, False])
def test_calls_of_a_whole_answer_are_judged(passed: bool) -> None:
    calls = [{"id": "c1", "type": "function", "function": {"name": "bash", "arguments": '{"command": "ls"}'}}]
    gate = Gate(Verdict(passed, "Approve ap_1."))
    ran = asked(whole(completion("Let me look.", "tool_calls", tool_calls=calls)), streaming=False, gate=gate)
    ((status, body, _, _),) = ran.client.wholes
    (choice,) = body["choices"]
    assert (status, gate.asked) == (200, [(SEEN, True)])
    if passed:
        assert (choice["message"]["tool_calls"], choice["finish_reason"]) == (calls, "tool_calls")
    else:
        assert choice["message"] == {"role": "assistant", "content": "Let me look.\n\nApprove ap_1."}
        assert choice["finish_reason"] == "stop"


@pytest.mark.parametrize("streaming", [True, False])
@pytest.mark.parametrize("text", ["a", ""])
def test_a_gate_that_cannot_record_passes_nothing(streaming: bool, text: str) -> None:
    calls = [{"id": "c1", "type": "function", "function": {"name": "bash", "arguments": "{}"}}]
    answer = stream(*([chunk(text)] if text else []), *CALLS)
    if not streaming:
        answer = whole(completion(text, "tool_calls", tool_calls=calls))
    gate = Gate(Refusal("not_ready", "the audit cannot be written", next_step="try again"))
    ran = asked(answer, streaming=streaming, gate=gate)
    if streaming and text:
        assert ran.client.events[-1]["error"]["code"] == "not_ready"
    else:
        ((status, body, _, retry_after),) = ran.client.wholes
        assert (status, body["error"]["code"], retry_after is None) == (503, "not_ready", False)
    assert b"bash" not in ran.client.text
    assert (ran.ledger.outcome.state, ran.ledger.errors) == (State.FAILED, ["not_ready"])


@pytest.mark.parametrize("text", ["a", ""])
def test_a_fault_of_ours_passes_nothing_and_is_raised(text: str) -> None:
    ledger, client = Ledger(), Client()

    async def work(one: ModelBackend) -> None:
        async with Backends({"one": backend("one", one.base_url)}, host()) as backends:
            with pytest.raises(ZeroDivisionError):
                await forward(job(), backends, Gate(ZeroDivisionError("secret")), client, ledger)

    with ModelBackend([stream(*([chunk(text)] if text else []), *CALLS)]) as one:
        run(work(one))
    assert [e["error"]["code"] for e in client.events if "error" in e] == (["internal_error"] if text else [])
    assert b"secret" not in client.text
    assert (ledger.outcome.state, ledger.errors) == (State.FAILED, ["internal_error"])


# The policy.


def test_a_policy_ends_a_running_stream_with_its_reason_and_content_filter() -> None:
    async def work(one: ModelBackend) -> tuple[Client, Ledger]:
        client, ledger = Client(), Ledger()
        stop: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        async with Backends({"one": backend("one", one.base_url)}, host()) as backends:
            task = asyncio.ensure_future(forward(job(), backends, Gate(), client, ledger, stop=stop))
            await client.wrote.wait()
            stop.set_result("The capsule was revoked.")
            await task
            await until(one.requests[0].gone.is_set)
        return client, ledger

    with ModelBackend([stream(chunk("Hi. "), Hang())]) as one:
        client, ledger = run(work(one))
    assert client.said == "Hi. \n\nThe capsule was revoked."
    assert client.events[-2]["choices"][0]["finish_reason"] == "content_filter"
    assert client.events[-1] == "[DONE]"
    assert (ledger.outcome.state, ledger.outcome.finish_reason) == (State.DENIED, "content_filter")
    assert ledger.errors == ["stopped"]


@pytest.mark.parametrize("streaming", [True, False])
def test_a_policy_that_stops_before_the_answer_is_a_403(streaming: bool) -> None:
    async def work(one: ModelBackend) -> tuple[Client, Ledger]:
        client, ledger = Client(), Ledger()
        stop: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        async with Backends({"one": backend("one", one.base_url)}, host()) as backends:
            work = forward(job(stream=streaming), backends, Gate(), client, ledger, stop=stop)
            task = asyncio.ensure_future(work)
            await until(lambda: bool(one.requests))
            stop.set_result("capsule_revoked")
            await task
        return client, ledger

    with ModelBackend([[Hang()]]) as one:
        client, ledger = run(work(one))
    ((status, body, _, _),) = client.wholes
    assert (status, body["error"]["code"], body["error"]["message"]) == (
        403,
        "policy_denied",
        "capsule_revoked",
    )
    assert ledger.outcome.state is State.DENIED


# Memory, order, connections.


def test_a_slow_client_slows_the_backend_down() -> None:
    """What waits between the two is bounded, and a client that is slow is not a silent backend."""
    piece = framed(event(chunk("x" * 1000)))

    async def work(one: ModelBackend) -> tuple[int, Ledger]:
        release = asyncio.Event()

        async def slow(_: bytes) -> None:
            if len(client.writes) > 1:
                await release.wait()

        client, ledger = Client(on_write=slow), Ledger()
        async with Backends({"one": backend("one", one.base_url, silence=1)}, host()) as backends:
            task = asyncio.ensure_future(forward(job(), backends, Gate(), client, ledger, keep_alive=1000))
            await until(lambda: len(client.writes) > 1)
            await asyncio.sleep(1.5)
            waiting = one.requests[0].sent - len(client.text)
            release.set()
            await task
        return waiting, ledger

    with ModelBackend([stream(Repeat(piece, 20_000), finish())]) as one:
        waiting, ledger = run(work(one))
        assert one.requests[0].sent > 20_000_000
    # The sockets' own buffers are the kernel's; the rest is 64 KiB twice.
    assert waiting < 10_000_000
    assert ledger.outcome.state is State.COMPLETED


def test_bytes_are_forwarded_as_they_come() -> None:
    """The first event is with the client before the backend has said the second one."""
    go = threading.Event()

    async def work(one: ModelBackend) -> Client:
        client = Client()

        async def on_write(data: bytes) -> None:
            assert b"second" not in client.text or go.is_set()
            go.set()

        client.on_write = on_write
        async with Backends({"one": backend("one", one.base_url)}, host()) as backends:
            await forward(job(), backends, Gate(), client, Ledger())
        return client

    with ModelBackend([stream(chunk("first"), Until(go), chunk("second"), finish())]) as one:
        assert run(work(one)).said == "firstsecond"


@pytest.mark.parametrize("streaming", [True, False])
def test_connections_are_used_again(streaming: bool) -> None:
    async def work(one: ModelBackend) -> None:
        async with Backends({"one": backend("one", one.base_url)}, host()) as backends:
            for _ in range(5):
                client = Client()
                await forward(job(stream=streaming), backends, Gate(), client, Ledger())
                assert client.events or client.wholes
                await asyncio.sleep(0.05)

    with ModelBackend(answerer=hello) as one:
        run(work(one))
        assert (len(one.requests), one.connections) == (5, 1)


def test_the_ledger_has_each_attempt_with_its_times() -> None:
    answers = [[Pause(0.1), *error(503)]], [stream(Pause(0.1), chunk("a"), Pause(0.1), finish())]
    with ModelBackend(answers[0]) as one, ModelBackend(answers[1]) as two:
        ran = run(forwarded(job(TWO), backend("one", one.base_url), backend("two", two.base_url)))
    first, second = ran.ledger.attempts
    assert (first.status, first.first_byte_ms) == (503, None)
    assert first.duration_ms is not None
    assert first.duration_ms >= 100
    assert second.first_byte_ms is not None
    assert second.duration_ms is not None
    assert 100 <= second.first_byte_ms <= second.duration_ms - 90
