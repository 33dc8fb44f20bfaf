"""The one JSON object follows from the report, and the status from the table of errors."""

from __future__ import annotations

import pytest

from foundation.errors import Refusal, Where
from overlord.errors import CODES, Exit, code_of, status_of
from overlord.report import Notice, Report, to_json

ALWAYS = {
    "schemaVersion",
    "productVersion",
    "command",
    "ok",
    "status",
    "exitStatus",
    "message",
    "changed",
    "notices",
}


def test_a_success() -> None:
    value = to_json(Report("list", "Two runs.", details={"runs": []}))
    assert set(value) == {*ALWAYS, "runs"}
    assert (value["ok"], value["status"], value["exitStatus"], value["changed"]) == (
        True,
        "success",
        0,
        False,
    )


def test_a_failure_has_a_code_a_place_and_a_next_step() -> None:
    error = Refusal("no_run", "there is no run", where=Where("/state"), next_step="start one")
    value = to_json(Report("send", "There is no run.", error=error, run_id="run-1", next_step="not this"))
    assert set(value) == {*ALWAYS, "errorCode", "nextStep", "where", "runId"}
    assert (value["errorCode"], value["nextStep"], value["where"]) == (
        "no_run",
        "start one",
        {"file": "/state"},
    )


@pytest.mark.parametrize("code", CODES)
def test_every_code_has_the_status_of_its_exit(code: str) -> None:
    error = Refusal(code, "", next_step="")
    value = to_json(Report("send", "", error=error, dry_run=True))
    words = {Exit.PARTIAL: "partial", Exit.BLOCKED: "blocked"}
    assert value["status"] == words.get(CODES[code], "failed")
    assert value["exitStatus"] == int(CODES[code])
    assert value["ok"] is False


def test_names_of_others_become_codes() -> None:
    for kind in ("own_files_unusable", "unreadable", "unsafe_link", "too_large", "context_overflow"):
        refusal = Refusal(kind, "", next_step="")
        assert code_of(refusal) in CODES
        assert status_of(refusal) is CODES[code_of(refusal)]


def test_notices_and_dry_runs() -> None:
    value = to_json(Report("start", "", dry_run=True, notices=(Notice("a", "b", "c"),)))
    assert value["status"] == "dry_run"
    assert value["notices"] == [{"code": "a", "reason": "b", "nextStep": "c"}]
