"""What an answer or a failure changes in the registry: each result once, each with its ledger event."""

from __future__ import annotations

from overlord.core import conversation, messages, usage
from overlord.core.failures import HARMLESS, Answer, Failure, Outcome
from overlord.core.json_values import Json
from overlord.core.ledger_event import new_event
from overlord.core.registry import UNLEDGERED, settle_state
from overlord.core.servants import servant_of


def redirect(registry: Json, message_id: str, slot: str, outcome: Outcome, at: str) -> bool:
    """Settle one servant's result of a message; False if it was settled already, for example by `stop`."""
    message = messages.message_of(registry, message_id)
    result = messages.result_of(message, slot)
    if result["state"] not in messages.OPEN:
        return False
    servant = servant_of(registry, slot)
    result["attempts"] += outcome.attempts
    _count_usage(servant, outcome, result)
    entries = servant["llmMessages"]
    if isinstance(outcome, Answer):
        conversation.answer(entries, message_id, outcome.text, at)
        messages.complete(message, slot, outcome.text, outcome.request_id, at)
        _signal(servant, outcome, at)
        if registry["state"] == "awaiting-human":
            registry["state"] = "ready"
    else:
        conversation.fail(entries, message["text"], message_id, at)
        messages.fail(message, slot, outcome.reason, outcome.sentence, outcome.request_id, at)
        block(servant, outcome, at)
    servant["llmMessageCount"] = len(entries)
    _ledger(registry, "redirect", servant, outcome, message_id, at)
    settle_state(registry)
    return True


def startup(registry: Json, slot: str, outcome: Outcome, at: str) -> bool:
    """Settle a servant's startup; False if it was settled already."""
    servant = servant_of(registry, slot)
    if servant["state"] != "starting":
        return False
    _count_usage(servant, outcome)
    entries = servant["llmMessages"]
    if isinstance(outcome, Answer):
        conversation.answer(entries, None, outcome.text, at)
        servant["lastAckAt"] = at
        _signal(servant, outcome, at)
    else:
        conversation.fail(entries, "", None, at)
        block(servant, outcome, at)
    servant["llmMessageCount"] = len(entries)
    _ledger(registry, "startup", servant, outcome, None, at)
    settle_state(registry)
    return True


def liveness(registry: Json, slot: str, outcome: Outcome, at: str) -> None:
    """Settle a liveness check; it is no event of the ledger."""
    servant = servant_of(registry, slot)
    if servant["state"] == "stopped":
        return
    _count_usage(servant, outcome)
    if isinstance(outcome, Answer):
        servant["lastLivenessCheckAt"] = at
        _signal(servant, outcome, at)
    else:
        block(servant, outcome, at)
    settle_state(registry)


def block(servant: Json, problem: Failure, at: str) -> None:
    """The servant is blocked, if a request to it failed; a servant that stays unproved keeps its reason."""
    servant["lastEventAt"] = at
    if problem.reason in HARMLESS or (
        problem.reason == "recovery_unproved" and servant["state"] == "blocked"
    ):
        return
    servant["state"] = "blocked"
    servant["blockedReason"] = problem.reason


def _signal(servant: Json, answer: Answer, at: str) -> None:
    servant.update(state="ready", blockedReason=None, llmRequestId=answer.request_id)
    servant.update(lastUsefulSignalAt=at, lastEventAt=at)


def _count_usage(servant: Json, outcome: Outcome, result: Json | None = None) -> None:
    if outcome.usage is None:
        return
    for holder in (servant, result):
        if holder is not None:
            holder["usage"] = usage.total([holder["usage"], outcome.usage])


def _ledger(
    registry: Json, kind: str, servant: Json, outcome: Outcome, message_id: str | None, at: str
) -> None:
    registry[UNLEDGERED].append(
        new_event(
            kind=kind,
            at=at,
            message_id=message_id,
            slot=servant["id"],
            model=servant["llmModel"],
            request_id=outcome.request_id,
            response_text=outcome.text if isinstance(outcome, Answer) else None,
            error_text=outcome.sentence if isinstance(outcome, Failure) else None,
        )
    )
