"""What a run has on disk, field by field, as the contract names it; and what a second command waits for."""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.stand_in.chat import ChatStandIn
from tests.support.overlord_home import OverlordHome
from tests.support.windows import real_locks

REGISTRY = (
    "schemaVersion runId runToken worktree engine provider baseUrl state createdAt updatedAt statePath "
    "journalDir ledgerPath servants messages ownedResources"
)
SERVANT = (
    "id name role model profile state blockedReason composerSubmitMode llmModel llmRequestId llmMessages "
    "llmMessageCount lastAckAt lastEventAt lastLivenessCheckAt lastUsefulSignalAt journalPath "
    "eventJournalPath scopeToken assignment handoff generation usage"
)
MESSAGE = (
    "id target text createdAt state queuedAt startedAt completedAt failedAt responseText failureReason "
    "servantResults"
)
RESULT = (
    "servantId state llmModel llmRequestId responseText errorText failureReason attempts startedAt "
    "completedAt failedAt usage"
)
LEDGER = "seq at type messageId slot model requestId responseText errorText"
USAGE = "promptTokens completionTokens totalTokens answers unreported"
NEVER = (
    "repo branch human surface hostPlatform shellAdapter controllerPid controllerFingerprint "
    "lastControllerHeartbeatAt todoSnapshot"
)
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
ORDER = ("ultra", "normal-1", "normal-2")
MIB = 1024 * 1024


def names(value: dict[str, Any]) -> set[str]:
    return set(value)


def test_every_field_of_a_run(wired: OverlordHome) -> None:
    words = (
        "start",
        "--assignment",
        "For all.",
        "--assign",
        "normal-2=For one.",
        "--assign",
        "ULTRA=For two.",
    )
    wired.json(*words, "--profile", "implementation")
    wired.json("send", "Fugu 1", "Where?")
    run = wired.registry()
    assert set(REGISTRY.split()) <= names(run)
    assert not names(run) & set(NEVER.split())
    assert (run["schemaVersion"], run["engine"], run["provider"]) == (1, "fugu-api", "openai-compatible")
    assert re.fullmatch(r"run-\d{8}T\d{6}Z-[0-9a-f]{6}", run["runId"])
    assert re.fullmatch(r"[0-9a-f]{64}", run["runToken"])
    assert (wired.runs()[0] / "token").read_text(encoding="utf-8").strip() == run["runToken"]
    assert [one["id"] for one in run["servants"]] == list(ORDER)
    assert [one["name"] for one in run["servants"]] == ["Ultra", "Fugu 1", "Fugu 2"]
    assert [one["assignment"] for one in run["servants"]] == ["For two.", "For all.", "For one."]
    for servant in run["servants"]:
        assert names(servant) == set(SERVANT.split())
        scope = "\n".join((run["runId"], servant["id"], "implementation", servant["assignment"]))
        assert servant["scopeToken"] == f"sc-{hashlib.sha256(scope.encode()).hexdigest()[:24]}"
        assert (servant["composerSubmitMode"], servant["generation"]) == ("surface-api", 1)
        assert names(servant["usage"]) == set(USAGE.split())
        assert servant["llmMessageCount"] == len(servant["llmMessages"])
        for entry in servant["llmMessages"]:
            state = {"state"} if entry["role"] == "user" else set()
            assert names(entry) == {"role", "content", "at", "messageId"} | state
            assert TIME.fullmatch(entry["at"])
    (message,) = run["messages"]
    assert names(message) == set(MESSAGE.split())
    (result,) = message["servantResults"]
    assert names(result) == set(RESULT.split())
    assert (message["id"], message["target"], message["state"]) == ("m-0001", "Fugu 1", "completed")
    assert message["responseText"] == result["responseText"]
    events = wired.ledger()
    assert [one["seq"] for one in events] == [1, 2, 3, 4]
    assert [one["type"] for one in events] == ["startup"] * 3 + ["redirect"]
    assert all(names(one) == set(LEDGER.split()) for one in events)


def test_unknown_fields_are_kept_by_every_change(wired: OverlordHome) -> None:
    wired.json("start", "--normal", "1")
    path = wired.runs()[0] / "registry.json"
    run = wired.registry()
    run["later"] = {"x": [1]}
    run["servants"][1]["later"] = "y"
    path.write_text(json.dumps(run), encoding="utf-8")
    assert wired.json("send", "all", "x")["status"] == "success"
    assert wired.json("replace", "normal-1")["status"] == "success"
    assert wired.registry()["later"] == {"x": [1]}
    assert wired.servant("normal-1")["later"] == "y"


