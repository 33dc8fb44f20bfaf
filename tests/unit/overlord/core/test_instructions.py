"""The system message says what a servant is, has and must not do."""

from __future__ import annotations

import pytest

from overlord.core import instructions
from tests.support.overlord_runs import RUN_ID


@pytest.mark.parametrize(
    ("profile", "words"), [("consultation", ("advice", "review")), ("implementation", ("patches as text",))]
)
def test_the_system_message(profile: str, words: tuple[str, ...]) -> None:
    text = instructions.system_message(
        name="Fugu 1", slot="normal-1", role="normal", run_id=RUN_ID, scope_token="sc-1", profile=profile
    )
    assert all(
        word in text for word in ("Fugu 1", "normal-1", "role: normal", RUN_ID, "sc-1", profile, *words)
    )
    flat = text.lower()
    for needed in (
        "api conversation", "led by the overlord", "no tools", "no shell", "stage or dev servers", "browser",
        "playwright", "no pr or release rights", "tool use, checks, edits and pr operations", "host session",
        "full-trust repair is never delegated", "do not claim results", "what you would have checked",
        "never ask for secrets",
    ):  # fmt: skip
        assert needed in flat, needed


def test_one_question_has_the_same_rules_and_no_run() -> None:
    text = instructions.system_message_of_a_question(name="Ultra", slot="ultra", role="ultra")
    assert "no tools" in text
    assert "Never ask for secrets" in text
    assert "run-" not in text


def test_the_startup_message_has_the_assignment_first_then_the_handoff() -> None:
    assert instructions.startup_message("Do A.", None).startswith("Do A.\n\n")
    text = instructions.startup_message("Do A.", "Handoff.")
    assert text.index("Do A.") < text.index("Handoff.")
