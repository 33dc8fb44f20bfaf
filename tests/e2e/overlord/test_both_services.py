"""The same scenarios against our stand-in and against a chat service that we did not write."""

from __future__ import annotations

from typing import Any

from tests.e2e.overlord.conftest import Service
from tests.support.overlord_home import OverlordHome


def reasons(result: dict[str, Any]) -> dict[str, str | None]:
    return {one["servantId"]: one["failureReason"] for one in result["messageResult"]["servantResults"]}


def attempts(result: dict[str, Any]) -> dict[str, int]:
    return {one["servantId"]: one["attempts"] for one in result["messageResult"]["servantResults"]}


def questions(body: dict[str, Any]) -> list[str]:
    return [one["content"] for one in body["messages"] if one["role"] == "user"]


def test_a_run_starts_and_every_servant_is_ready(home: OverlordHome, service: Service) -> None:
    started = home.json("start", "--normal", "2", "--assignment", "Look at locks.")
    assert started["status"] == "success", started
    assert started["run"]["state"] == "ready"
    servants = {one["id"]: (one["model"], one["ready"]) for one in started["run"]["servants"]}
    assert servants == {
        "ultra": (service.ultra_model, True),
        "normal-1": (service.model, True),
        "normal-2": (service.model, True),
    }
    assert service.lists() == 1
    bodies = service.bodies()
    assert sorted(body["model"] for body in bodies) == sorted(
        [service.model, service.model, service.ultra_model]
    )
    for body in bodies:
        assert set(body) == {"model", "messages", "stream"}
        assert [one["role"] for one in body["messages"]] == ["system", "user"]
        assert "Look at locks." in body["messages"][1]["content"]
    assert [(event["type"], event["messageId"]) for event in home.ledger()] == [("startup", None)] * 3
    assert service.findings() == []


def test_a_conversation_is_sent_whole_and_in_order(home: OverlordHome, service: Service) -> None:
    home.json("start", "--normal", "1")
    for text in ("First question?", "Second question?"):
        assert home.json("send", "normal-1", text)["status"] == "success"
    stored = home.servant("normal-1")["llmMessages"]
    sent = service.bodies()[-1]
    assert sent["messages"] == [{"role": one["role"], "content": one["content"]} for one in stored[:-1]]
    assert [one["role"] for one in stored] == ["system", *["user", "assistant"] * 3]
    assert questions(sent)[1:] == ["First question?", "Second question?"]
    assert stored[-1]["content"] == home.registry()["messages"][-1]["responseText"]
    assert service.findings() == []


def test_all_are_asked_and_their_answers_are_told_apart(home: OverlordHome, service: Service) -> None:
    home.json("start", "--normal", "2")
    service.reply("From the Ultra.", model=service.ultra_model)
    service.reply("From a Fugu.", model=service.model, times=2)
    sent = home.json("send", "all", "Where?")
    results = {one["servantId"]: one["responseText"] for one in sent["messageResult"]["servantResults"]}
    assert results == {
        "ultra": "From the Ultra.",
        "normal-1": "From a Fugu.",
        "normal-2": "From a Fugu.",
    }
    service.reply("As shown.", model=service.ultra_model)
    shown = home.run("send", "ultra", "And now?")
    assert shown.status == 0
    assert "== ultra" in shown.stdout
    assert "As shown." in shown.stdout


def test_usage_is_what_the_service_counted(home: OverlordHome, service: Service) -> None:
    home.json("start", "--normal", "1")
    sent = home.json("send", "normals", "Where?")
    usage = sent["messageResult"]["servantResults"][0]["usage"]
    assert usage["promptTokens"] + usage["completionTokens"] == usage["totalTokens"] > 0
    assert (usage["answers"], usage["unreported"]) == (1, 0)
    run = home.json("status")["run"]
    assert run["usage"]["answers"] == 3
    assert run["usage"]["totalTokens"] == sum(one["usage"]["totalTokens"] for one in run["servants"])


def test_a_rate_limit_is_waited_for(home: OverlordHome, service: Service) -> None:
    home.json("start", "--normal", "1")
    service.fail(429, retry_after=1, model=service.model)
    sent = home.json("send", "normal-1", "Where?")
    assert sent["status"] == "success", sent
    assert attempts(sent) == {"normal-1": 2}
    assert service.findings() == []


def test_a_rate_limit_longer_than_the_time_left_fails_at_once(home: OverlordHome, service: Service) -> None:
    home.json("start", "--normal", "1")
    service.fail(429, retry_after=30, model=service.model)
    sent = home.json("send", "normal-1", "Where?")
    assert (sent["errorCode"], reasons(sent)) == ("send_failed", {"normal-1": "rate_limited"})
    assert attempts(sent) == {"normal-1": 1}


def test_an_unavailable_service_is_tried_three_times_and_the_message_again(
    home: OverlordHome, service: Service
) -> None:
    home.json("start", "--normal", "2")
    before = len(service.bodies())
    service.fail(503, model=service.ultra_model, times=3)
    sent = home.json("send", "all", "Where?")
    assert (sent["exitStatus"], sent["errorCode"]) == (7, "partial")
    assert reasons(sent) == {"ultra": "provider_unavailable", "normal-1": None, "normal-2": None}
    assert attempts(sent) == {"ultra": 3, "normal-1": 1, "normal-2": 1}
    assert len(service.bodies()) == before + 5
    ultra = home.servant("ultra")
    assert (ultra["state"], ultra["blockedReason"]) == ("blocked", "provider_unavailable")
    assert [one["state"] for one in ultra["llmMessages"] if one["role"] == "user"] == ["answered", "failed"]
    again = home.json("retry")
    assert again["status"] == "success", again
    assert questions(service.bodies()[-1]).count("Where?") == 1
    assert home.servant("ultra")["state"] == "ready"
    assert home.registry()["state"] == "ready"
    assert len(service.bodies()) == before + 6
    assert "retried_non_retryable" not in service.findings()


