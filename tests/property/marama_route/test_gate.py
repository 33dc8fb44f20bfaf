"""For any policy and any calls: nothing passes that the rule of any part forbids, and a yes counts once."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from marama_route.gate.treating import Case, treat
from sovereigncode.tools.arguments import ToolCall
from sovereigncode.tools.judging import judge
from tests.unit.marama_route.asking import MODEL, rules
from tests.unit.marama_route.gate.scene import REQUEST, Scene, bash
from tests.unit.sovereigncode.records import Place

# From the contract, by hand: the rules from mild to strict, and what the parts of these commands do.
RULES = ["allow", "client", "approve", "deny"]
DEFAULTS = {"read": "allow", "plan": "allow"}
COMMANDS = {
    "ls": {"shell"},
    "cd src": {"shell"},
    "git push origin main": {"publish"},
    "git commit -m x": {"commit"},
    "curl https://example.com": {"network"},
    "rm -r build": {"shell", "delete"},
    "echo x > out": {"shell", "file_write"},
    "python -c 'print(1)'": {"unknown"},
}
CLASSES = ["read", "plan", "file_write", "shell", "network", "delete", "commit", "publish", "unknown"]
POLICIES = st.dictionaries(st.sampled_from(CLASSES), st.sampled_from(RULES))
SCRIPTS = st.lists(st.sampled_from(sorted(COMMANDS)), min_size=1, max_size=3)


def strictest(policy: dict[str, str], script: list[str]) -> int:
    """The place in RULES of the strictest rule of all parts."""
    return max(
        RULES.index(policy.get(name, DEFAULTS.get(name, "approve")))
        for command in script
        for name in COMMANDS[command]
    )


@given(POLICIES, SCRIPTS, st.sampled_from([" && ", "; ", " | ", " || ", "\n"]))
def test_the_strictest_rule_of_all_parts_counts(policy: dict[str, str], script: list[str], glue: str) -> None:
    judgement = judge(ToolCall("bash", {"command": glue.join(script)}), Path("/workspace"))
    case = Case("t", "ses_1", "c", "rd_1", REQUEST, (MODEL,))
    found = treat(judgement, rules({"tools": policy}), case).rule
    if "|" not in glue:  # what reads from a pipe may be unknown
        assert RULES.index(found.value) == strictest(policy, script)
    assert RULES.index(found.value) >= strictest(policy, script)


class Life(RuleBasedStateMachine):
    """Answers, decisions of people and changes of the policy, in any order."""

    @initialize()
    def begin(self) -> None:
        memory = Path("/dev/shm")
        self.folder = tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None)
        self.scene = Scene(Place(Path(self.folder.name)))
        self.tools: dict[str, str] = {}
        self.revoked = False
        # By command, how often somebody said yes and how often it passed with that.
        self.yes: dict[str, int] = {}
        self.used: dict[str, int] = {}

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            self.folder.cleanup()

    @rule(tools=POLICIES, revoked=st.sampled_from([False, False, False, True]))
    def change_the_policy(self, tools: dict[str, str], revoked: bool) -> None:
        self.tools, self.revoked = tools, revoked
        said = ", ".join(f"{name}: {word}" for name, word in tools.items())
        self.scene.bound_by(f"tools: {{{said}}}\napprovals: {{hold_seconds: 0}}", revoked=revoked)

    @rule(commands=SCRIPTS)
    def answer(self, commands: list[str]) -> None:
        before = self.scene.log.head().seq
        calls = [bash(command, f"call_{number}") for number, command in enumerate(commands)]
        verdict = self.scene.judge(*calls)
        needed = [strictest(self.tools, [command]) for command in commands]
        records = [one.entry for one in self.scene.log.read(before) if one.entry.kind == "tool"]
        assert len(records) == len(commands)
        assert {one.audit_tags[-1] == "passed" for one in records} == {verdict.passed}
        if not verdict.passed:
            assert verdict.text
            assert self.revoked or max(needed) >= RULES.index("approve")
            return
        assert not self.revoked
        assert max(needed) < RULES.index("deny")
        for command, rank in zip(commands, needed, strict=True):
            if rank == RULES.index("approve"):
                self.used[command] = self.used.get(command, 0) + 1

    @rule(choice=st.integers(0, 20), approve=st.booleans())
    def decide(self, choice: int, approve: bool) -> None:
        waiting: list[Any] = [
            one.approval for one in self.scene.approvals.listed() if one.state.value == "pending"
        ]
        if not waiting:
            return
        one = waiting[choice % len(waiting)]
        (self.scene.approvals.approve if approve else self.scene.approvals.reject)(one.id, "ada")
        if approve:
            command = one.call.arguments["command"]
            self.yes[command] = self.yes.get(command, 0) + 1

    @rule(minutes=st.sampled_from([1, 45]))
    def time_passes(self, minutes: int) -> None:
        self.scene.place.clock.pass_by(minutes=minutes)

    @rule()
    def a_file_is_edited(self) -> None:
        for one in self.scene.approvals.listed()[:1]:
            text = one.place.read_text().replace('"state": "pending"', '"state": "approved"')
            one.place.write_text(text)

    @rule()
    def a_new_process(self) -> None:
        """Nothing that counts is kept in memory."""
        self.scene.log, self.scene.approvals = self.scene.place.log, self.scene.place.approvals

    @invariant()
    def nothing_is_used_that_nobody_granted(self) -> None:
        for command, times in getattr(self, "used", {}).items():
            assert times <= self.yes.get(command, 0), command

    @invariant()
    def an_approval_is_used_only_for_what_passed(self) -> None:
        if hasattr(self, "scene"):
            states = [one.state.value for one in self.scene.approvals.listed()]
            assert states.count("used") == sum(self.used.values())


Life.TestCase.settings = settings(deadline=None, max_examples=20, stateful_step_count=20)
TestLife = Life.TestCase
