"""Messages end to end: every character, sizes, --then, ask, watch, and a stop while one is under way."""

from __future__ import annotations

import sys
import time
from email.utils import formatdate
from typing import Any

import pytest

from tests.e2e.overlord.conftest import Service
from tests.stand_in.chat import ChatStandIn, Received, Reply
from tests.stand_in.chat.bodies import completion, error
from tests.stand_in.chat.listening import unanswering_port
from tests.support.overlord_home import OverlordHome

ODD = 'Grüße, 水, 😀, \u2028, "quotes", \\ and\ttabs\nover lines; \u0301 and \u202e.'


def results(message: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["servantId"]: one for one in message["servantResults"]}


def test_every_character_arrives_and_comes_back(home: OverlordHome, service: Service) -> None:
    home.json("start", "--normal", "1", "--assignment", "-", stdin=ODD)
    service.reply(ODD, model=service.model)
    sent = home.json("send", "normal-1", "-", stdin=ODD)
    assert sent["messageResult"]["responseText"] == ODD
    body = next(body for body in reversed(service.bodies()) if body["model"] == service.model)
    assert ODD in body["messages"][1]["content"]
    assert body["messages"][-1]["content"] == ODD
    assert home.json("send", "normal-1", "Again?")["status"] == "success"
    assert [one["content"] for one in service.bodies()[-1]["messages"][-3:]] == [ODD, ODD, "Again?"]
    assert service.findings() == []


def test_the_largest_message_arrives_and_no_larger_one(
    wired: OverlordHome, chat_service: ChatStandIn
) -> None:
    wired.json("start", "--normal", "1")
    largest = "é" * (128 * 1024)
    assert wired.json("send", "normal-1", "-", stdin=largest)["status"] == "success"
    assert chat_service.chats[-1].prompt == largest
    before = len(chat_service.requests)
    for stdin, code in (
        (f"{largest}a", "message_too_large"),
        ("", "message_empty"),
        (" \n", "message_empty"),
    ):
        refused = wired.json("send", "normal-1", "-", stdin=stdin)
        assert (refused["exitStatus"], refused["errorCode"]) == (2, code)
    assert len(chat_service.requests) == before
    assert len(wired.registry()["messages"]) == 1


def test_a_full_conversation_is_refused_without_a_request(
    wired: OverlordHome, chat_service: ChatStandIn
) -> None:
    wired.json("start", "--normal", "1")
    chat_service.answer("x" * 1024 * 1024)
    for number in range(2):
        assert wired.json("send", "normal-1", f"Question {number}?")["status"] == "success"
    before = len(chat_service.requests)
    refused = wired.json("send", "normal-1", "One more?")
    assert results(refused["messageResult"])["normal-1"]["failureReason"] == "conversation_full"
    assert "replace" in refused["nextStep"]
    assert len(chat_service.requests) == before
    assert wired.json("send", "ultra", "And you?")["status"] == "success"


def test_then_asks_the_ultra_with_the_answers_quoted(home: OverlordHome, service: Service) -> None:
    home.json("start", "--normal", "2")
    service.reply("A first opinion.", model=service.model)
    service.reply("A second opinion.", model=service.model)
    service.reply("The decision.", model=service.ultra_model)
    sent = home.json("send", "normals", "What now?", "--then", "ultra")
    assert sent["status"] == "success", sent
    body = service.bodies()[-1]
    assert body["model"] == service.ultra_model
    asked = body["messages"][-1]["content"]
    for part in ("What now?", "A first opinion.", "A second opinion.", "normal-1", "normal-2"):
        assert part in asked
    assert len(home.registry()["messages"]) == 2
    assert home.servant("ultra")["llmMessages"][-1]["content"] == "The decision."
    assert service.findings() == []


def test_ask_keeps_nothing(home: OverlordHome, service: Service) -> None:
    service.reply("The Ultra's view.", model=service.ultra_model)
    service.reply("A view.", model=service.model, times=2)
    asked = home.run("ask", "What is a lock?")
    assert asked.status == 0, asked.output
    assert "The Ultra's view." in asked.stdout
    assert asked.stdout.count("A view.") == 2
    assert home.runs() == []
    bodies = service.bodies()
    assert [set(body) for body in bodies] == [{"model", "messages", "stream"}] * 3
    assert [body["messages"][-1]["content"] for body in bodies] == ["What is a lock?"] * 3


def test_watch_ends_when_nothing_waits(wired: OverlordHome, chat_service: ChatStandIn) -> None:
    wired.json("start", "--normal", "1")
    before = len(chat_service.chats)
    gate = chat_service.hold(times=1)
    sending = wired.start("send", "normal-1", "Where?", "--json")
    chat_service.wait_for(before + 1)
    watching = wired.start("watch")
    requests = len(chat_service.requests)
    time.sleep(0.5)
    assert watching.poll() is None
    gate.set()
    assert wired.end(sending).status == 0
    watched = wired.end(watching)
    assert watched.status == 0, watched.output
    assert "normal-1" in watched.output
    assert len(chat_service.requests) == requests


@pytest.mark.skipif(sys.platform == "win32", reason="there a process is ended without a word from it")
def test_a_stop_ends_the_command_that_is_under_way(wired: OverlordHome, chat_service: ChatStandIn) -> None:
    wired.json("start", "--normal", "2")
    before = len(chat_service.chats)
    chat_service.hold(slot="normal-2", times=1)
    sending = wired.start("send", "normals", "Where?", "--json")
    chat_service.wait_for(before + 2)
    chat_service.wait_for(2, slot="normal-2")
    stopped = wired.json("stop")
    assert [one["outcome"] for one in stopped["resources"]] == ["ended"]
    assert stopped["resources"][0]["pid"] == sending.pid
    ended = wired.end(sending)
    assert ended.status != 0
    chat_service.wait_until_idle()
    registry = wired.registry()
    assert registry["state"] == "stopped"
    assert {one["state"] for one in registry["servants"]} == {"stopped"}
    message = results(registry["messages"][-1])
    assert message["normal-2"]["failureReason"] in ("stopped", "interrupted")
    events = [event["slot"] for event in wired.ledger() if event["type"] == "redirect"]
    assert sorted(events) == ["normal-1", "normal-2"]
    assert wired.json("stop", "--run", registry["runId"])["exitStatus"] == 0


def test_a_date_to_try_again_is_waited_for(wired: OverlordHome, chat_service: ChatStandIn) -> None:
    wired.json("start", "--normal", "1")
    waited: list[float] = []

    def limited(request: Received) -> Reply:
        until = int(time.time()) + 2
        waited.append(until)
        return error(503, None, headers=(("Retry-After", formatdate(until, usegmt=True)),))

    def answered(request: Received) -> Reply:
        waited.append(time.time())
        return completion(request)

    chat_service.each(limited, times=1)
    chat_service.each(answered, times=1)
    sent = wired.json("send", "normal-1", "Where?")
    assert results(sent["messageResult"])["normal-1"]["attempts"] == 2
    assert waited[1] >= waited[0] - 0.05


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems refuse or answer there")
def test_a_host_that_takes_no_connection_is_a_timeout(wired: OverlordHome, chat_service: ChatStandIn) -> None:
    with unanswering_port() as port:
        started = wired.json("start", MMI_OVERLORD_LLM_BASE_URL=f"http://127.0.0.1:{port}/v1")
    assert started["errorCode"] == "timeout", started
    assert wired.runs() == []
