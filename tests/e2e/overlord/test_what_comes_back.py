"""What a service sends back and Overlord stores or shows: the key, ids, numbers, control characters."""

from __future__ import annotations

import signal
import sys
from typing import Any

import pytest

from tests.stand_in.chat import ABSENT, ChatStandIn, faults
from tests.support.overlord_home import OverlordHome
from tests.support.windows import real_locks


def results(sent: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["servantId"]: one for one in sent["messageResult"]["servantResults"]}


@pytest.mark.parametrize("half", [0, 1])
def test_the_key_is_kept_nowhere_wherever_the_service_puts_it(
    wired: OverlordHome, chat_service: ChatStandIn, half: int
) -> None:
    """That nothing below the home and no output holds it is checked when the test ends."""
    wired.json("start", "--normal", "8")
    replies = list(faults.holding(chat_service.key).items())[half * 7 :][:7]
    slots = {f"normal-{number}": name for number, (name, _) in enumerate(replies, start=1)}
    for slot, (_, reply) in zip(slots, replies):
        chat_service.reply(reply, slot=slot)
    sent = results(wired.json("send", ",".join(slots), "Where?"))
    texts = {name: sent[slot]["responseText"] for slot, name in slots.items()}
    if half == 0:
        assert texts["in the text"] == "Your key is ***, is it not?"
        assert sent["normal-4"]["llmRequestId"] == "req-***"
        assert sent["normal-5"]["llmRequestId"] == "chatcmpl-***"
    wired.run("send", "normals", "And on a screen?", "--debug")
    wired.run("retry", "--debug")
    wired.run("recover", "--debug")
    wired.run("export")
    wired.run("status", "--no-liveness")
    wired.run("replace", "normal-7", "--debug")


def test_the_key_as_a_models_name_is_not_shown(wired: OverlordHome, chat_service: ChatStandIn) -> None:
    chat_service.reply(faults.models_holding(chat_service.key), what="models")
    for verb in (["start"], ["start", "--debug"], ["doctor", "--live"], ["start", "--dry-run"]):
        wired.run(*verb)
    assert wired.json("start")["errorCode"] == "model_missing"


def test_a_message_that_holds_the_key_is_not_sent(wired: OverlordHome, chat_service: ChatStandIn) -> None:
    wired.json("start", "--normal", "1")
    before = len(chat_service.chats)
    refused = wired.json("send", "normal-1", "-", stdin=f"My key is {chat_service.key}.")
    assert (refused["exitStatus"], refused["errorCode"]) == (2, "message_holds_key")
    assert wired.registry()["messages"] == []
    started = wired.json("start", "--new", "--assignment", "-", stdin=f"Use {chat_service.key}")
    assert started["errorCode"] == "message_holds_key"
    assert len(chat_service.chats) == before


@pytest.mark.parametrize("name", sorted(faults.ODD_REQUEST_IDS))
def test_request_ids_are_kept_as_printable_ascii(
    wired: OverlordHome, chat_service: ChatStandIn, name: str
) -> None:
    wired.json("start", "--normal", "1")
    given = faults.ODD_REQUEST_IDS[name]
    chat_service.answer("Fine.", request_id=given)
    kept = results(wired.json("send", "normal-1", "Where?"))["normal-1"]["llmRequestId"]
    printable = "".join(chr(byte) for byte in given if 0x20 <= byte <= 0x7E)[:200]
    if printable.strip():
        assert kept == printable
    else:
        assert kept in (None, f"chatcmpl-{len(chat_service.requests):06}")


def test_the_bodys_id_is_taken_where_no_header_is(wired: OverlordHome, chat_service: ChatStandIn) -> None:
    wired.json("start", "--normal", "3")
    chat_service.answer("Fine.", request_id=ABSENT, body_id="from-the-body", slot="normal-1")
    chat_service.answer("Fine.", request_id=ABSENT, body_id=7, slot="normal-2")
    chat_service.answer("Fine.", request_id=ABSENT, body_id=ABSENT, slot="normal-3")
    kept = {
        slot: one["llmRequestId"] for slot, one in results(wired.json("send", "normals", "Where?")).items()
    }
    assert kept == {"normal-1": "from-the-body", "normal-2": None, "normal-3": None}


def test_a_request_id_is_kept_for_failures_too(wired: OverlordHome, chat_service: ChatStandIn) -> None:
    wired.json("start", "--normal", "1")
    chat_service.fail(400, request_id="req-of-the-failure")
    sent = wired.json("send", "normal-1", "Where?")
    assert results(sent)["normal-1"]["llmRequestId"] == "req-of-the-failure"
    assert wired.ledger()[-1]["requestId"] == "req-of-the-failure"


def test_usage_that_is_no_usage_counts_as_unreported(wired: OverlordHome, chat_service: ChatStandIn) -> None:
    names = [name for name in faults.NONSENSE_USAGE if name not in ("huge", "floats", "not numbers")]
    for at in range(0, len(names), 8):
        slots = {f"normal-{number}": name for number, name in enumerate(names[at : at + 8], start=1)}
        wired.json("start", "--normal", "8", "--new")
        run = wired.runs()[-1].name
        for slot, name in slots.items():
            chat_service.answer("Fine.", usage=faults.NONSENSE_USAGE[name], slot=slot)
        sent = results(wired.json("send", ",".join(slots), "Where?", "--run", run))
        for slot, name in slots.items():
            usage = sent[slot]["usage"]
            assert usage == {
                "promptTokens": 0, "completionTokens": 0, "totalTokens": 0, "answers": 1, "unreported": 1
            }, name  # fmt: skip
        chat_service.clear()