def test_a_failed_question_is_not_sent_along_with_the_next(home: OverlordHome, service: Service) -> None:
    home.json("start", "--normal", "1")
    service.fail(400, model=service.model)
    failed = home.json("send", "normal-1", "The question that fails?")
    assert reasons(failed) == {"normal-1": "request_refused"}
    assert home.json("send", "normal-1", "The next one?")["status"] == "success"
    assert "The question that fails?" not in questions(service.bodies()[-1])
    assert home.json("retry", "m-0001")["status"] == "success"
    assert questions(service.bodies()[-1])[1:] == ["The next one?", "The question that fails?"]
    assert service.findings() == []


def test_a_key_that_is_refused_starts_nothing(home: OverlordHome, service: Service) -> None:
    service.fail(401, models=True)
    started = home.json("start")
    assert (started["exitStatus"], started["errorCode"]) == (4, "key_refused")
    assert (home.runs(), service.bodies()) == ([], [])


def test_a_key_that_is_refused_later_blocks_and_is_not_tried_again(
    home: OverlordHome, service: Service
) -> None:
    home.json("start", "--normal", "1")
    service.fail(401, model=service.model)
    sent = home.json("send", "normal-1", "Where?")
    assert (reasons(sent), attempts(sent)) == ({"normal-1": "key_refused"}, {"normal-1": 1})
    recovered = home.json("recover", "normal-1")
    assert recovered["status"] == "success", recovered
    assert home.servant("normal-1")["state"] == "ready"
    assert service.findings() == []


def test_a_model_that_is_not_listed_starts_nothing(home: OverlordHome, service: Service) -> None:
    started = home.json("start", MMI_OVERLORD_LLM_ULTRA_MODEL="fugu-9")
    assert (started["exitStatus"], started["errorCode"]) == (6, "model_missing")
    assert "fugu-9" in started["message"]
    assert (home.runs(), service.bodies()) == ([], [])


def test_a_startup_that_fails_is_completed_by_recover(home: OverlordHome, service: Service) -> None:
    service.fail(500, model=service.ultra_model, times=3)
    started = home.json("start", "--normal", "1")
    assert (started["exitStatus"], started["errorCode"]) == (6, "startup_failed")
    assert home.registry()["state"] == "failed"
    before = len(service.bodies())
    recovered = home.json("recover")
    assert recovered["status"] == "success", recovered
    assert [body["model"] for body in service.bodies()[before:]] == [service.ultra_model]
    assert home.registry()["state"] == "ready"


def test_a_conversation_too_long_for_the_model_is_replaced(home: OverlordHome, service: Service) -> None:
    home.json("start", "--normal", "1")
    long = f"Begin. {'word ' * 10_000}"
    if service.model == "fugu":  # the other one counts for itself
        service.fail(400, code="context_length_exceeded", model=service.model)
    sent = home.json("send", "normal-1", "-", stdin=long)
    assert reasons(sent) == {"normal-1": "context_overflow"}
    assert attempts(sent) == {"normal-1": 1}
    assert "replace" in sent["nextStep"]
    replaced = home.json("replace", "normal-1", "--note", "Too long.")
    assert replaced["status"] == "success", replaced
    servant = home.servant("normal-1")
    assert servant["generation"] == 2
    assert "context_overflow" in servant["handoff"]
    assert "Too long." in servant["handoff"]
    assert len(service.bodies()[-1]["messages"]) == 2
    assert servant["handoff"] in service.bodies()[-1]["messages"][1]["content"]
    assert home.json("send", "normal-1", "Short?")["status"] == "success"
    assert service.findings() == []


def test_an_answer_that_does_not_come_blocks_its_servant_alone(home: OverlordHome, service: Service) -> None:
    home.json("start", "--normal", "1")
    service.delay(60, model=service.ultra_model)
    sent = home.json("send", "all", "Where?")
    assert reasons(sent) == {"ultra": "timeout", "normal-1": None}
    assert attempts(sent) == {"ultra": 1, "normal-1": 1}
    assert home.servant("ultra")["blockedReason"] == "timeout"


def test_an_answer_without_a_letter_is_none(home: OverlordHome, service: Service) -> None:
    home.json("start", "--normal", "1")
    service.reply("... !?", model=service.model)
    sent = home.json("send", "normal-1", "Where?")
    assert (reasons(sent), attempts(sent)) == ({"normal-1": "no_text"}, {"normal-1": 1})
    assert service.findings() == []


def test_doctor_and_status_ask_for_the_models_only(home: OverlordHome, service: Service) -> None:
    live = home.json("doctor", "--live")["live"]
    assert live == {"models": "ok", "listed": {service.model: True, service.ultra_model: True}}
    home.json("start", "--normal", "1")
    chats = len(service.bodies())
    assert home.json("status")["run"]["state"] == "ready"
    assert len(service.bodies()) == chats
    dry = home.json("start", "--new", "--dry-run", "--normal", "1")
    assert dry["status"] == "dry_run"
    assert [one["model"] for one in dry["requests"]] == [service.ultra_model, service.model]
    assert len(service.bodies()) == chats


def test_a_stopped_run_needs_no_service(home: OverlordHome, service: Service) -> None:
    home.json("start", "--normal", "1")
    calls = service.lists(), len(service.bodies())
    assert home.json("stop")["status"] == "success"
    assert home.json("send", "all", "Where?")["errorCode"] in ("run_stopped", "no_run")
    assert (service.lists(), len(service.bodies())) == calls
