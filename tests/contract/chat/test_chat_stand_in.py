"""The stand-in for a chat service: what it serves, refuses, is programmed to do, and notes."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from http.client import HTTPSConnection
from typing import Any

import pytest

from tests.contract.chat.asking import Answer, ask, list_models, open_to, question, send
from tests.stand_in import Authority
from tests.stand_in.chat import ABSENT, ChatStandIn, chat_stand_in
from tests.stand_in.chat.received import violations

SYSTEM = question()["messages"][0]


def together(*calls: Any) -> list[Answer]:
    answers: dict[int, Answer] = {}

    def run(index: int) -> None:
        answers[index] = calls[index]()

    threads = [threading.Thread(target=run, args=(index,)) for index in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [answers[index] for index in range(len(calls))]


def test_it_lists_its_models_and_answers_for_them(chat_service: ChatStandIn) -> None:
    assert [one["id"] for one in list_models(chat_service).json["data"]] == ["fugu", "fugu-ultra"]
    answer = ask(chat_service, question("normal-3", "Where is the lock?", turns=2))
    assert answer.status == 200
    assert answer.text == "normal-3, turn 3: you asked 'Where is the lock?'"
    assert answer.headers["x-request-id"] == "req-000002"
    assert answer.json["id"] == "chatcmpl-000002"
    assert answer.json["model"] == "fugu"
    usage = answer.json["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"] > 2


def test_only_its_key_is_served(chat_service: ChatStandIn) -> None:
    refused = ask(chat_service, key="another")
    assert (refused.status, refused.json["error"]["code"]) == (401, "invalid_api_key")
    assert list_models(chat_service, key="another").status == 401
    assert [request.key for request in chat_service.requests] == ["another", "another"]


def test_a_model_and_a_path_that_it_does_not_have() -> None:
    with chat_stand_in(strict=False) as service:
        unknown = ask(service, question(model="fugu-9"))
        assert (unknown.status, unknown.json["error"]["code"]) == (404, "model_not_found")
        connection = open_to(service)
        assert send(connection, service.key, question(), "/v1/completions").status == 404
        assert send(connection, service.key, None, "/v1/models?limit=1").status == 404
        connection.close()
        assert len(service.violations) == 2


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (question(turns=3), []),
        ({**question(), "messages": question()["messages"][1:]}, []),
        ({**question(), "temperature": 0}, ["the fields are messages, model, stream, temperature"]),
        ({**question(), "stream": True}, ["stream is not false"]),
        ({"model": "fugu", "stream": False}, ["the fields are model, stream", "messages is not a"]),
        (
            {**question(turns=1), "messages": question(turns=1)["messages"][1:]},
            ["the roles are user, assistant, user"],
        ),
        (
            {**question(), "messages": [*question()["messages"], {"role": "user", "content": "again"}]},
            ["the roles are system, user, user"],
        ),
        (
            {**question(), "messages": [*question(turns=1)["messages"][:-1]]},
            ["the roles are system, user, assistant"],
        ),
        (
            {**question(), "messages": [SYSTEM, {"role": "user", "content": "", "name": "x"}]},
            ["message 1 has the fields content, name, role", "message 1 has no text"],
        ),
        (b"{", ["the body is not JSON"]),
        (b"[]", ["the body is not an object"]),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_body_is_noted(body: dict[str, Any] | bytes, found: list[str]) -> None:
    with chat_stand_in(strict=False) as service:
        ask(service, body)
        assert len(service.violations) == len(found)
        for noted, start in zip(service.violations, found):
            assert noted.startswith(f"request 1: {start}")
    with pytest.raises(AssertionError), chat_stand_in() as service:
        ask(service, b"[]")


def test_a_repeated_system_message_is_noted() -> None:
    twice = [question()["messages"][0], *question()["messages"]]
    assert violations(b"%r" % question()) == ["the body is not JSON in UTF-8"]
    with chat_stand_in(strict=False) as service:
        ask(service, {**question(), "messages": twice})
        assert service.violations == ["request 1: the roles are system, system, user"]


def test_answers_by_model_slot_words_and_count(chat_service: ChatStandIn) -> None:
    chat_service.answer("for all")
    chat_service.answer("for ultra", model="fugu-ultra")
    chat_service.answer("for normal-2", slot="normal-2")
    chat_service.answer("once", slot="normal-2", times=1)
    chat_service.answer("with words", containing="lock")
    chat_service.answer("from the third on", slot="normal-5", skip=2)

    def said(slot: str, prompt: str = "Where?", model: str = "fugu") -> str:
        return ask(chat_service, question(slot, prompt, model)).text

    assert said("normal-1") == "for all"
    assert said("ultra", model="fugu-ultra") == "for ultra"
    assert [said("normal-2"), said("normal-2")] == ["once", "for normal-2"]
    assert said("normal-2", "Where is the lock?") == "with words"
    assert [said("normal-5") for _ in range(4)] == ["for all"] * 2 + ["from the third on"] * 2
    chat_service.clear()
    assert said("normal-2") == "normal-2, turn 1: you asked 'Where?'"


def test_failures_come_as_often_as_they_were_ordered_and_in_that_order(chat_service: ChatStandIn) -> None:
    chat_service.fail(429, slot="normal-1", retry_after="2", times=2)
    chat_service.fail(503, slot="normal-1", retry_after_ms="250", times=1)
    chat_service.fail(400, code="context_length_exceeded", slot="ultra", message="too long")
    answers = [ask(chat_service) for _ in range(4)]
    assert [answer.status for answer in answers] == [429, 429, 503, 200]
    assert [answer.headers.get("retry-after") for answer in answers] == ["2", "2", None, None]
    assert answers[2].headers["retry-after-ms"] == "250"
    for _ in range(2):
        error = ask(chat_service, question("ultra")).json["error"]
        assert (error["code"], error["message"]) == ("context_length_exceeded", "too long")
    chat_service.fail(500, what="models", times=1)
    assert [list_models(chat_service).status for _ in range(2)] == [500, 200]


def test_fields_of_an_answer_can_be_anything_or_absent(chat_service: ChatStandIn) -> None:
    chat_service.answer(usage=ABSENT, request_id=ABSENT, body_id=ABSENT, times=1)
    plain = ask(chat_service)
    assert set(plain.json) == {"object", "created", "model", "choices"}
    assert "x-request-id" not in plain.headers
    chat_service.answer(content=[{"type": "text", "text": "x"}], usage="many", request_id=b"\x01", body_id=7)
    odd = ask(chat_service)
    assert odd.json["choices"][0]["message"]["content"] == [{"type": "text", "text": "x"}]
    assert (odd.json["usage"], odd.json["id"], odd.headers["x-request-id"]) == ("many", 7, "\x01")


def test_eight_answers_at_once_and_no_slot_overlaps(chat_service: ChatStandIn) -> None:
    chat_service.answer("slow", after=0.2)
    slots = [f"normal-{number}" for number in range(1, 9)]
    answers = together(*[lambda slot=slot: ask(chat_service, question(slot)) for slot in slots])
    assert [answer.text for answer in answers] == ["slow"] * 8
    assert sorted(str(request.slot) for request in chat_service.chats) == slots
    first = min(chat_service.chats, key=lambda one: one.ended or 0)
    assert all(request.arrived < (first.ended or 0) for request in chat_service.chats), "one after the other"
    assert chat_service.overlaps == []
    assert chat_service.connections == 8


def test_two_requests_of_a_slot_at_once_are_noted(chat_service: ChatStandIn) -> None:
    gate = chat_service.hold(slot="normal-1")

    def let_go() -> Any:
        chat_service.wait_for(2)
        gate.set()

    together(lambda: ask(chat_service), lambda: ask(chat_service), let_go)
    assert [(one.number, other.number) for one, other in chat_service.overlaps] == [(1, 2)]


def test_requests_one_after_the_other_do_not_overlap(chat_service: ChatStandIn) -> None:
    for _ in range(50):
        ask(chat_service)
    assert chat_service.overlaps == []


def test_a_held_answer_comes_when_it_is_let_go(chat_service: ChatStandIn) -> None:
    gate = chat_service.hold(times=1)
    got: list[Answer] = []
    asking = threading.Thread(target=lambda: got.append(ask(chat_service)))
    asking.start()
    chat_service.wait_for(1, slot="normal-1")
    assert (chat_service.requests[0].ended, got) == (None, [])
    gate.set()
    asking.join()
    assert got[0].status == 200
    assert chat_service.requests[0].outcome == "answered"
    with pytest.raises(TimeoutError):
        chat_service.wait_for(2, seconds=0.01)


def test_a_client_that_leaves_is_noticed(chat_service: ChatStandIn) -> None:
    chat_service.hold()
    with pytest.raises(socket.timeout):
        ask(chat_service, timeout=0.1)
    chat_service.wait_until_idle()
    assert chat_service.requests[0].outcome == "left"


def test_half_a_request_is_counted_and_not_noted(chat_service: ChatStandIn) -> None:
    connection = open_to(chat_service)
    connection.putrequest("POST", "/v1/chat/completions")
    connection.putheader("Content-Length", "100")
    connection.endheaders(b"half")
    connection.close()
    until = time.monotonic() + 10
    while not chat_service.unfinished and time.monotonic() < until:
        time.sleep(0.01)
    assert (chat_service.unfinished, chat_service.requests) == (1, [])


def test_chunked_requests_and_those_that_wait_for_100_are_read(chat_service: ChatStandIn) -> None:
    connection = open_to(chat_service)
    headers = {"Authorization": f"Bearer {chat_service.key}", "Expect": "100-continue"}
    pieces = iter([b'{"model": "fugu", "stream": false, "mess', b'ages": ', b"MESSAGES}"])
    whole = [
        piece.replace(b"MESSAGES", str(question()["messages"]).replace("'", '"').encode()) for piece in pieces
    ]
    connection.request("POST", "/v1/chat/completions", iter(whole), headers, encode_chunked=True)
    assert connection.getresponse().read().startswith(b'{"object"')
    connection.close()
    assert chat_service.requests[0].messages == question()["messages"]


def test_a_connection_is_kept_until_the_client_closes_it(chat_service: ChatStandIn) -> None:
    connection = open_to(chat_service)
    for _ in range(2):
        send(connection, chat_service.key, question())
    connection.close()
    ask(chat_service)
    assert [request.connection for request in chat_service.requests] == [1, 1, 2]


def test_a_refused_connection_and_one_again(chat_service: ChatStandIn) -> None:
    port = chat_service.port
    with chat_service.refusing(), pytest.raises(ConnectionRefusedError):
        ask(chat_service)
    assert ask(chat_service).status == 200
    assert chat_service.port == port


@pytest.mark.parametrize("how", ["close", "reset", "hang"])
def test_connections_that_break_before_anything_is_read(chat_service: ChatStandIn, how: Any) -> None:
    chat_service.on_connect(how)
    with pytest.raises(socket.timeout if how == "hang" else ConnectionError):
        ask(chat_service, timeout=0.2)
    assert ask(chat_service).status == 200
    assert len(chat_service.requests) == 1


def test_it_speaks_tls_with_the_authority_of_the_test(chat_authority: Authority) -> None:
    with chat_stand_in(authority=chat_authority) as service:
        assert service.base_url == f"https://localhost:{service.port}/v1"
        context = ssl.create_default_context(cafile=str(chat_authority.certificate))
        connection = HTTPSConnection("localhost", service.port, timeout=10, context=context)
        assert send(connection, service.key, question()).status == 200
        connection.close()
        untrusting = HTTPSConnection("localhost", service.port, timeout=10)
        with pytest.raises(ssl.SSLCertVerificationError):
            send(untrusting, service.key, question())
        assert len(service.requests) == 1


@pytest.mark.parametrize("wrong", [{"expired": True}, {"hosts": ("other.example",)}])
def test_certificates_that_no_client_may_take(wrong: dict[str, Any], tmp_path: Any) -> None:
    authority = Authority(tmp_path, *wrong.pop("hosts", ("localhost",)), **wrong)
    with chat_stand_in(authority=authority) as service:
        context = ssl.create_default_context(cafile=str(authority.certificate))
        connection = HTTPSConnection("localhost", service.port, timeout=10, context=context)
        with pytest.raises(ssl.SSLCertVerificationError):
            connection.connect()
        assert service.requests == []


def test_the_key_is_in_no_text_about_a_request(chat_service: ChatStandIn) -> None:
    ask(chat_service)
    assert chat_service.key not in repr(chat_service.requests)
