"""GET /v1/audit and /v1/audit/verify: the records of the chosen workspace's chain, and whether it holds.

Without a workspace whose rules count it is the tenant's chain in the store. Of a workspace that is not one
tenant's alone only the tenant's own records are shown.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final, Iterator

from aiohttp import web

from foundation.errors import Refusal
from marama_route.core.errors import RequestRefusal
from marama_route.http import answers
from marama_route.http.exchange import Exchange
from marama_route.http.gateway import Gateway
from marama_route.workspaces.choosing import Chosen
from sovereigncode.audit.record import Record
from sovereigncode.audit.store import AuditStore

_LIMIT: Final = 100
_MOST: Final = 1000
_LARGEST: Final = 2**53 - 1


async def listed(gateway: Gateway, exchange: Exchange) -> web.StreamResponse:
    """At most `limit` records with a `seq` above `after`, newest last."""
    after = exchange.whole_number("after", 0, _LARGEST)
    limit = exchange.whole_number("limit", _LIMIT, _MOST)
    chosen, chain = _chain(gateway, exchange)
    tenant = exchange.caller.tenant.id

    def read() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        if not limit:
            return found
        for record in _own(chain.read(after), chosen, tenant):
            found.append(record.as_json())
            if len(found) == limit:
                break
        return found

    try:
        return answers.listed(await asyncio.to_thread(read))
    except Refusal as refusal:
        raise _unusable(refusal) from None


async def verify(gateway: Gateway, exchange: Exchange) -> web.StreamResponse:
    """Whether the chain holds, and the first line that does not."""
    chosen, chain = _chain(gateway, exchange)
    try:
        verdict = await asyncio.to_thread(chain.verify)
    except Refusal as refusal:
        raise _unusable(refusal) from None
    capsule_id = None if chosen.reading is None else chosen.reading.capsule_id
    return answers.json({"object": "audit.verdict", "capsule_id": capsule_id, **verdict.as_json()})


def _chain(gateway: Gateway, exchange: Exchange) -> tuple[Chosen, AuditStore]:
    tenant = exchange.caller.tenant.id
    chosen = exchange.setup.workspaces.choose(tenant, exchange.headers.capsule_id)
    return chosen, gateway.records.chain(chosen, tenant)


def _own(records: Iterator[Record], chosen: Chosen, tenant: str) -> Iterator[Record]:
    everybodys = chosen.reading is None or chosen.reading.tenant is None
    for record in records:
        if not everybodys or record.entry.tenant == tenant:
            yield record


def _unusable(refusal: Refusal) -> RequestRefusal:
    return RequestRefusal(
        "not_ready",
        f"the audit chain cannot be read ({refusal.kind})",
        next_step="`sovereigncode audit verify` says what is wrong",
    )
