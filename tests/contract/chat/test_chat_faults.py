"""Each fault of the chat stand-in goes over the wire as its name says, as http.client sees it."""

from __future__ import annotations

import gzip
import http.client
import json
import socket
from typing import Any

import pytest

from tests.contract.chat.asking import ask, list_models
from tests.stand_in.chat import ChatStandIn, Reply, faults

TIMEOUT = 0.3
REPLIES = {name: value for name, value in vars(faults).items() if isinstance(value, Reply)}

# What http.client makes of those that are no whole response.
BROKEN: dict[str, type[Exception]] = {
    "DROPPED": http.client.RemoteDisconnected,
    "RESET": ConnectionResetError,
    "CUT_STATUS_LINE": http.client.BadStatusLine,
    "CUT_BODY": http.client.IncompleteRead,
    "CUT_BEFORE_BODY": http.client.IncompleteRead,
    "RESET_IN_BODY": ConnectionResetError,
    "CUT_CHUNKS": http.client.IncompleteRead,
    "CUT_IN_A_CHUNK": http.client.IncompleteRead,
    "SILENT": socket.timeout,
    "SILENT_IN_HEADERS": socket.timeout,
    "SILENT_IN_BODY": socket.timeout,
    "SILENT_AFTER_BODY": socket.timeout,
    "OVER_THE_LIMIT_ANNOUNCED": socket.timeout,
    "NOT_HTTP": http.client.BadStatusLine,
    "BINARY": http.client.BadStatusLine,
    "BAD_STATUS": http.client.BadStatusLine,
    "NO_STATUS_BUT_HEADERS": http.client.BadStatusLine,
    "BAD_CHUNK": http.client.IncompleteRead,
    "HUGE_HEADER": http.client.LineTooLong,
    "MANY_HEADERS": http.client.HTTPException,
    "HEADERS_WITHOUT_END": http.client.HTTPException,
    "ENDLESS_CONTINUE": http.client.RemoteDisconnected,
}
# http.client takes what it got of the headers for all of them, and 103 for the answer.
CUT_HEADERS = ("CUT_HEADERS", 200, b"")
STATUS = {
    "CONTEXT_OVERFLOW": 400, "CONTEXT_OVERFLOW_413": 413, "ERROR_AS_TEXT": 503, "ERROR_AS_HTML": 502,
    "ERROR_WITHOUT_CODE": 400, "ERROR_IN_A_LIST": 400, "ERROR_OVER_THE_LIMIT": 500, "STATUS_999": 999,
    "STATUS_204": 204, "EARLY_HINTS_FIRST": 103,
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(BROKEN))
def test_what_is_broken_is_no_whole_response(chat_service: ChatStandIn, name: str) -> None:
    chat_service.reply(REPLIES[name], times=1)
    with pytest.raises(BROKEN[name]):
        ask(chat_service, timeout=TIMEOUT)
    chat_service.wait_until_idle()
    assert ask(chat_service).status == 200


@pytest.mark.parametrize("name", sorted(REPLIES.keys() - BROKEN.keys() - {"ENDLESS"}))
def test_what_is_whole_has_its_status_and_its_body(chat_service: ChatStandIn, name: str) -> None:
    reply = REPLIES[name]
    chat_service.reply(reply, times=1)
    answer = ask(chat_service)
    assert answer.status == STATUS.get(name, 200)
    if reply.head is None and not reply.is_cut and not reply.interim:
        assert answer.body == reply.body


def test_the_largest_body_that_is_allowed_is_4_mib(chat_service: ChatStandIn) -> None:
    for reply, size in ((faults.AT_THE_LIMIT, 4 << 20), (faults.OVER_THE_LIMIT_CHUNKED, (4 << 20) + 1)):
        chat_service.reply(reply, times=1)
        answer = ask(chat_service)
        assert len(answer.body) == size
        assert answer.json["choices"][0]["message"]["content"].startswith("aaa")
    chat_service.reply(faults.MODELS_OVER_THE_LIMIT, what="models")
    assert len(list_models(chat_service).body) > 4 << 20


def test_an_endless_body_ends_when_the_client_leaves(chat_service: ChatStandIn) -> None:
    chat_service.reply(faults.ENDLESS)
    connection = http.client.HTTPConnection("127.0.0.1", chat_service.port, timeout=10)
    connection.request(
        "POST", "/v1/chat/completions", asked(), {"Authorization": f"Bearer {chat_service.key}"}
    )
    assert len(connection.getresponse().read(8 << 20)) == 8 << 20
    connection.close()
    chat_service.wait_until_idle()
    assert chat_service.requests[0].outcome == "left"


def asked() -> bytes:
    messages = [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}]
    return json.dumps({"model": "fugu", "messages": messages, "stream": False}).encode()


@pytest.mark.parametrize("make", [faults.dripping, faults.dripping_head])
def test_a_dripping_response_outlives_a_limit_for_each_wait(chat_service: ChatStandIn, make: Any) -> None:
    reply = make(0.005)
    chat_service.reply(reply)
    assert ask(chat_service, timeout=1).text == "A whole answer."
    request = chat_service.requests[0]
    assert request.ended is not None
    assert request.ended - request.arrived > 0.005 * len(faults.answer().body) * 0.9


def test_a_redirect_names_its_place(chat_service: ChatStandIn) -> None:
    chat_service.reply(faults.redirect("https://example.org/v1", 302))
    answer = ask(chat_service)
    assert (answer.status, answer.headers["location"]) == (302, "https://example.org/v1")


def test_compressed_text_is_marked_as_such(chat_service: ChatStandIn) -> None:
    chat_service.reply(faults.GZIP)
    answer = ask(chat_service)
    assert answer.headers["content-encoding"] == "gzip"
    assert b"A whole answer." in gzip.decompress(answer.body)


@pytest.mark.parametrize("name", sorted(faults.NO_TEXT))
def test_answers_without_text_are_whole_otherwise(chat_service: ChatStandIn, name: str) -> None:
    chat_service.reply(faults.NO_TEXT[name])
    assert ask(chat_service).json["choices"][0]["message"]["role"] == "assistant"


def test_every_named_answer_is_json_with_choices() -> None:
    for reply, text in faults.UNUSUAL_TEXT.values():
        message = json.loads(reply.body)["choices"][0]["message"]
        parts = message["content"]
        said = parts if isinstance(parts, str) else "".join(part.get("text", "") for part in parts)
        assert said == text


@pytest.mark.parametrize("name", sorted(faults.ODD_REQUEST_IDS))
def test_odd_request_ids_arrive_byte_by_byte(chat_service: ChatStandIn, name: str) -> None:
    given = faults.ODD_REQUEST_IDS[name]
    chat_service.answer(request_id=given)
    assert ask(chat_service).headers["x-request-id"].encode("latin-1") == given.strip()


def test_the_key_comes_back_wherever_it_was_put(chat_service: ChatStandIn) -> None:
    key = chat_service.key
    for name, reply in faults.holding(key).items():
        whole = b"".join(step for step in reply.steps() if isinstance(step, bytes))
        plain = whole.decode("latin-1")
        if name == "escaped":
            plain = json.loads(reply.body)["choices"][0]["message"]["content"]
        if name == "in a part":
            parts = json.loads(reply.body)["choices"][0]["message"]["content"]
            plain = "".join(part["text"] for part in parts)
        assert key in plain, name
    listed = json.loads(faults.models_holding(key, "fugu").body)["data"]
    assert [one["id"] for one in listed] == [key, f"{key}-ultra", "fugu"]
