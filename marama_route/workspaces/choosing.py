"""Which workspace counts for a request: by the capsule's id, else the only one. Pure.

| the header names | the tenant's workspaces | what counts |
| --- | --- | --- |
| a capsule | exactly one has it | that one |
| a capsule | none has it, one cannot be read | what is wrong with that one |
| a capsule | none or several have it | capsule_missing |
| nothing | exactly one | that one |
| nothing | none or several | capsule_missing |
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Sequence

from marama_route.core.hints import Rules
from marama_route.workspaces.folder import Reading
from sovereigncode.core.decision import CAPSULE_MISSING, UNUSABLE, Reason, Unusable

NOTHING_COUNTS: Final = Unusable((Reason(CAPSULE_MISSING, UNUSABLE[CAPSULE_MISSING]),))


@dataclass(frozen=True)
class Chosen:
    """The rules that count for a request, and the workspace that they are of, if there is one."""

    rules: Rules
    reading: Reading | None = None


def of_tenant(readings: Sequence[Reading], tenant: str) -> tuple[Reading, ...]:
    """The workspaces of a tenant: those that its policy names, and those that name nobody."""
    return tuple(one for one in readings if one.tenant in (None, tenant))


def choose(readings: Sequence[Reading], tenant: str, capsule_id: str | None) -> Chosen:
    """The workspace of a request among all that are configured."""
    own = of_tenant(readings, tenant)
    if capsule_id is not None:
        named = [one for one in own if one.capsule_id == capsule_id]
        own = tuple(named or (one for one in own if one.capsule_id is None))
    if len(own) != 1:
        return Chosen(NOTHING_COUNTS)
    return Chosen(own[0].rules, own[0])