def test_numbers_that_are_usable_in_part_stay_numbers(wired: OverlordHome, chat_service: ChatStandIn) -> None:
    odd = {name: faults.NONSENSE_USAGE[name] for name in ("huge", "floats", "not numbers")}
    wired.json("start", "--normal", "8")
    cases = {f"normal-{number}": value for number, value in enumerate(
        [*faults.PARTIAL_USAGE.values(), ABSENT, *odd.values()], start=1
    )}  # fmt: skip
    for slot, usage in cases.items():
        chat_service.answer("Fine.", usage=usage, slot=slot)
    sent = results(wired.json("send", "normals", "Where?"))
    got = {slot: one["usage"] for slot, one in sent.items()}
    assert (got["normal-1"]["promptTokens"], got["normal-1"]["unreported"]) == (10, 0)
    assert got["normal-2"]["completionTokens"] == 5
    assert got["normal-3"]["totalTokens"] == 15
    assert got["normal-4"]["totalTokens"] in (0, 15)
    assert got["normal-5"]["unreported"] == 1
    for usage in got.values():
        assert all(isinstance(value, int) and not isinstance(value, bool) for value in usage.values())
        assert min(usage.values()) >= 0
    run = wired.json("status", "--no-liveness")["run"]
    assert all(isinstance(value, int) for value in run["usage"].values())
    assert wired.run("status", "--no-liveness").status == 0


def test_control_characters_are_shown_as_escapes(wired: OverlordHome, chat_service: ChatStandIn) -> None:
    wired.json("start", "--normal", "2")
    chat_service.reply(faults.CONTROL_CHARACTERS, slot="normal-1")
    chat_service.reply(faults.LONE_SURROGATE, slot="normal-2")
    shown = wired.run("send", "normals", "Where?")
    assert shown.status == 0, shown.output
    for output in (shown.stdout, wired.run("export").stdout):
        assert not {"\x1b", "\x07", "\x00", "\u202e"} & set(output), repr(output)
        assert "red" in output
    for file in wired.root.rglob("*.json*"):
        file.read_text(encoding="utf-8")
    chat_service.clear()
    again = wired.json("send", "normals", "And now?")
    assert again["status"] == "success", again
    assert chat_service.violations == []


@real_locks
def test_two_messages_to_one_servant_wait_for_each_other(
    wired: OverlordHome, chat_service: ChatStandIn
) -> None:
    wired.json("start", "--normal", "1")
    before = len(chat_service.chats)
    gate = chat_service.hold(slot="normal-1", times=1)
    first = wired.start("send", "normal-1", "First?", "--json")
    chat_service.wait_for(before + 1)
    second = wired.start("send", "normal-1", "Second?", "--json")
    third = wired.start("send", "ultra", "Meanwhile?", "--json")
    assert wired.end(third).json["status"] == "success"
    gate.set()
    assert wired.end(first).json["status"] == "success"
    assert wired.end(second).json["status"] == "success"
    asked = [one["content"] for one in chat_service.chats[-1].messages if one["role"] == "user"]
    assert asked[1:] == ["First?", "Second?"]
    assert chat_service.overlaps == []
    assert chat_service.violations == []


@pytest.mark.skipif(sys.platform == "win32", reason="there a signal cannot be sent to one process")
@pytest.mark.parametrize(
    ("number", "status", "code"), [("SIGINT", 130, "cancelled"), ("SIGTERM", 143, "terminated")]
)
def test_a_command_that_is_ended_stores_what_was_open(
    wired: OverlordHome, chat_service: ChatStandIn, number: str, status: int, code: str
) -> None:
    wired.json("start", "--normal", "2")
    before = len(chat_service.chats)
    chat_service.hold(slot="normal-1", times=1)
    child = wired.start("send", "normals", "Where?", "--json")
    chat_service.wait_for(before + 2)
    chat_service.wait_for(2, slot="normal-1")
    child.send_signal(getattr(signal, number))
    ended = wired.end(child)
    assert (ended.status, ended.json["errorCode"]) == (status, code)
    chat_service.wait_until_idle()
    servant = wired.servant("normal-1")
    assert (servant["state"], servant["blockedReason"]) == ("blocked", "interrupted")
    message = wired.registry()["messages"][-1]
    kept = {one["servantId"]: one["failureReason"] for one in message["servantResults"]}
    assert kept["normal-1"] == "interrupted"
    assert wired.registry()["ownedResources"] == []
    assert len(wired.ledger()) == 5
    assert wired.json("retry")["status"] == "success"
    assert chat_service.overlaps == []


@pytest.mark.skipif(sys.platform == "win32", reason="there a kill is not a signal")
def test_a_command_that_was_killed_is_found_by_the_next(
    wired: OverlordHome, chat_service: ChatStandIn
) -> None:
    wired.json("start", "--normal", "2")
    before = len(chat_service.chats)
    chat_service.hold(slot="normal-1", times=1)
    child = wired.start("send", "normals", "Where?", "--json")
    chat_service.wait_for(before + 2)
    chat_service.wait_for(2, slot="normal-1")
    child.kill()
    wired.end(child)
    chat_service.wait_until_idle()
    status = wired.json("status", "--no-liveness")
    reasons = {one["id"]: one["blockedReason"] for one in status["run"]["servants"]}
    assert reasons["normal-1"] == "interrupted"
    assert reasons["ultra"] is None
    assert wired.registry()["ownedResources"] == []
    again = wired.json("retry")
    assert again["status"] == "success", again
    last = [one for one in chat_service.chats if one.slot == "normal-1"][-1]
    assert sum(one["content"] == "Where?" for one in last.messages) == 1
    settled = [event for event in wired.ledger() if event["slot"] == "normal-1"]
    assert [event["errorText"] is None for event in settled] == [True, False, True]
