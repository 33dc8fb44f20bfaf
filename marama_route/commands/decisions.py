"""decisions: stored decisions, newest first, or one with all its reasons."""

from __future__ import annotations

import argparse
import asyncio
from typing import Any, Mapping, Sequence

from foundation.errors import Refusal
from foundation.host import Host
from foundation.program import Report
from marama_route import config_file, places
from marama_route.commands import stores, tenants
from marama_route.core.errors import Exit
from marama_route.store.store import Store
from marama_route.ui import decisions

MOST = 10_000


def run(arguments: argparse.Namespace, host: Host) -> Report:
    """A list, or the decision with this id. Raises Refusal decision_not_found, not_ready."""
    if not 1 <= arguments.limit <= MOST:
        raise Refusal(
            "usage_error", f"--limit must be from 1 to {MOST}", next_step="see: marama-route decisions --help"
        )
    config = config_file.load(places.config_file(host, arguments.config))
    names = [tenant.id for tenant in config.tenants]
    if arguments.tenant is not None:
        names = [tenants.chosen(config, arguments.tenant).id]
    store = stores.opened(config, host)
    if arguments.id is not None:
        found = asyncio.run(_one(store, names, arguments.id))
        return Report("decisions", Exit.DONE, found["id"], decisions.whole(found), {"decision": found})
    listed = asyncio.run(_listed(store, names, arguments.limit))
    message = f"{len(listed)} decision{'' if len(listed) == 1 else 's'}"
    return Report("decisions", Exit.DONE, message, decisions.listing(listed), {"decisions": listed})


async def _one(store: Store, names: Sequence[str], decision_id: str) -> Mapping[str, Any]:
    try:
        for name in names:
            found = await store.get(name, decision_id)
            if found is not None:
                return dict(found)
    finally:
        await store.close()
    raise Refusal(
        "decision_not_found",
        "no decision has this id, or it has expired",
        next_step="see: marama-route decisions",
    )


async def _listed(store: Store, names: Sequence[str], limit: int) -> list[Mapping[str, Any]]:
    """The newest of all these tenants: an id begins with its time."""
    try:
        found = [one for name in names for one in await store.listed(name, limit=limit)]
    finally:
        await store.close()
    return [dict(one) for one in sorted(found, key=lambda one: str(one["id"]), reverse=True)[:limit]]
