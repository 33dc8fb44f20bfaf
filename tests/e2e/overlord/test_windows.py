"""What only Windows decides: which process is which, how one is ended, and who may read the state."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

if sys.platform != "win32":
    pytest.skip("processes and access lists of Windows", allow_module_level=True)

from foundation.protection.windows import WindowsProtection
from overlord import processes
from tests.stand_in.chat import ChatStandIn
from tests.support.overlord_home import OverlordHome
from tests.support.windows import real_lists

# In a virtual environment python.exe only starts the real one.
PYTHON = getattr(sys, "_base_executable", sys.executable)
SLEEP = [PYTHON, "-c", "import time; time.sleep(60)"]


def test_this_process_is_known() -> None:
    first, again = processes.inspect(os.getpid()), processes.inspect(os.getpid())
    assert first is not None
    assert first == again
    assert (first.pid, first.parent) == (os.getpid(), os.getppid())
    assert first.name == Path(PYTHON).stem
    assert first.executable is not None
    assert Path(first.executable).samefile(PYTHON)
    # GetProcessTimes: 100 ns since 1601.
    assert first.start_time is not None
    age = time.time() - (int(first.start_time) / 10_000_000 - 11_644_473_600)
    assert 0 <= age < 24 * 3600


def test_a_process_is_another_than_the_next_and_none_when_it_has_ended() -> None:
    children = [subprocess.Popen(SLEEP) for _ in range(2)]
    try:
        first, second = (processes.inspect(child.pid) for child in children)
        assert first is not None
        assert second is not None
        assert first.parent == os.getpid()
        assert first.start_time != second.start_time
        assert processes.end(first)
        assert processes.inspect(first.pid) is None
        assert processes.inspect(second.pid) == second
    finally:
        for child in children:
            child.kill()
            child.wait()


def test_stop_ends_a_command_that_waits_and_what_it_waited_for_is_settled(
    wired: OverlordHome, chat_service: ChatStandIn
) -> None:
    wired.json("start", "--normal", "1")
    before = len(chat_service.chats)
    gate = chat_service.hold(slot="normal-1", times=1)
    waiting = wired.start("send", "normal-1", "First?", "--json")
    chat_service.wait_for(before + 1)
    (recorded,) = wired.registry()["ownedResources"]
    stopped = wired.json("stop")
    gate.set()
    wired.end(waiting)
    assert [(one["pid"], one["outcome"]) for one in stopped["resources"]] == [(recorded["pid"], "ended")]
    (result,) = wired.registry()["messages"][0]["servantResults"]
    assert (result["state"], result["failureReason"]) == ("failed", "stopped")
    assert wired.registry()["ownedResources"] == []


def test_stop_leaves_a_process_alone_that_was_started_at_another_time(wired: OverlordHome) -> None:
    wired.json("start", "--normal", "1")
    child = subprocess.Popen(SLEEP)
    try:
        living = processes.inspect(child.pid)
        assert living is not None
        registry = wired.registry()
        facts = (registry["runId"], registry["runToken"], child.pid, "1", living.executable)
        names = ("runId", "runToken", "pid", "startTime", "executable")
        fingerprint = hashlib.sha256("\n".join(map(str, facts)).encode()).hexdigest()
        entry = {"kind": "process", **dict(zip(names, facts)), "fingerprint": fingerprint}
        registry["ownedResources"] = [entry]
        (wired.runs()[-1] / "registry.json").write_text(json.dumps(registry), encoding="utf-8")
        (outcome,) = wired.json("stop")["resources"]
        assert outcome["outcome"] == "refused"
        assert child.poll() is None
    finally:
        child.kill()
        child.wait()


@real_lists
def test_only_this_user_may_read_the_state(wired: OverlordHome) -> None:
    wired.json("start", "--normal", "1")
    (run,) = wired.runs()
    for path in (wired.state, run, run / "journal", run / "locks", run / "registry.json", run / "token"):
        found = WindowsProtection().inspect(path)
        assert found.ok, found.detail