def test_journals_are_bounded_with_one_older_file_each(
    wired: OverlordHome, chat_service: ChatStandIn
) -> None:
    wired.json("start", "--normal", "1")
    journal = wired.runs()[0] / "journal"
    line = json.dumps({"content": "x" * 1000}) + "\n"
    full = line * (MIB // len(line))
    full += f"{json.dumps({'content': ''})}\n" * ((MIB - len(full)) // len('{"content": ""}\n'))
    for name in ("normal-1.jsonl", "normal-1.events.jsonl"):
        (journal / name).write_bytes(full.encode())
        (journal / f"{name}.1").write_bytes(b"older\n")
    chat_service.answer("a " * 2000, slot="normal-1", times=1)
    wired.json("send", "normal-1", "long " * 500)
    for name in ("normal-1.jsonl", "normal-1.events.jsonl"):
        assert (journal / name).stat().st_size < MIB // 8
        assert (journal / f"{name}.1").stat().st_size <= MIB
        assert (journal / f"{name}.1").read_text(encoding="utf-8").startswith(line)
    assert sorted(path.name for path in journal.glob("*.2")) == []


def test_a_servant_is_replaced_although_the_service_is_down(
    wired: OverlordHome, chat_service: ChatStandIn
) -> None:
    wired.json("start", "--normal", "1")
    chat_service.answer("First line.\nSecond line.", slot="normal-1", times=1)
    wired.json("send", "normal-1", "Answered?")
    chat_service.fail(400, slot="normal-1", times=1)
    wired.json("send", "normal-1", "Not answered?")
    old = wired.servant("normal-1")
    before = len(chat_service.chats)
    with chat_service.refusing():
        replaced = wired.json("replace", "normal-1", "--note", "Be brief.", "--assignment", "Something else.")
    assert (replaced["errorCode"], replaced["exitStatus"]) == ("startup_failed", 6)
    assert len(chat_service.chats) == before
    new = wired.servant("normal-1")
    assert (new["state"], new["generation"], new["blockedReason"]) == ("blocked", 2, "unreachable")
    assert len(new["handoff"].encode()) <= 8 * 1024
    for part in (
        *("normal-1", "normal", "consultation", "2", "request_refused", "Be brief."),
        *("Answered?", "First line.\nSecond line.", "Not answered?"),
    ):
        assert part in new["handoff"], part
    (user,) = [one for one in new["llmMessages"] if one["role"] == "user"]
    assert user["content"].startswith(f"Something else.\n\n{new['handoff']}")
    kept = wired.runs()[0] / "journal" / "normal-1.generation-1.json"
    assert json.loads(kept.read_text(encoding="utf-8")) == old["llmMessages"]
    assert wired.json("recover", "normal-1")["status"] == "success"
    sent = [one["content"] for one in chat_service.chats[-1].messages]
    assert sent[1:] == [user["content"]]


@real_locks
def test_a_servant_that_stays_busy_is_not_asked_and_not_blocked(
    wired: OverlordHome, chat_service: ChatStandIn
) -> None:
    wired.json("start", "--normal", "1")
    before = len(chat_service.chats)
    gate = chat_service.hold(slot="normal-1", times=1)
    # It may take a minute; the other one waits for its turn as long as a servant may take for it: 5 s.
    first = wired.start("send", "normal-1", "First?", "--json", MMI_OVERLORD_LLM_TIMEOUT_MS="60000")
    chat_service.wait_for(before + 1)
    began = time.monotonic()
    second = wired.json("send", "normal-1", "Second?")
    assert 5 <= time.monotonic() - began < 12
    assert (second["errorCode"], second["messageResult"]["failureReason"]) == ("send_failed", "servant_busy")
    assert wired.servant("normal-1")["state"] == "ready"
    gate.set()
    assert wired.end(first).json["status"] == "success"
    assert wired.json("retry")["messageResult"]["text"] == "Second?"
    asked = [one["content"] for one in chat_service.chats[-1].messages if one["role"] == "user"]
    assert asked[1:] == ["First?", "Second?"]
    assert [one["type"] for one in wired.ledger()] == ["startup", "startup", *["redirect"] * 3]


def test_a_request_is_one_connection_and_has_three_keys(
    wired: OverlordHome, chat_service: ChatStandIn
) -> None:
    wired.json("start", "--normal", "2")
    wired.json("send", "all", "x")
    assert chat_service.connections == len(chat_service.requests) == 7
    for request in chat_service.chats:
        assert names(request.json) == {"model", "messages", "stream"}
        assert request.json["stream"] is False
        assert all(names(one) == {"role", "content"} for one in request.json["messages"])


def test_phases_stop_at_the_one_that_fails(wired: OverlordHome, chat_service: ChatStandIn) -> None:
    def phases(*arguments: str, **environ: str) -> list[int]:
        said = wired.run("start", *arguments, **environ).stderr
        return [int(number) for number in re.findall(r"^\[(\d)/8\] ", said, re.MULTILINE)]

    assert phases(MMI_OVERLORD_LLM_API_KEY="") == [1, 2]
    assert phases(MMI_OVERLORD_LLM_MODEL="gone") == [1, 2, 3]
    chat_service.fail(400, slot="ultra", times=1)
    assert phases() == [1, 2, 3, 4, 5, 6, 7]
    assert phases() == [1, 2, 3, 4, 5, 6, 7, 8]
    assert phases() == [1]
    assert phases("--new", "--dry-run") == [1, 2, 3]


def test_a_failed_preflight_leaves_no_run_and_no_state(
    wired: OverlordHome, chat_service: ChatStandIn
) -> None:
    for environ in ({"MMI_OVERLORD_LLM_API_KEY": ""}, {"MMI_OVERLORD_LLM_MODEL": "gone"}):
        assert wired.json("start", **environ)["changed"] is False
    wired.json("start", "--dry-run")
    wired.json("ask", "Why?")
    assert not wired.state.exists()
    assert len(chat_service.chats) == 3


def test_a_transcript_replaces_only_a_transcript_and_takes_nobodys_file(wired: OverlordHome) -> None:
    wired.json("start", "--normal", "1")
    ours, theirs, beside = (wired.worktree / name for name in ("t.md", "notes.md", ".t.md.new"))
    theirs.write_text("# My notes\n", encoding="utf-8")
    beside.write_text("mine\n", encoding="utf-8")
    refused = wired.json("export", "--out", "notes.md")
    assert (refused["errorCode"], refused["changed"]) == ("usage_error", False)
    for _ in range(2):
        exported = wired.json("export", "--out", "t.md")
        assert ours.read_text(encoding="utf-8") == exported["text"]
        wired.json("send", "all", "More.")
    assert "More." in exported["text"]
    assert theirs.read_text(encoding="utf-8") == "# My notes\n"
    assert beside.read_text(encoding="utf-8") == "mine\n"
    assert sorted(path.name for path in wired.worktree.iterdir()) == [".git", ".t.md.new", "notes.md", "t.md"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_transcript_is_not_waited_for_by_a_pipe(wired: OverlordHome) -> None:
    wired.json("start", "--normal", "1")
    os.mkfifo(wired.worktree / "pipe")
    began = time.monotonic()
    assert wired.json("export", "--out", "pipe")["errorCode"] == "usage_error"
    assert time.monotonic() - began < 30
    assert (wired.worktree / "pipe").is_fifo()


@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="the timers of connections are read from /proc"
)
def test_a_waiting_connection_is_kept_alive(wired: OverlordHome, chat_service: ChatStandIn) -> None:
    def timers() -> set[str]:
        """Of the client's ends; 02 is keepalive (proc_net_tcp in the kernel's documentation)."""
        lines = [line.split() for line in Path("/proc/net/tcp").read_text("ascii").splitlines()[1:]]
        theirs = f":{chat_service.port:04X}"
        return {line[5].partition(":")[0] for line in lines if line[2].endswith(theirs) and line[3] == "01"}

    wired.json("start", "--normal", "1")
    before = len(chat_service.chats)
    gate = chat_service.hold(slot="normal-1", times=1)
    waiting = wired.start("send", "normal-1", "First?", "--json")
    chat_service.wait_for(before + 1)
    until = time.monotonic() + 4
    while timers() != {"02"} and time.monotonic() < until:
        time.sleep(0.05)
    found = timers()
    gate.set()
    assert wired.end(waiting).json["status"] == "success"
    assert found == {"02"}
