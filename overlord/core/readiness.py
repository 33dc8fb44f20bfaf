"""Leases, and whether a servant is ready: a captured useful text counts for a while only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from overlord.core import conversation
from overlord.core.json_values import Json
from overlord.core.times import parsed, stamp

# A clock that was set back.
_AHEAD: Final = timedelta(minutes=5)


@dataclass(frozen=True)
class Rules:
    """What readiness is measured against: the lease in ms, the time, and the models that are set now.

    A model that is None is not set: the recorded one counts.
    """

    lease_ms: int
    now: datetime
    normal_model: str | None
    ultra_model: str | None

    def model_for(self, servant: Json) -> str:
        """The model that is configured for the servant's role."""
        named = self.ultra_model if servant["role"] == "ultra" else self.normal_model
        return named or str(servant["model"])


def lease_end(servant: Json, rules: Rules) -> datetime | None:
    """When the lease runs out; None if it never began or its time cannot be right."""
    signal = parsed(servant["lastUsefulSignalAt"])
    if signal is None or signal > rules.now + _AHEAD:
        return None
    try:
        return signal + timedelta(milliseconds=rules.lease_ms)
    except OverflowError:
        return None


def leased(servant: Json, rules: Rules) -> bool:
    """Whether the lease runs."""
    end = lease_end(servant, rules)
    return end is not None and rules.now < end


def reasons(servant: Json, rules: Rules) -> list[str]:
    """Why the servant is not ready; empty if it is."""
    found = [servant["state"]] if servant["state"] != "ready" else []
    if not conversation.sound(servant["llmMessages"], servant["assignment"]):
        found.append("conversation_incomplete")
    if servant["llmModel"] != rules.model_for(servant):
        found.append("model_changed")
    if not leased(servant, rules):
        found.append("lease_expired")
    return found


def needs_proof(servant: Json, run_state: str, rules: Rules) -> bool:
    """Whether the service has to list the servant's model before the servant is asked."""
    return servant["state"] == "blocked" or run_state == "awaiting-human" or not leased(servant, rules)


def lease_stamp(servant: Json, rules: Rules) -> str | None:
    """When the lease runs out, as it is reported."""
    end = lease_end(servant, rules)
    return None if end is None else stamp(end)
