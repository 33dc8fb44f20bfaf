"""Leases and liveness against both services: what is asked, and what of it is kept."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from tests.e2e.overlord.conftest import Service
from tests.support.overlord_home import OverlordHome


def move_signals(home: OverlordHome, by: timedelta) -> None:
    """As if every servant had given its last useful text at another time."""
    path = home.runs()[-1] / "registry.json"
    registry = json.loads(path.read_text(encoding="utf-8"))
    moment = (datetime.now(timezone.utc) + by).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    for servant in registry["servants"]:
        servant["lastUsefulSignalAt"] = moment
    path.write_text(json.dumps(registry), encoding="utf-8")


def reasons(status: dict[str, Any]) -> list[list[str]]:
    return [one["reasons"] for one in status["run"]["servants"]]


@pytest.mark.parametrize("by", [timedelta(days=-1), timedelta(minutes=10)], ids=["past", "future"])
def test_a_lease_that_ran_out_is_renewed_by_one_short_question(
    home: OverlordHome, service: Service, by: timedelta
) -> None:
    home.json("start", "--normal", "1")
    move_signals(home, by)
    before, ledger = service.bodies(), home.ledger()
    kept = [one["llmMessages"] for one in home.registry()["servants"]]
    quiet = home.json("status", "--no-liveness")
    assert reasons(quiet) == [["lease_expired"], ["lease_expired"]]
    assert (len(service.bodies()), quiet["exitStatus"]) == (len(before), 6)
    checked = home.json("status")
    assert reasons(checked) == [[], []], checked
    asked = service.bodies()[len(before) :]
    assert len(asked) == 2
    for body in asked:
        assert [one["role"] for one in body["messages"]] == ["system", "user"]
        assert len(body["messages"][1]["content"]) < 300
    systems = {body["messages"][0]["content"] for body in before}
    assert {body["messages"][0]["content"] for body in asked} == systems
    assert [one["llmMessages"] for one in home.registry()["servants"]] == kept
    assert all(one["lastLivenessCheckAt"] for one in home.registry()["servants"])
    assert home.ledger() == ledger
    assert service.findings() == []


def test_a_liveness_check_that_fails_blocks_its_servant_alone(home: OverlordHome, service: Service) -> None:
    home.json("start", "--normal", "1")
    move_signals(home, timedelta(days=-1))
    service.fail(400, model=service.ultra_model)
    status = home.json("status")
    assert status["exitStatus"] == 6
    states = {one["id"]: (one["state"], one["blockedReason"]) for one in status["run"]["servants"]}
    assert states == {"ultra": ("blocked", "request_refused"), "normal-1": ("ready", None)}
    assert status["run"]["state"] == "degraded"
    assert home.json("recover")["status"] == "success"
    assert home.registry()["state"] == "ready"


def test_a_send_after_the_lease_proves_the_service_first(home: OverlordHome, service: Service) -> None:
    home.json("start", "--normal", "1")
    lists = service.lists()
    assert home.json("send", "normal-1", "While it runs?")["status"] == "success"
    assert service.lists() == lists
    move_signals(home, timedelta(days=-1))
    assert home.json("send", "normal-1", "After it ran out?")["status"] == "success"
    assert service.lists() == lists + 1
    move_signals(home, timedelta(days=-1))
    service.fail(503, models=True)
    chats = len(service.bodies())
    refused = home.json("send", "normal-1", "And unproved?")
    assert refused["messageResult"]["failureReason"] == "recovery_unproved"
    assert len(service.bodies()) == chats
    assert home.servant("normal-1")["state"] == "blocked"
    assert home.json("retry")["status"] == "success"


def test_awaiting_a_person_is_ended_by_the_next_send(home: OverlordHome, service: Service) -> None:
    home.json("start", "--normal", "1")
    lists = service.lists()
    assert home.json("await-human", "Which of the two?")["run"]["state"] == "awaiting-human"
    assert home.json("send", "all", "The first one.")["status"] == "success"
    assert service.lists() == lists + 1
    assert home.registry()["state"] == "ready"


def test_a_run_stays_with_its_models(home: OverlordHome, service: Service) -> None:
    home.json("start", "--normal", "1")
    service.fail(400, model=service.model)
    home.json("send", "normal-1", "Where?")
    chats, stored = len(service.bodies()), home.registry()
    for verb in (["send", "all", "Where?"], ["retry"], ["recover"]):
        for changed in (
            {"MMI_OVERLORD_LLM_MODEL": service.ultra_model},
            {"MMI_OVERLORD_LLM_BASE_URL": "http://127.0.0.1:9/v1"},
        ):
            refused = home.json(*verb, **changed)
            assert (refused["exitStatus"], refused["errorCode"]) == (5, "provider_changed"), (verb, changed)
    assert (len(service.bodies()), home.registry()) == (chats, stored)
    replaced = home.json("replace", "normal-1", MMI_OVERLORD_LLM_MODEL=service.ultra_model)
    assert replaced["status"] == "success", replaced
    assert service.bodies()[-1]["model"] == service.ultra_model
