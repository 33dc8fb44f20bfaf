"""What is shown: as in the documentation, with control characters as escapes."""

from __future__ import annotations

from datetime import timedelta

import pytest

from foundation.errors import Refusal, Where
from overlord.core import messages
from overlord.core.failures import Answer, Outcome, failure, timed_out
from overlord.core.servants import servant_of
from overlord.core.times import stamp
from overlord.core.usage import of_answer
from overlord.ui import render
from tests.support.overlord_runs import NOW, RUN_ID, answer, failed, ready, redirect, rules


def test_the_last_line_of_start() -> None:
    registry = ready()
    for servant in registry["servants"]:
        servant["usage"] = of_answer({"total_tokens": 2000})
    line = f"{RUN_ID} is ready: ultra (fugu-ultra), normal-1 and normal-2 (fugu). 6,000 tokens."
    assert render.started(registry) == line
    for servant in registry["servants"]:
        servant["usage"] = of_answer(None)
    assert render.started(registry).endswith("(fugu).")


def test_answers_come_first_then_who_did_not_answer() -> None:
    registry = ready()
    good = Answer("Line one\nred \x1b[31m\r\n\tend\u202e", 1, None, of_answer({"total_tokens": 1812}))
    outcomes: dict[str, Outcome] = {
        "ultra": timed_out(90.0),
        "normal-1": good,
        "normal-2": failure("servant_busy"),
    }
    message = messages.message_of(registry, redirect(registry, "Why?", outcomes))
    blocks = render.answers(message, outcomes, {"ultra": 90.2, "normal-1": 4.6})
    assert blocks == [
        "== normal-1 (fugu, 5 s, 1,812 tokens)\nLine one\nred \\x1b[31m\\r\n    end\\u202e",
        "== ultra: blocked, no answer within 90 s (MMI_OVERLORD_LLM_TIMEOUT_MS)",
        "== normal-2: not asked, another command was still waiting for this servant",
    ]


def test_the_table_of_status() -> None:
    registry = ready()
    redirect(registry, "Why?", {"ultra": failed()})
    old = servant_of(registry, "normal-2")
    old["lastUsefulSignalAt"] = stamp(NOW - timedelta(hours=2, minutes=20))
    for servant, used in zip(registry["servants"], (41_200, 9_804, 0)):
        servant["usage"] = of_answer({"total_tokens": used})
    assert render.status_table(registry, rules(200)) == [
        f"{RUN_ID}  degraded  /home/ada/shop",
        "ultra     fugu-ultra  blocked (timeout)      4 messages  41,200 tokens",
        "normal-1  fugu        ready, lease 11 min    3 messages   9,804 tokens",
        "normal-2  fugu        lease ran out 2 h ago  3 messages",
    ]


@pytest.mark.parametrize(
    ("changes", "later", "text"),
    [
        ({}, 899.0, "ready, lease 1 s"),
        ({}, 900.0, "lease ran out 0 s ago"),
        ({}, 900 + 90 * 60, "lease ran out 90 min ago"),
        ({}, 900 + 7200, "lease ran out 2 h ago"),
        ({}, 900 + 3 * 86400, "lease ran out 3 days ago"),
        ({"lastUsefulSignalAt": None}, 0, "lease ran out"),
        ({"state": "starting"}, 0, "starting"),
        ({"state": "stopped"}, 1e6, "stopped"),
        ({"llmMessages": []}, 0, "conversation incomplete"),
        ({"llmModel": "other"}, 1e6, "model changed"),
    ],
)
def test_the_state_of_a_servant(changes: dict[str, object], later: float, text: str) -> None:
    registry = ready()
    servant_of(registry, "normal-1").update(changes)
    assert f"  {text}  " in f"{render.status_table(registry, rules(later, normal='fugu'))[2]}  "


def test_a_note_for_a_person_and_a_worktree_with_control_characters() -> None:
    registry = ready()
    registry.update(state="awaiting-human", awaitingNote="Look\x07 here", worktree="/a\x1b[31m")
    lines = render.status_table(registry, rules())
    assert lines[0].endswith("/a\\x1b[31m")
    assert lines[-1] == "Waiting for a person: Look\\x07 here"


def test_a_refusal() -> None:
    refusal = Refusal("x", "this is\x1b wrong", where=Where("/place\n"), next_step="do that")
    assert render.error(refusal) == "This is\\x1b wrong.\nWhere: /place\\n\nNext: do that"
    assert render.error(refusal, "Nothing was started.").startswith(
        "This is\\x1b wrong. Nothing was started.\n"
    )


def test_the_list_of_runs() -> None:
    run = {"runId": RUN_ID, "state": "ready", "updatedAt": stamp(NOW), "servants": 3, "worktree": "/shop"}
    broken = {"runId": RUN_ID, "state": "unreadable", "updatedAt": None, "servants": None, "worktree": None}
    lines = render.run_lines([run, broken], NOW + timedelta(seconds=61))
    assert [line.split() for line in lines] == [
        [RUN_ID, "ready", "1", "min", "ago", "3", "servants", "/shop"],
        [RUN_ID, "unreadable"],
    ]


def test_an_answer_without_tokens() -> None:
    unknown = Answer("Yes", 1, None, of_answer(None))
    assert render.answer_block("ultra", "m\x1b", unknown, 0.2) == "== ultra (m\\x1b, 1 s)\nYes"
    assert render.answer_block("ultra", "m", answer("No", 1), 61.6) == "== ultra (m, 62 s, 2 tokens)\nNo"
