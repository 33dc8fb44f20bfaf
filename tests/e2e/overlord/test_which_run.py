"""Which run a command is about: what was named, else the only open one of this worktree; no guess."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.stand_in.chat import ChatStandIn
from tests.support.overlord_home import OverlordHome
from tests.support.windows import link

NOWHERE = "run-20260101T000000Z-000000"


def started(home: OverlordHome, *arguments: str, **environ: str) -> str:
    run_id: str = home.json("start", "--normal", "1", *arguments, **environ)["runId"]
    return run_id


def at(home: OverlordHome, run_id: str, **fields: Any) -> None:
    """Change the stored run, as if time had passed."""
    path = home.state / "runs" / run_id / "registry.json"
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), **fields}), encoding="utf-8")


def code(home: OverlordHome, *arguments: str, **environ: str) -> str | None:
    found: str | None = home.json(*arguments, **environ).get("errorCode")
    return found


def test_a_worktree_has_one_open_run_unless_another_is_asked_for(
    wired: OverlordHome, chat_service: ChatStandIn
) -> None:
    first = started(wired)
    before = len(chat_service.requests)
    refused = wired.json("start")
    assert (refused["errorCode"], refused["exitStatus"], refused["changed"]) == ("run_exists", 5, False)
    assert first in refused["message"]
    assert "Nothing was started." in refused["message"]
    assert len(chat_service.requests) == before
    second = started(wired, "--new")
    several = wired.json("send", "all", "Which?")
    assert several["errorCode"] == "run_ambiguous"
    assert first in several["message"]
    assert second in several["message"]
    assert wired.json("status", "--run", first)["runId"] == first
    assert wired.json("status", MMI_OVERLORD_RUN=second)["runId"] == second
    assert wired.json("status", "--run", first, MMI_OVERLORD_RUN=second)["runId"] == first
    assert code(wired, "status", "--run", NOWHERE, MMI_OVERLORD_RUN=second) == "no_run"
    assert code(wired, "status", MMI_OVERLORD_RUN="../../etc") == "no_run"
    wired.json("stop", "--run", first)
    assert wired.json("status")["runId"] == second


def test_the_worktree_is_the_nearest_folder_with_git_or_the_folder_itself(wired: OverlordHome) -> None:
    run_id = started(wired)
    deep = wired.worktree / "src" / "deep"
    deep.mkdir(parents=True)
    assert wired.json("status", "--cwd", str(deep))["runId"] == run_id
    inner = deep / "submodule"
    inner.mkdir()
    (inner / ".git").write_text("gitdir: ../../../.git/modules/x\n", encoding="utf-8")
    assert code(wired, "status", "--cwd", str(inner)) == "no_run"
    outside = wired.root / "no-git"
    outside.mkdir()
    other = started(wired, "--cwd", str(outside))
    assert wired.json("status", "--cwd", str(outside))["run"]["worktree"] == str(outside)
    below = outside / "below"
    below.mkdir()
    assert code(wired, "status", "--cwd", str(below)) == "no_run"
    assert other != run_id


def test_a_worktree_is_the_same_behind_a_link(wired: OverlordHome) -> None:
    run_id = started(wired)
    link(wired.root / "elsewhere", wired.worktree)
    assert wired.json("status", "--cwd", str(wired.root / "elsewhere"))["runId"] == run_id


def test_without_an_open_run_the_newest_failed_and_then_the_newest_stopped_one(
    wired: OverlordHome, chat_service: ChatStandIn
) -> None:
    stopped = [started(wired, "--new") for _ in range(2)]
    # The newer one has the smaller id: it is the time that counts.
    newest = min(stopped)
    for run_id in stopped:
        wired.json("stop", "--run", run_id)
        at(wired, run_id, createdAt=f"2026-0{2 if run_id == newest else 1}-01T00:00:00.000Z")
    for command in ("status", "export", "watch"):
        assert wired.json(command)["runId"] == newest, command
    for words in (
        ("send", "all", "x"),
        ("retry",),
        ("recover",),
        ("replace", "ultra"),
        ("await-human",),
        ("stop",),
    ):
        refused = wired.json(*words)
        assert refused["errorCode"] == "no_run", words
        assert refused["message"].startswith("No run is open in "), words
    chat_service.fail(400, slot="ultra", times=1)
    failed = wired.json("start", "--normal", "1")["runId"]
    assert wired.json("send", "all", "x", "--run", failed)["errorCode"] == "not_ready"
    for words in (("send", "all", "x"), ("retry",), ("replace", "ultra"), ("await-human",)):
        assert code(wired, *words) == "no_run", words
    for command in ("status", "export", "watch", "recover", "stop"):
        assert wired.json(command)["runId"] == failed, command


def test_if_only_runs_are_left_that_cannot_be_read_their_error_is_the_answer(wired: OverlordHome) -> None:
    run_id = started(wired)
    path = wired.state / "runs" / run_id / "registry.json"
    path.write_text("{", encoding="utf-8")
    for words in (("status",), ("send", "all", "x"), ("stop",), ("recover",)):
        refused = wired.json(*words)
        assert (refused["errorCode"], refused["exitStatus"]) == ("registry_unreadable", 5), words
        assert str(path) in json.dumps(refused, ensure_ascii=False).replace("\\\\", "\\"), words
    assert path.read_text(encoding="utf-8") == "{"
    assert [one["state"] for one in wired.json("list")["runs"]] == ["unreadable"]


def test_a_run_that_is_open_is_not_deleted_and_a_stopped_one_leaves_nothing(wired: OverlordHome) -> None:
    run_id = started(wired)
    wired.json("send", "all", "A sentence that is not kept.")
    assert code(wired, "delete", run_id) == "not_ready"
    assert code(wired, "delete", "..") == "no_run"
    wired.json("stop")
    again = wired.json("stop", "--run", run_id)
    assert (again["exitStatus"], again["changed"], again["resources"]) == (0, False, [])
    assert code(wired, "send", "all", "x", "--run", run_id) == "run_stopped"
    assert wired.json("delete", run_id)["changed"] is True
    left = [path for path in wired.state.rglob("*") if path.is_file()]
    assert [path for path in left if b"not kept" in path.read_bytes()] == []
    assert wired.json("list")["runs"] == []


@pytest.mark.parametrize("name", [".git", "other"])
def test_nothing_is_written_into_the_worktree(wired: OverlordHome, name: str) -> None:
    (wired.worktree / name).mkdir(exist_ok=True)
    before = sorted(wired.worktree.rglob("*"))
    started(wired, "--cwd", str(Path(wired.worktree, name)))
    wired.json("send", "all", "x", "--run", wired.runs()[-1].name)
    wired.json("replace", "ultra", "--run", wired.runs()[-1].name)
    assert sorted(wired.worktree.rglob("*")) == before
