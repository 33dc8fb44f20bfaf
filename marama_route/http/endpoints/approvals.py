"""/v1/approvals: what waits for a person, and the person's yes or no with an approver key."""

from __future__ import annotations

import asyncio
from typing import Any, Final, Sequence

from aiohttp import web

from foundation.errors import Refusal
from marama_route.core.errors import RequestRefusal, invalid
from marama_route.deciding.callers import require_approver
from marama_route.http import answers
from marama_route.http.exchange import Exchange
from marama_route.http.gateway import Gateway
from marama_route.workspaces.folder import Reading
from sovereigncode.approvals.approval import State, is_id
from sovereigncode.approvals.files import Listed
from sovereigncode.approvals.store import Approvals

_LONGEST_NOTE: Final = 2000
_FIELDS: Final = {"decision", "note"}


async def listed(gateway: Gateway, exchange: Exchange) -> web.StreamResponse:
    """The tenant's approvals, oldest first; `state` of the query leaves only those."""
    del gateway
    wanted = exchange.query.get("state", "")
    if wanted and wanted not in {state.value for state in State}:
        raise invalid("state", f"state must be one of {', '.join(state.value for state in State)}")
    found = await asyncio.to_thread(_listed, _readings(exchange), exchange.caller.tenant.id)
    shown = [_shown(one) for one in found if wanted in ("", one.state.value)]
    return answers.listed(sorted(shown, key=lambda one: str(one["id"])))


async def one(gateway: Gateway, exchange: Exchange) -> web.StreamResponse:
    """One approval with its diff. RequestRefusal approval_not_found."""
    del gateway
    tenant, name = exchange.caller.tenant.id, exchange.argument
    _, found = await asyncio.to_thread(_found, _readings(exchange), tenant, name)
    return answers.json(_shown(found))


async def decide(gateway: Gateway, exchange: Exchange) -> web.StreamResponse:
    """Approve or reject. RequestRefusal approver_key_required, approval_not_found, approval_decided."""
    del gateway
    caller, name = exchange.caller, exchange.argument
    require_approver(caller)
    yes, note = _decision(exchange.value(await exchange.body()))
    readings = _readings(exchange)

    def decided() -> dict[str, Any]:
        approvals, found = _found(readings, caller.tenant.id, name)
        change = approvals.approve if yes else approvals.reject
        return change(found.id, caller.actor, note).as_json()

    return answers.json({"object": "approval", **await asyncio.to_thread(decided)})


async def waiting(readings: Sequence[Reading]) -> int:
    """How many approvals are pending in these folders; one that cannot be read counts none."""
    return sum(await asyncio.gather(*(asyncio.to_thread(_waiting, reading) for reading in readings)))


def _waiting(reading: Reading) -> int:
    try:
        return sum(one.state is State.PENDING for one in reading.folder.approvals.listed())
    except Refusal:
        return 0


def _decision(value: Any) -> tuple[bool, str | None]:
    if not isinstance(value, dict):
        raise invalid(None, "the body must be a JSON object")
    if not value.keys() <= _FIELDS:
        raise invalid(None, "the body has a field that is not known")
    decision, note = value.get("decision"), value.get("note")
    if decision not in ("approve", "reject"):
        raise invalid("decision", "decision must be approve or reject")
    if note is not None and not (isinstance(note, str) and len(note) <= _LONGEST_NOTE):
        raise invalid("note", f"note must be a text of at most {_LONGEST_NOTE} characters")
    return decision == "approve", note


def _readings(exchange: Exchange) -> Sequence[Reading]:
    return exchange.setup.workspaces.of_tenant(exchange.caller.tenant.id)


def _listed(readings: Sequence[Reading], tenant: str) -> list[Listed]:
    return [
        one
        for reading in readings
        for one in reading.folder.approvals.listed()
        if _is_of(one, reading, tenant)
    ]


def _found(readings: Sequence[Reading], tenant: str, name: str) -> tuple[Approvals, Listed]:
    for reading in readings if is_id(name) else ():
        try:
            found = reading.folder.approvals.get(name)
        except Refusal as refusal:
            if refusal.kind == "approval_not_found":
                continue
            raise
        if _is_of(found, reading, tenant):
            return reading.folder.approvals, found
    raise RequestRefusal("approval_not_found", "this tenant has no approval with this id")


def _is_of(one: Listed, reading: Reading, tenant: str) -> bool:
    """Whether it is this tenant's: a workspace without a policy is everybody's, its approvals are not."""
    return reading.tenant == tenant or (one.approval is not None and one.approval.tenant == tenant)


def _shown(one: Listed) -> dict[str, Any]:
    fields = {"id": one.id} if one.approval is None else one.approval.as_json()
    shown = {"object": "approval", **fields, "state": one.state.value}
    return shown if one.why is None else {**shown, "why": one.why}
