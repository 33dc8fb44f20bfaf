"""The registry of a run: a new one, whether one that was read is whole, and what state the run is in."""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import Any, Final, Mapping, Sequence

from overlord.core import conversation, readiness, usage
from overlord.core.json_values import SCHEMA_VERSION, Json
from overlord.core.messages import MESSAGE_ID
from overlord.core.servants import PROFILES, role_of

RUN_ID: Final = re.compile(r"run-\d{8}T\d{6}Z-[0-9a-f]{6}")
_SLOT: Final = re.compile(r"ultra|normal-[1-8]")
RUN_STATES: Final = ("starting", "ready", "degraded", "blocked", "awaiting-human", "failed", "stopped")
ENDED: Final = ("failed", "stopped")
# Events that the registry has settled and that may not be in the ledger yet.
UNLEDGERED: Final = "ledgerPending"
# What the run waits for, if it waits for a person.
NOTE: Final = "awaitingNote"
# What `run` in a report leaves out.
_PRIVATE: Final = ("runToken", "messages", "ownedResources", UNLEDGERED)

_TEXT: Final = (str,)
_OPTIONAL: Final = (str, type(None))
_SHAPE: Final[Mapping[str, tuple[type, ...]]] = {
    **dict.fromkeys(("runId", "runToken", "worktree", "engine", "provider", "baseUrl", "state"), _TEXT),
    **dict.fromkeys(("createdAt", "updatedAt", "statePath", "journalDir", "ledgerPath"), _TEXT),
    **dict.fromkeys(("servants", "messages", "ownedResources"), (list,)),
}
_SERVANT: Final[Mapping[str, tuple[type, ...]]] = {
    **dict.fromkeys(("id", "name", "role", "model", "profile", "state", "llmModel"), _TEXT),
    **dict.fromkeys(("scopeToken", "assignment", "composerSubmitMode"), _TEXT),
    **dict.fromkeys(("journalPath", "eventJournalPath"), _TEXT),
    **dict.fromkeys(("blockedReason", "llmRequestId", "lastAckAt", "lastEventAt"), _OPTIONAL),
    **dict.fromkeys(("lastLivenessCheckAt", "lastUsefulSignalAt", "handoff"), _OPTIONAL),
    "llmMessages": (list,),
    **dict.fromkeys(("generation", "llmMessageCount"), (int,)),
    "usage": (dict,),
}
_ENTRY: Final[Mapping[str, tuple[type, ...]]] = {
    **dict.fromkeys(("role", "content", "at"), _TEXT),
    "messageId": _OPTIONAL,
}
_MESSAGE: Final[Mapping[str, tuple[type, ...]]] = {
    **dict.fromkeys(("id", "target", "text", "createdAt", "state"), _TEXT),
    **dict.fromkeys(("queuedAt", "startedAt", "completedAt", "failedAt"), _OPTIONAL),
    **dict.fromkeys(("responseText", "failureReason"), _OPTIONAL),
    "servantResults": (list,),
}
_RESULT: Final[Mapping[str, tuple[type, ...]]] = {
    **dict.fromkeys(("servantId", "state"), _TEXT),
    **dict.fromkeys(("llmModel", "llmRequestId", "responseText", "errorText", "failureReason"), _OPTIONAL),
    **dict.fromkeys(("startedAt", "completedAt", "failedAt"), _OPTIONAL),
    "attempts": (int,),
    "usage": (dict,),
}
_SERVANT_STATES: Final = ("starting", "ready", "blocked", "stopped")
_RESULT_STATES: Final = ("queued", "started", "completed", "failed")
_ENTRY_STATES: Final = ("pending", "answered", "failed")


def new_registry(
    run_id: str,
    run_token: str,
    *,
    folder: PurePath,
    worktree: PurePath,
    base_url: str,
    provider: str,
    at: str,
    servants: Sequence[Json],
) -> Json:
    """A run that is being started."""
    journals = folder / "journal"
    for servant in servants:
        servant["journalPath"] = str(journals / f"{servant['id']}.jsonl")
        servant["eventJournalPath"] = str(journals / f"{servant['id']}.events.jsonl")
    return {
        "schemaVersion": SCHEMA_VERSION,
        "runId": run_id,
        "runToken": run_token,
        "worktree": str(worktree),
        "engine": "fugu-api",
        "provider": provider,
        "baseUrl": base_url,
        "state": "starting",
        "createdAt": at,
        "updatedAt": at,
        "statePath": str(folder / "registry.json"),
        "journalDir": str(journals),
        "ledgerPath": str(folder / "ledger.jsonl"),
        "servants": list(servants),
        "messages": [],
        "ownedResources": [],
        UNLEDGERED: [],
    }


