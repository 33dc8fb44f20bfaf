"""The gate with real folders, approvals and chains: what is passed on, when, and what is on record then."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Awaitable, Callable

import pytest

from foundation.errors import Refusal
from marama_route.core.errors import RequestRefusal
from marama_route.core.tool_calls import Call
from marama_route.forwarding.ends import Verdict
from marama_route.gate.gate import Gate
from marama_route.store.sqlite import SqliteStore
from sovereigncode.approvals.approval import Approval
from sovereigncode.audit.log import AuditLog
from sovereigncode.audit.record import Entry
from tests.unit.marama_route.gate.scene import CASE, PUSH, Kept, Scene, bash, edit, run
from tests.unit.sovereigncode.records import Place

READ = Call(0, 0, "call_0", "read", '{"filePath": "a.txt"}')
WAITS = "approvals: {hold_seconds: 86400}"


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(Place(tmp_path))


@pytest.fixture
def waiting(tmp_path: Path) -> Scene:
    """A workspace whose policy waits for a whole day."""
    return Scene(Place(tmp_path), WAITS)


def test_what_is_allowed_is_passed_on_and_on_record(scene: Scene) -> None:
    assert scene.judge(READ) == Verdict(passed=True)
    assert scene.tools() == [("read", "allow_with_obligations", "passed")]
    (record,) = scene.log.read()
    entry = record.entry
    assert (entry.tenant, entry.capsule_id, entry.actor, entry.purpose, entry.decision_id) == (
        "acme",
        "shop",
        "acme:1",
        "code_review",
        "rd_1",
    )
    assert not scene.approvals.folder.exists()


@pytest.mark.parametrize("asks", [True, False])
def test_a_record_is_on_disk_before_a_call_is_passed_on(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, asks: bool
) -> None:
    """If it cannot be recorded nothing passes, and no approval is used up."""
    if asks:
        scene.judge(PUSH)
        scene.approvals.approve(scene.approvals.listed()[0].id, "ada")

    def full(_log: AuditLog, entries: list[Entry]) -> None:
        assert all(one.kind in ("tool", "approval") for one in entries)
        raise Refusal("write_failed", "no space left", next_step="free up space")

    with monkeypatch.context() as patch:
        patch.setattr(AuditLog, "append", full)
        with pytest.raises(RequestRefusal) as caught:
            scene.judge(PUSH if asks else READ)
    assert caught.value.kind == "not_ready"
    assert scene.states() == (["approved"] if asks else [])
    assert scene.judge(PUSH if asks else READ).passed


def test_a_denied_call_is_replaced_at_once_and_nobody_is_asked(scene: Scene) -> None:
    scene.bound_by("tools: {publish: deny}\napprovals: {hold_seconds: 86400}")
    verdict = scene.judge(PUSH)
    assert not verdict.passed
    assert "bash: git push origin main" in verdict.text
    assert "tool_denied" in verdict.text
    assert scene.states() == []
    assert scene.tools() == [("publish", "deny", "not_passed")]


def test_a_call_that_needs_a_yes_is_replaced_by_how_to_give_it(scene: Scene) -> None:
    verdict = scene.judge(PUSH)
    (one,) = scene.approvals.listed()
    assert one.approval is not None
    assert not verdict.passed
    for part in ("git push origin main", "publish", one.id, f"sovereigncode approvals approve {one.id}"):
        assert part in verdict.text
    assert (one.approval.tenant, one.approval.decision_id, one.approval.tool_class) == (
        "acme",
        "rd_1",
        "publish",
    )
    assert one.approval.expires == "2026-11-27T10:30:00.000Z"
    assert scene.asked_for == [one.id]
    assert scene.tools() == [("publish", "deny", "not_passed")]


def test_a_yes_that_is_given_later_lets_the_same_call_pass_once(scene: Scene) -> None:
    scene.judge(PUSH)
    (one,) = scene.approvals.listed()
    scene.approvals.approve(one.id, "ada")
    assert not scene.judge(bash("git push origin other")).passed
    assert not scene.judge(PUSH, session_id="ses_2").passed
    assert scene.judge(replace(PUSH, id="call_9", index=3)).passed
    assert scene.tools()[-1] == ("publish", "allow_with_obligations", "passed")
    assert not scene.judge(PUSH).passed
    assert scene.approvals.get(one.id).state.value == "used"


def test_nobody_is_asked_twice(scene: Scene) -> None:
    for _ in range(3):
        scene.judge(PUSH)
    assert scene.states() == ["pending"]


def test_a_yes_in_time_lets_it_pass_unchanged(waiting: Scene) -> None:
    verdict = waiting.meanwhile([PUSH], lambda one: waiting.approvals.approve(one.id, "ada"))
    assert verdict == Verdict(passed=True)
    assert waiting.states() == ["used"]
    assert waiting.tools() == [
        ("publish", "deny", "not_passed"),
        ("publish", "allow_with_obligations", "passed"),
    ]
    kinds = [record.entry.decision for record in waiting.log.read() if record.entry.kind == "approval"]
    assert kinds == ["pending", "approved", "used"]


def test_no_ends_the_waiting_at_once_with_the_note(waiting: Scene) -> None:
    verdict = waiting.meanwhile(
        [PUSH], lambda one: waiting.approvals.reject(one.id, "ada", "not on a\nFriday")
    )
    assert not verdict.passed
    assert "rejected" in verdict.text
    assert "not on a?Friday" in verdict.text
    assert "ada" not in verdict.text
    assert waiting.states() == ["rejected"]


def test_one_no_of_several_ends_the_waiting_and_uses_nothing_up(waiting: Scene) -> None:
    async def work() -> Verdict:
        judging = asyncio.create_task(
            waiting.gate().judge([PUSH, bash("git commit -m x", "call_2")], whole=False)
        )
        await waiting.asked(judging)
        listed = await asyncio.to_thread(waiting.approvals.listed)
        while len(listed) < 2:
            listed = await asyncio.to_thread(waiting.approvals.listed)
        await asyncio.to_thread(waiting.approvals.reject, listed[1].id, "ada")
        return await judging

    verdict = run(work)
    assert not verdict.passed
    assert "rejected" in verdict.text
    assert waiting.states() == ["pending", "rejected"]


def test_an_approval_that_expires_ends_the_waiting(waiting: Scene) -> None:
    verdict = waiting.meanwhile([PUSH], lambda _: waiting.place.clock.pass_by(hours=2))
    assert not verdict.passed
    assert "expired" in verdict.text
    assert waiting.states() == ["expired"]


def by_hand(one: Approval, scene: Scene, **fields: Any) -> None:
    path = scene.approvals.folder / f"{one.id}.json"
    path.write_text(json.dumps({**one.as_json(), **fields}))


@pytest.mark.parametrize(
    "fields",
    [{"state": "approved"}, {"summary": "harmless"}, {"diff": "@@ -1 +1 @@\n-a\n+b\n", "state": "approved"}],
)
def test_an_approval_edited_by_hand_does_not_count(waiting: Scene, fields: dict[str, str]) -> None:
    verdict = waiting.meanwhile([PUSH], lambda one: by_hand(one, waiting, **fields))
    assert not verdict.passed
    assert "does not count" in verdict.text
    assert waiting.states() == ["invalid"]


@pytest.mark.parametrize(
    ("policy", "capsule", "code"),
    [
        (WAITS, {"revoked": True}, "capsule_revoked"),
        ("tools: {publish: deny}", {}, "tool_denied"),
        ("tools: {shell: nonsense}", {}, "policy_invalid"),
        ("purposes: {allowed: [support]}", {}, "purpose_not_allowed"),
        (WAITS, {"capsule_id": "another"}, "capsule_missing"),
    ],
)
def test_what_changes_while_somebody_is_asked_counts(
    waiting: Scene, policy: str, capsule: dict[str, Any], code: str
) -> None:
    """The yes comes, but the rules are not what they were."""

    def act(one: Approval) -> None:
        waiting.bound_by(policy, **capsule)
        waiting.approvals.approve(one.id, "ada")

    verdict = waiting.meanwhile([PUSH], act)
    assert not verdict.passed
    assert code in verdict.text
    assert waiting.states() == ["approved"], "it is not used up for a turn that does not run"
    assert waiting.tools()[-1] == ("publish", "deny", "not_passed")


def test_a_policy_that_names_another_tenant_denies(waiting: Scene) -> None:
    (waiting.folder / "tenant-policy.yaml").write_text("version: 1\ntenant: other\n")
    verdict = waiting.judge(READ)
    assert not verdict.passed
    assert "capsule_missing" in verdict.text


def test_a_link_that_is_laid_while_somebody_is_asked_denies(waiting: Scene, tmp_path: Path) -> None:
    """The path led into the workspace when it was asked about, and leads out of it when the yes comes."""
    folder = waiting.place.workspace / "src"
    folder.mkdir()
    (folder / "a.py").write_text("1\n")

    def act(one: Approval) -> None:
        (folder / "a.py").unlink()
        (folder / "a.py").symlink_to(tmp_path / "outside")
        waiting.approvals.approve(one.id, "ada")

    verdict = waiting.meanwhile([edit("src/a.py", "1", "2")], act)
    assert not verdict.passed
    assert waiting.states() == ["approved"]


def test_two_answers_with_one_approval(waiting: Scene) -> None:
    """Both wait for the same one; it is approved, exactly one passes, and the other one asks again."""

    async def work() -> list[bool]:
        bench = waiting.bench()
        stop = asyncio.Event()
        judging = [
            asyncio.create_task(waiting.gate(bench, stop).judge([PUSH], whole=False)) for _ in range(4)
        ]
        first = await waiting.asked(judging[0])
        await asyncio.sleep(0.1)
        assert waiting.states() == ["pending"]
        await asyncio.to_thread(waiting.approvals.approve, first.id, "ada")
        done, _ = await asyncio.wait(judging, return_when=asyncio.FIRST_COMPLETED)
        assert [one.result().passed for one in done] == [True]
        second = await waiting.asked(next(one for one in judging if one not in done))
        assert second.id != first.id
        stop.set()
        return [one.passed for one in await asyncio.gather(*judging)]

    assert sorted(run(work)) == [False, False, False, True]
    assert waiting.states() == ["pending", "used"]


def test_the_same_call_twice_in_an_answer_needs_two(scene: Scene) -> None:
    twice = (PUSH, replace(PUSH, index=1, id="call_2"))
    scene.judge(*twice)
    first, second = (one.id for one in scene.approvals.listed())
    scene.approvals.approve(first, "ada")
    verdict = scene.judge(*twice)
    assert not verdict.passed
    assert scene.states() == ["approved", "pending"]
    scene.approvals.approve(second, "ada")
    assert scene.judge(*twice).passed
    assert scene.states() == ["used", "used"]


def test_if_one_call_does_not_pass_none_does_and_no_approval_is_used(scene: Scene) -> None:
    other = bash("git commit -m x", "call_2")
    scene.judge(PUSH)
    scene.approvals.approve(scene.approvals.listed()[0].id, "ada")
    verdict = scene.judge(READ, PUSH, other)
    assert not verdict.passed
    assert scene.states() == ["approved", "pending"]
    assert [tag for _, _, tag in scene.tools()[-3:]] == ["not_passed"] * 3
    scene.bound_by("tools: {commit: deny}")
    assert not scene.judge(PUSH, other).passed
    assert scene.states() == ["approved", "pending"]


def test_a_denied_call_in_an_answer_means_that_nobody_is_asked_about_the_others(scene: Scene) -> None:
    scene.bound_by("tools: {commit: deny}")
    verdict = scene.judge(PUSH, bash("git commit -m x"))
    assert not verdict.passed
    assert scene.states() == []


def test_many_calls_one_approval_each_and_all_are_waited_for(waiting: Scene) -> None:
    calls = [bash(f"git push origin branch-{number}", f"call_{number}") for number in range(12)]

    async def work() -> Verdict:
        judging = asyncio.create_task(waiting.gate().judge([READ, *calls], whole=False))
        listed = await asyncio.to_thread(waiting.approvals.listed)
        while len(listed) < 12:
            listed = await asyncio.to_thread(waiting.approvals.listed)
        for one in listed:
            assert not judging.done()
            await asyncio.to_thread(waiting.approvals.approve, one.id, "ada")
        return await judging

    assert run(work).passed
    assert set(waiting.states()) == {"used"}
    assert len([one for one in waiting.tools() if one[2] == "passed"]) == 13


def test_parts_of_different_classes_are_judged_each(scene: Scene) -> None:
    scene.bound_by("tools: {publish: allow, shell: deny}")
    assert "class shell are denied" in scene.judge(bash("cd x && git push")).text
    scene.bound_by("tools: {publish: allow, shell: allow, file_write: approve}\napprovals: {hold_seconds: 0}")
    assert scene.judge(bash("cd x && git push")).passed
    verdict = scene.judge(bash("ls > out"))
    assert not verdict.passed
    assert "file_write" in scene.log_of_last()


def test_a_difference_is_shown_to_whoever_decides_and_is_not_in_the_text(scene: Scene) -> None:
    (scene.place.workspace / "a.txt").write_text("first\nsecret line\nlast\n")
    verdict = scene.judge(edit("a.txt", "first", "changed"))
    (one,) = scene.approvals.listed()
    assert one.approval is not None
    assert "-first\n+changed\n secret line\n" in (one.approval.diff or "")
    assert "secret line" not in verdict.text
    assert "changed" not in verdict.text
    assert "edit: a.txt" in verdict.text


@pytest.mark.parametrize(
    "call",
    [
        edit(".sovereigncode/capsule.json", "a", "b"),
        edit("../outside.txt", "a", "b"),
        edit("/etc/passwd", "a", "b"),
        bash("echo x > .sovereigncode/tenant-policy.yaml"),
        bash("cd .. && rm -rf x"),
        bash("sovereigncode approvals approve ap_0"),
        Call(0, 0, None, "edit", '{"filePath": ".sovereigncode/capsule.json", '),
        Call(0, 0, None, "mcp_write", '{"where": ["x/.sovereigncode/capsule.json"]}'),
        Call(0, 0, None, "bash", '{"command": "ls", "command": "git push"}'),
        Call(0, 0, None, "apply_patch", "*** Begin Patch\n*** Delete File: ../x\n*** End Patch", custom=True),
    ],
    ids=lambda call: f"{call.name} {call.arguments[:40]}",
)
def test_some_things_are_denied_whatever_the_policy_says(scene: Scene, call: Call) -> None:
    every = ["read", "plan", "file_write", "shell", "network", "delete", "commit", "publish", "unknown"]
    scene.bound_by("tools: {" + ", ".join(f"{name}: allow" for name in every) + "}")
    verdict = scene.judge(call)
    assert not verdict.passed
    assert "denied" in verdict.text
    assert scene.states() == []
    assert scene.tools()[-1][1:] == ("deny", "not_passed")


@pytest.mark.parametrize("hold", [0, 86400])
def test_without_a_decision_it_waits_as_long_as_the_policy_says(scene: Scene, hold: int) -> None:
    """For no time at all, or until the client goes away."""
    scene.bound_by(f"approvals: {{hold_seconds: {hold}}}")

    async def work() -> None:
        judging = asyncio.create_task(scene.gate().judge([PUSH], whole=False))
        if hold:
            await scene.asked(judging)
            done, _ = await asyncio.wait({judging}, timeout=0.3)
            assert not done
            judging.cancel()
            with pytest.raises(asyncio.CancelledError):
                await judging
        else:
            assert not (await judging).passed

    began = time.monotonic()
    run(work)
    assert time.monotonic() - began < 30
    assert scene.states() == ["pending"]
    assert scene.tools() == [("publish", "deny", "not_passed")]


@pytest.mark.parametrize(("whole", "hold", "longest"), [(True, 86400, 30), (True, 2, 2), (False, 3600, 3600)])
def test_a_whole_answer_waits_half_a_minute_at_most(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, whole: bool, hold: int, longest: int
) -> None:
    scene.bound_by(f"approvals: {{hold_seconds: {hold}}}")
    waited: list[float] = []

    async def until(_self: object, _ids: object, seconds: float, stop: asyncio.Event) -> None:
        waited.append(seconds)
        stop.set()

    monkeypatch.setattr("marama_route.gate.waiting.Waiting.until_decided", until)
    assert not scene.judge(PUSH, whole=whole).passed
    assert waited == [pytest.approx(longest, abs=0.1)]


def test_a_server_that_ends_waits_for_nobody(waiting: Scene) -> None:
    async def work() -> list[Verdict]:
        stop = asyncio.Event()
        judging = asyncio.create_task(waiting.gate(stop=stop).judge([PUSH], whole=False))
        await waiting.asked(judging)
        stop.set()
        return [await judging, await waiting.gate(stop=stop).judge([bash("git push x")], whole=False)]

    assert [one.passed for one in run(work)] == [False, False]
    assert waiting.states() == ["pending", "pending"]


def test_a_chain_that_breaks_while_somebody_is_asked(waiting: Scene) -> None:
    def act(_: Approval) -> None:
        waiting.place.file.write_bytes(waiting.place.file.read_bytes() + b"{}\n")

    with pytest.raises(RequestRefusal) as caught:
        waiting.meanwhile([PUSH], act)
    assert caught.value.kind == "not_ready"


def test_too_large_to_be_judged_is_not_passed_on(scene: Scene) -> None:
    huge = Call(
        0, 0, None, "write", json.dumps({"filePath": "a", "content": "é" * (9 << 20)}, ensure_ascii=False)
    )
    verdict = scene.judge(huge)
    assert not verdict.passed
    assert "nobody can judge it" in verdict.text
    assert scene.states() == []


def test_a_store_that_cannot_be_used_lets_nothing_pass_that_the_client_asks_about(scene: Scene) -> None:
    """And it uses up no approval."""
    scene.bound_by("tools: {shell: client}\napprovals: {hold_seconds: 0}")
    calls = (bash("ls"), replace(PUSH, index=1, id="call_2"))
    scene.judge(*calls)
    scene.approvals.approve(scene.approvals.listed()[0].id, "ada")
    scene.kept.fails = True
    with pytest.raises(RequestRefusal) as caught:
        scene.judge(*calls)
    assert caught.value.kind == "not_ready"
    assert scene.states() == ["approved"]
    assert "passed" not in [tag for _, _, tag in scene.tools()]
    scene.kept.fails = False
    assert scene.judge(*calls).passed
    assert list(scene.kept.calls) == [("acme", "ses_1", "call_1")]


def heard(
    scene: Scene, content: Any, agent: str = "opencode/1.18.33 ai-sdk", **case: Any
) -> list[str | None]:
    """What is on record after this tool message."""
    messages = [
        {"role": "user", "content": "go"},
        {"role": "assistant", "tool_calls": [{"id": "call_1"}]},
        {"role": "tool", "tool_call_id": "call_1", "content": content},
    ]
    run(lambda: scene.gate(**case).heard(messages))
    return [record.entry.decision for record in scene.log.read() if record.entry.kind == "outcome"]


def test_what_the_client_says_became_of_a_call_is_recorded_once(scene: Scene) -> None:
    scene.bound_by("tools: {shell: client}")
    assert scene.judge(bash("ls")).passed
    assert scene.tools() == [("shell", "allow_with_obligations", "passed")]
    assert heard(scene, "x", session_id="ses_2") == []
    assert heard(scene, "x", tenant="other") == []
    assert heard(scene, "canary-output", decision_id="rd_2") == ["answered"]
    assert heard(scene, "canary-output") == ["answered"]
    *_, last = scene.log.read()
    assert (last.entry.action, last.entry.decision_id) == ("shell", "rd_1")
    assert last.entry.request_hash == next(iter(scene.log.read())).entry.request_hash
    assert b"canary-output" not in b"".join(scene.place.lines())


def test_an_outcome_that_cannot_be_recorded_is_not_lost(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.bound_by("tools: {shell: client}")
    scene.judge(bash("ls"))

    def full(*_: object) -> None:
        raise Refusal("write_failed", "no space left", next_step="free up space")

    with monkeypatch.context() as patch:
        patch.setattr(AuditLog, "append", full)
        with pytest.raises(RequestRefusal):
            heard(scene, "x")
    assert heard(scene, "x") == ["answered"]


def test_what_was_not_asked_by_the_client_has_no_outcome(scene: Scene) -> None:
    assert scene.judge(replace(READ, id="call_1")).passed
    assert heard(scene, "x") == []
    assert scene.kept.calls == Kept().calls


def test_with_a_real_store_an_outcome_is_heard_by_another_process(scene: Scene, tmp_path: Path) -> None:
    """The store is closed in between; two calls of one answer, one of them without an id."""
    scene.bound_by("tools: {shell: client}")

    def stored(act: Callable[[Gate], Awaitable[object]]) -> None:
        async def work() -> None:
            store = SqliteStore.opened(tmp_path / "store" / "gateway.sqlite3", scene.place.clock)
            try:
                await act(Gate(scene.bench(), CASE, store, asyncio.Event(), scene.asked_for.append))
            finally:
                await store.close()

        run(work)

    calls = [bash("ls"), bash("ls -l", None)]
    stored(lambda gate: gate.judge(calls, whole=False))
    results = [
        {"role": "assistant", "tool_calls": [{"id": "call_1"}, {"id": "call_2"}]},
        {"role": "tool", "tool_call_id": "call_2", "content": "x"},
        {"role": "tool", "tool_call_id": "call_1", "content": "x"},
    ]
    for _ in range(2):
        stored(lambda gate: gate.heard(results))
    outcomes = [record.entry for record in scene.log.read() if record.entry.kind == "outcome"]
    assert [(one.decision, one.action) for one in outcomes] == [("answered", "shell")]
