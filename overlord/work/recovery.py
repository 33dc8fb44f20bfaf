"""What commands that were killed have left open: it is settled by the next command, whichever it is."""

from __future__ import annotations

from overlord import processes
from overlord.core import messages, resources
from overlord.core.failures import failure
from overlord.core.json_values import Json
from overlord.storage.run_store import RunStore
from overlord.work import settling


def settle_what_is_dead(store: RunStore) -> Json:
    """The run's registry, with everything settled that nobody is working on any more.

    A command that works holds a lock that ends with it, so it is never declared dead by mistake. Raises what
    `RunStore.load` and `RunStore.change` raise.
    """
    registry = store.load()
    if store.unledgered(registry) or _anything_dead(store, registry):
        store.change(lambda fresh: _settle(store, fresh))
    return store.load()


def _anything_dead(store: RunStore, registry: Json) -> bool:
    return bool(
        _dead_messages(store, registry)
        or _dead_startups(store, registry)
        or any(not _alive(entry) for entry in registry["ownedResources"])
    )


def _settle(store: RunStore, registry: Json) -> None:
    at = store.now()
    for message in _dead_messages(store, registry):
        for result in messages.open_results(message):
            settling.redirect(registry, message["id"], result["servantId"], failure("interrupted"), at)
    for slot in _dead_startups(store, registry):
        settling.startup(registry, slot, failure("interrupted"), at)
    registry["ownedResources"] = [entry for entry in registry["ownedResources"] if _alive(entry)]


def _dead_messages(store: RunStore, registry: Json) -> list[Json]:
    return [
        message
        for message in registry["messages"]
        if messages.open_results(message) and not store.locks.message(message["id"]).held()
    ]


def _dead_startups(store: RunStore, registry: Json) -> list[str]:
    starting = [servant["id"] for servant in registry["servants"] if servant["state"] == "starting"]
    if not starting or store.locks.startup().held():
        return []
    return [slot for slot in starting if not store.locks.servant(slot).held()]


def _alive(entry: Json) -> bool:
    """Whether there is a process with the recorded id that may be the recorded one."""
    pid = resources.pid_of(entry)
    living = None if pid is None else processes.inspect(pid)
    if living is None:
        return False
    known = living.start_time is not None and isinstance(entry.get("startTime"), str)
    return not known or entry["startTime"] == living.start_time
