"""The text in the place of tool calls: what was asked and how to say yes, and nothing else of a call."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from marama_route.core.tool_calls import Call
from marama_route.gate.look import Look
from marama_route.gate.treating import Case, Judged, treat
from marama_route.gate.wording import not_passed
from sovereigncode.approvals import call as approvals
from sovereigncode.approvals.approval import State
from sovereigncode.approvals.files import Listed
from sovereigncode.approvals.store import Asked
from sovereigncode.tools.arguments import ToolCall
from sovereigncode.tools.judging import judge
from sovereigncode.tools.names import KNOWN
from tests.unit.marama_route.asking import MODEL, rules
from tests.unit.marama_route.gate.scene import REQUEST
from tests.unit.sovereigncode.asked import ID, WAITING

CASE = Case("t", "ses_1", "c", "rd_1", REQUEST, (MODEL,))
KEYS = (
    *("content", "contents", "oldString", "old_string", "old_text", "newString", "new_string", "new_text"),
    *("patchText", "input", "patch", "changes", "diff", "url", "prompt", "query", "format", "chars", "other"),
)
EVERY = dict.fromkeys(("read", "plan", "file_write", "shell", "network", "delete", "commit"), "approve")


def judged(name: str, arguments: dict[str, Any], **tools: str) -> Judged:
    judgement = judge(ToolCall(name, arguments), Path("/workspace"))
    asked = Asked(
        approvals.Call.of(name, json.dumps(arguments), "c", "ses_1"),
        judgement.tool_class.word,
        judgement.summary,
        judgement.diff,
    )
    call = Call(0, 0, "call_1", name, json.dumps(arguments))
    return Judged(call, judgement, treat(judgement, rules({"tools": {**EVERY, **tools}}), CASE), asked)


def listed(state: State, name: str = ID, **fields: Any) -> Listed:
    return Listed(name, state, Path("/nowhere"), replace(WAITING, id=name, **fields))


PUSH = judged("bash", {"command": "git push origin main"}, publish="approve")
LIST = judged("bash", {"command": "ls"}, shell="allow")


def test_what_waits_is_named_with_its_class_and_the_way_to_say_yes() -> None:
    assert (
        not_passed(Look((PUSH,), (listed(State.PENDING),)))
        == f"""\
This tool call was not run: a person has to approve it first.

- bash: git push origin main
  class publish; waits for a person's approval until 2026-11-27T10:30:00.000Z: {ID}

To say yes, use a terminal in the workspace's folder, or the gateway's console:
    sovereigncode approvals approve {ID}
Then make exactly the same call again: it passes once. Do not try to reach the same in another way."""
    )


def test_several_calls_are_named_each() -> None:
    other = ID.replace("7", "8")
    look = Look((LIST, PUSH, PUSH), (None, listed(State.APPROVED), listed(State.PENDING, other)))
    assert (
        not_passed(look)
        == f"""\
None of the 3 tool calls of this answer was run: a person has to approve it first.

- bash: ls
  class shell; allowed by itself
- bash: git push origin main
  class publish; approved ({ID}), which is kept for when all calls may run
- bash: git push origin main
  class publish; waits for a person's approval until 2026-11-27T10:30:00.000Z: {other}

To say yes, use a terminal in the workspace's folder, or the gateway's console:
    sovereigncode approvals approve {other}
Then make exactly the same calls again: they pass once. Do not try to reach the same in another way."""
    )


def test_what_is_denied_says_why_and_offers_nothing() -> None:
    denied = judged("bash", {"command": "git push"}, publish="deny")
    assert (
        not_passed(Look((denied,), (None,)))
        == """\
This tool call was not run: the policy does not allow it.

- bash: git push
  class publish; denied: tool calls of the class publish are denied (tool_denied)

Do not try to reach the same in another way."""
    )


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (listed(State.REJECTED), f"rejected ({ID})\n"),
        (listed(State.REJECTED, note="not\n\x1b[31mtoday"), f"rejected ({ID}): not??[31mtoday\n"),
        (listed(State.REJECTED, note="x" * 5000), "xxx...\n"),
        (listed(State.EXPIRED), f"nobody decided on {ID} in time, so it expired"),
        (listed(State.INVALID), f"{ID} was changed by hand or its file is gone, so it does not count"),
        (Listed(ID, State.INVALID, Path("/nowhere"), None, "this is not JSON"), "does not count"),
        (listed(State.USED), f"{ID} does not count any more"),
    ],
)
def test_what_is_over_says_so_and_offers_nothing(found: Listed, said: str) -> None:
    text = not_passed(Look((PUSH,), (found,)))
    assert text.startswith("This tool call was not run: it was not approved.")
    assert said in text
    assert "approvals approve" not in text


def test_what_is_too_large_to_be_judged_says_so() -> None:
    assert "class publish; too large\n" in not_passed(Look((PUSH,), (None,), 0, "too large"))


@pytest.mark.parametrize("name", [*sorted(KNOWN.tools), "mcp_anything"])
@pytest.mark.parametrize("rule", ["approve", "deny"])
def test_nothing_of_a_call_but_its_summary_is_in_the_text(name: str, rule: str) -> None:
    """Neither contents, nor an edit, nor an address, nor what a question says."""
    for path in ("app.py", "../path-canary.py"):
        arguments = {**{key: f"canary {key}\nsecond line" for key in KEYS}, "path": path}
        for given in (arguments, {key: arguments[key] for key in ("path", "content", "new_string")}):
            one = judged(name, given, unknown=rule, file_write=rule, publish=rule)
            state = listed(State.PENDING, summary=one.judgement.summary, diff="canary")
            text = not_passed(Look((one,), (state,)))
            assert "canary" not in text.replace(f"- {one.judgement.summary}\n", "", 1)
            assert one.asked.tool_class in text


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("write", {"filePath": "app.py", "content": "canary"}),
        ("edit", {"filePath": "app.py", "oldString": "canary", "newString": "canary"}),
        ("apply_patch", {"input": "*** Begin Patch\n*** Add File: a.py\n+canary\n*** End Patch"}),
        ("webfetch", {"url": "https://example.com/canary"}),
        ("task", {"prompt": "canary"}),
        ("mcp_anything", {"secret": "canary"}),
    ],
)
def test_the_summary_of_an_edit_is_its_path(name: str, arguments: dict[str, Any]) -> None:
    assert "canary" not in not_passed(Look((judged(name, arguments, unknown="deny"),), (None,)))
