"""Runs as values, for tests that decide and touch nothing."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import PurePosixPath
from typing import Mapping

from overlord.core import conversation, messages, servants
from overlord.core.failures import Answer, Failure, Outcome, failure
from overlord.core.json_values import Json
from overlord.core.readiness import Rules
from overlord.core.registry import new_registry
from overlord.core.times import stamp
from overlord.core.usage import of_answer
from overlord.work import settling
from overlord.work.tasks import store_startup

NOW = datetime(2026, 11, 27, 11, 38, 0, 123_000, tzinfo=timezone.utc)
AT = stamp(NOW)
RUN_ID = "run-20261127T113800Z-4f2a9c"
TOKEN = "ab" * 32
ASSIGNMENT = "Advise on locks."


def rules(later: float = 0.0, *, normal: str | None = None, ultra: str | None = None) -> Rules:
    """Leases of 15 minutes, so many seconds after NOW, and the models that are set."""
    return Rules(900_000, NOW + timedelta(seconds=later), normal, ultra)


def answer(text: str = "ACK, standing by.", tokens: int = 7) -> Answer:
    return Answer(text, 1, "req-1", of_answer({"prompt_tokens": tokens, "completion_tokens": 1}))


def failed(reason: str = "timeout") -> Failure:
    return Failure(reason, "no answer within 90 s") if reason == "timeout" else failure(reason)


def starting(normal: int = 2, profile: str = "consultation") -> Json:
    """A run whose startups are stored and pending."""
    made = [
        servants.new_servant(RUN_ID, slot, "fugu-ultra" if slot == "ultra" else "fugu", profile, ASSIGNMENT)
        for slot in servants.slots(normal)
    ]
    registry = new_registry(
        RUN_ID, TOKEN, folder=PurePosixPath("/state/runs", RUN_ID), worktree=PurePosixPath("/home/ada/shop"),
        base_url="https://api.sakana.ai/v1", provider="sakana", at=AT, servants=made,
    )  # fmt: skip
    for servant in registry["servants"]:
        store_startup(registry, servant, AT)
    return registry


def ready(normal: int = 2) -> Json:
    """A run whose servants have all answered."""
    registry = starting(normal)
    for servant in registry["servants"]:
        settling.startup(registry, servant["id"], answer(), AT)
    return registry


def message(registry: Json, text: str, *slots: str) -> str:
    """A message that is stored for these servants; its id."""
    message_id = messages.next_id(registry)
    registry["messages"].append(messages.new_message(message_id, ",".join(slots), text, slots, AT))
    return message_id


def redirect(registry: Json, text: str, outcomes: Mapping[str, Outcome]) -> str:
    """A message that was sent to these servants, and what came of it; its id."""
    message_id = message(registry, text, *outcomes)
    for slot, outcome in outcomes.items():
        begin(registry, message_id, slot)
        settling.redirect(registry, message_id, slot, outcome, AT)
    return message_id


def begin(registry: Json, message_id: str, slot: str) -> None:
    """The servant is being asked."""
    stored = messages.message_of(registry, message_id)
    conversation.begin(servants.servant_of(registry, slot)["llmMessages"], stored["text"], message_id, AT)
    messages.start(stored, slot, "fugu", AT)
