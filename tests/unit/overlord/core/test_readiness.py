"""A lease runs until its end and not longer; each thing that is missing is a reason."""

from __future__ import annotations

from typing import Any

import pytest

from overlord.core import readiness
from overlord.core.json_values import Json
from tests.support.overlord_runs import ready, rules, starting


def servant(**changes: Any) -> Json:
    made: Json = ready()["servants"][1]
    made.update(changes)
    return made


@pytest.mark.parametrize(
    ("later", "runs"), [(0, True), (899.999, True), (900, False), (1e9, False), (-299, True)]
)
def test_a_lease(later: float, runs: bool) -> None:
    assert readiness.leased(servant(), rules(later)) is runs


def test_a_time_in_the_future_is_no_lease() -> None:
    assert readiness.reasons(servant(), rules(-299)) == []
    assert readiness.reasons(servant(), rules(-301)) == ["lease_expired"]
    assert readiness.lease_stamp(servant(), rules(-301)) is None


@pytest.mark.parametrize(
    "signal", [None, "", "yesterday", 7, "9999-12-31T23:59:59.999Z", "2026-11-27T11:38:00.123"]
)
def test_a_signal_that_is_no_time_is_no_lease(signal: object) -> None:
    assert readiness.reasons(servant(lastUsefulSignalAt=signal), rules()) == ["lease_expired"]


def test_the_end_of_a_lease_is_reported() -> None:
    assert readiness.lease_stamp(servant(), rules()) == "2026-11-27T11:53:00.123Z"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        ({"state": "blocked"}, ["blocked"]),
        ({"state": "starting"}, ["starting"]),
        ({"state": "stopped"}, ["stopped"]),
        ({"assignment": "Another one."}, ["conversation_incomplete"]),
        ({"llmMessages": []}, ["conversation_incomplete"]),
        ({"llmModel": "other"}, ["model_changed"]),
        ({"state": "blocked", "lastUsefulSignalAt": None}, ["blocked", "lease_expired"]),
    ],
)
def test_reasons(changes: dict[str, Any], expected: list[str]) -> None:
    assert readiness.reasons(servant(**changes), rules()) == expected


def test_a_model_that_is_set_counts_for_its_role_only() -> None:
    run = ready()
    found = {
        one["id"]: readiness.reasons(one, rules(normal="new", ultra="fugu-ultra")) for one in run["servants"]
    }
    assert found == {"ultra": [], "normal-1": ["model_changed"], "normal-2": ["model_changed"]}


def test_who_has_to_be_proved_first() -> None:
    assert not readiness.needs_proof(servant(), "ready", rules())
    assert readiness.needs_proof(servant(), "awaiting-human", rules())
    assert readiness.needs_proof(servant(), "ready", rules(901))
    assert readiness.needs_proof(servant(state="blocked"), "degraded", rules())


def test_a_startup_that_was_not_answered_is_not_ready() -> None:
    one = starting()["servants"][0]
    assert readiness.reasons(one, rules()) == ["starting", "conversation_incomplete", "lease_expired"]
