"""The store that a configuration names."""

from __future__ import annotations

from foundation.host import Host
from marama_route import places
from marama_route.core.config import DEFAULT_STORE, Config
from marama_route.core.errors import RequestRefusal
from marama_route.store.sqlite import SqliteStore
from marama_route.store.store import Store


def opened(config: Config, host: Host) -> Store:
    """The store, made if it is not there. Blocks. Raises Refusal not_ready if it cannot be used."""
    if config.store != DEFAULT_STORE:
        raise RequestRefusal(
            "not_ready", "this version keeps decisions in SQLite only", next_step="write `store: sqlite`"
        )
    return SqliteStore.opened(places.database(host), host.now)
