"""Servants: slots, names, roles, and which of them a target names."""

from __future__ import annotations

from typing import Final, Mapping, Sequence

from foundation.errors import Refusal
from foundation.terminal.text import listed
from overlord.core.json_values import Json
from overlord.core.usage import none_yet

ULTRA: Final = "ultra"
NORMAL: Final = "normal"
MOST_NORMAL: Final = 8
PROFILES: Final = ("consultation", "implementation")
DEFAULT_ASSIGNMENT: Final = "Stand by as an adviser; wait for redirects."


def slots(normal: int) -> tuple[str, ...]:
    """`ultra`, `normal-1`, … for a run with that many normal servants."""
    return (ULTRA, *(f"{NORMAL}-{number}" for number in range(1, normal + 1)))


def role_of(slot: str) -> str:
    """`ultra` or `normal`."""
    return ULTRA if slot == ULTRA else NORMAL


def name_of(slot: str) -> str:
    """The name, such as `Ultra` or `Fugu 1`."""
    return "Ultra" if slot == ULTRA else f"Fugu {slot.rpartition('-')[2]}"


def scope_token(run_id: str, slot: str, profile: str, assignment: str) -> str:
    """What the servant's instructions name its scope by."""
    import hashlib

    text = f"{run_id}\n{slot}\n{profile}\n{assignment}"
    return "sc-" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:24]


def new_servant(run_id: str, slot: str, model: str, profile: str, assignment: str) -> Json:
    """A servant whose startup has not begun."""
    return {
        "id": slot,
        "name": name_of(slot),
        "role": role_of(slot),
        "model": model,
        "profile": profile,
        "state": "starting",
        "blockedReason": None,
        "composerSubmitMode": "surface-api",
        "llmModel": model,
        "llmRequestId": None,
        "llmMessages": [],
        "llmMessageCount": 0,
        "lastAckAt": None,
        "lastEventAt": None,
        "lastLivenessCheckAt": None,
        "lastUsefulSignalAt": None,
        "journalPath": None,
        "eventJournalPath": None,
        "scopeToken": scope_token(run_id, slot, profile, assignment),
        "assignment": assignment,
        "handoff": None,
        "generation": 1,
        "usage": none_yet(),
    }


def servant_of(registry: Json, slot: str) -> Json:
    """The servant in that slot; KeyError without one."""
    for servant in registry["servants"]:
        if servant["id"] == slot:
            return dict_of(servant)
    raise KeyError(slot)


def dict_of(value: object) -> Json:
    """The object itself, typed."""
    assert isinstance(value, dict)  # noqa: S101 - the registry was validated when it was read
    return value


def targets(text: str, servants: Sequence[Mapping[str, str]]) -> list[str]:
    """The slots that a TARGET names, each once, in the order of the registry; Refusal unknown_target."""
    known = {
        name.lower(): [servant["id"]] for servant in servants for name in (servant["id"], servant["name"])
    }
    everyone = [servant["id"] for servant in servants]
    known["all"] = everyone
    known["normals"] = [servant["id"] for servant in servants if servant["role"] == NORMAL]
    wanted: set[str] = set()
    for part in text.split(","):
        found = known.get(part.strip().lower())
        if found is None:
            raise Refusal(
                "unknown_target",
                "this run has no servant of that name" if part.strip() else "a target is empty",
                next_step=f"name {listed([*everyone, 'normals', 'all'], 'or')}; or several, with commas",
            )
        wanted.update(found)
    return [slot for slot in everyone if slot in wanted]