def what_is_wrong(value: Any, run_id: str) -> str | None:
    """Half a sentence about what keeps this from being the registry of that run; None if it is one."""
    wrong = _mismatch(value, _SHAPE, "")
    if wrong is not None:
        return wrong
    servants = value["servants"]
    slots = [servant.get("id") for servant in servants if isinstance(servant, dict)]
    ids = [str(message.get("id")) for message in value["messages"] if isinstance(message, dict)]
    checks = (
        (value["runId"] == run_id, "its runId is another one"),
        (value["state"] in RUN_STATES, "its state is unknown"),
        (bool(servants), "it has no servants"),
        (len({str(slot) for slot in slots}) == len(servants), "its servants are not told apart by their id"),
        (len(set(ids)) == len(value["messages"]), "its messages are not told apart by their id"),
        (_objects(value["ownedResources"]), "ownedResources has an entry that is not an object"),
        (_objects(value.get(UNLEDGERED, [])), f"{UNLEDGERED} is not a list of objects"),
        (isinstance(value.get(NOTE), (str, type(None))), f"{NOTE} has the wrong type"),
    )
    wrong = next((why for right, why in checks if not right), None)
    for servant in servants:
        wrong = wrong or _wrong_servant(servant)
    for message in value["messages"]:
        wrong = wrong or _wrong_message(message, slots)
    return wrong


def _objects(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(entry, dict) for entry in value)


def _wrong_servant(servant: Any) -> str | None:
    wrong = _mismatch(servant, _SERVANT, "a servant")
    if wrong is not None:
        return wrong
    # Files are named after slots and messages.
    checks = (
        (bool(_SLOT.fullmatch(servant["id"])), "a servant has an unknown slot"),
        (servant["role"] == role_of(servant["id"]), "the role of a servant does not fit its slot"),
        (servant["state"] in _SERVANT_STATES, "the state of a servant is unknown"),
        (servant["profile"] in PROFILES, "the profile of a servant is unknown"),
    )
    wrong = next((why for right, why in checks if not right), None)
    for entry in servant["llmMessages"]:
        wrong = wrong or _wrong_entry(entry)
    return wrong


def _wrong_entry(entry: Any) -> str | None:
    wrong = _mismatch(entry, _ENTRY, "a conversation")
    if wrong is None and entry["role"] == "user" and entry.get("state") not in _ENTRY_STATES:
        return "the state of a user message in a conversation is unknown"
    return wrong


def _wrong_message(message: Any, slots: Sequence[Any]) -> str | None:
    wrong = _mismatch(message, _MESSAGE, "a message")
    if wrong is not None:
        return wrong
    if not MESSAGE_ID.fullmatch(message["id"]):
        return "a message has an unknown id"
    for result in message["servantResults"]:
        wrong = _mismatch(result, _RESULT, "a result")
        if wrong is not None:
            return wrong
        if result["state"] not in _RESULT_STATES or result["servantId"] not in slots:
            return "a result has an unknown state or servant"
    return None


def _mismatch(value: Any, shape: Mapping[str, tuple[type, ...]], what: str) -> str | None:
    if not isinstance(value, dict):
        return f"{what or 'it'} is not an object"
    for name, types in shape.items():
        if name not in value:
            return f"{what + ' lacks' if what else 'it lacks'} {name}"
        if not isinstance(value[name], types) or isinstance(value[name], bool):
            return f"{name}{' of ' + what if what else ''} has the wrong type"
    return None


def settle_state(registry: Json) -> None:
    """Put the run into the state that its servants are in, unless it was stopped or waits for a person.

    A run that was never ready is `failed` until every startup was answered.
    """
    state = registry["state"]
    servants = registry["servants"]
    if state in ("stopped", "awaiting-human"):
        return
    if state in ("starting", "failed"):
        if any(servant["state"] == "starting" for servant in servants):
            return
        if not all(conversation.started(servant["llmMessages"]) for servant in servants):
            registry["state"] = "failed"
            return
    blocked = sum(servant["state"] == "blocked" for servant in servants)
    registry["state"] = "ready" if not blocked else "blocked" if blocked == len(servants) else "degraded"


def public(registry: Json, rules: readiness.Rules) -> Json:
    """The registry as reports show it, with whether each servant is ready."""
    shown = {name: value for name, value in registry.items() if name not in _PRIVATE}
    shown["servants"] = [_public_servant(servant, rules) for servant in registry["servants"]]
    shown["usage"] = usage_of_run(registry)
    return shown


def usage_of_run(registry: Json) -> Json:
    """What all servants used."""
    return usage.total(servant["usage"] for servant in registry["servants"])


def _public_servant(servant: Json, rules: readiness.Rules) -> Json:
    shown = {name: value for name, value in servant.items() if name != "llmMessages"}
    reasons = readiness.reasons(servant, rules)
    shown.update(ready=not reasons, reasons=reasons, leaseExpiresAt=readiness.lease_stamp(servant, rules))
    return shown


def summary(registry: Json) -> Json:
    """The registry as `list` shows it."""
    names = ("runId", "worktree", "state", "createdAt", "updatedAt")
    return {**{name: registry[name] for name in names}, "servants": len(registry["servants"])}
