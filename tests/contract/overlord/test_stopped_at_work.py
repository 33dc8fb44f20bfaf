"""A signal while a command waits: what is stored, what is said, and what the next step is."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path
from typing import Iterator

import pytest

from tests.stand_in.chat import ChatStandIn
from tests.support.machine import Finished
from tests.support.overlord_home import OverlordHome

if sys.platform == "win32":
    pytest.skip("signals are POSIX", allow_module_level=True)


@pytest.fixture
def home(tmp_path: Path, chat_service: ChatStandIn) -> Iterator[OverlordHome]:
    made = OverlordHome(
        tmp_path / "of-the-overlord",
        {"MMI_OVERLORD_LLM_BASE_URL": chat_service.base_url, "SAKANA_API_KEY": chat_service.key},
    )
    yield made
    assert made.leaks() == []


def stopped(home: OverlordHome, service: ChatStandIn, number: int, *arguments: str) -> Finished:
    """The command, stopped by a signal once its request has arrived."""
    gate = service.hold(times=1)
    before = len(service.requests)
    child = home.start(*arguments)
    while not any(request.path.endswith("/completions") for request in service.requests[before:]):
        assert child.poll() is None
        time.sleep(0.02)
    child.send_signal(number)
    done = home.end(child)
    gate.set()
    return done


@pytest.mark.parametrize(
    ("number", "status", "code"),
    [(signal.SIGINT, 130, "cancelled"), (signal.SIGTERM, 143, "terminated"), (signal.SIGHUP, 129, "hung_up")],
)
def test_a_send(home: OverlordHome, chat_service: ChatStandIn, number: int, status: int, code: str) -> None:
    run_id = home.json("start", "--normal", "1")["runId"]
    done = stopped(home, chat_service, number, "send", "ultra", "Hello", "--json")
    value = done.json
    assert (done.status, value["exitStatus"], value["errorCode"], value["changed"]) == (
        status,
        status,
        code,
        True,
    )
    assert value["message"] == "Stopped; what was not answered is stored as interrupted."
    assert value["nextStep"] == f"mmi-cli overlord retry --run {run_id}"
    assert value["runId"] == run_id
    assert home.registry()["messages"][0]["failureReason"] == "interrupted"
    assert home.json("retry", "--run", run_id)["messageResult"]["state"] == "completed"


def test_a_start_does_not_say_that_nothing_was_started(home: OverlordHome, chat_service: ChatStandIn) -> None:
    done = stopped(home, chat_service, signal.SIGINT, "start", "--normal", "1")
    assert done.status == 130
    assert "Nothing was started" not in done.output
    run_id = home.registry()["runId"]
    assert f"Next: mmi-cli overlord recover --run {run_id}" in done.stderr
    assert home.registry()["state"] == "failed"
    assert home.json("recover", "--run", run_id)["run"]["state"] == "ready"
