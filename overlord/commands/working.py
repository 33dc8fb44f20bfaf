"""A command at work on a run: recorded in the registry as long as it waits for answers."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from typing import Iterator, Sequence

from foundation import signals
from foundation.errors import Refusal
from overlord import processes
from overlord.commands.context import Context
from overlord.core import resources
from overlord.core.failures import Failure, Outcome
from overlord.core.json_values import Json
from overlord.service.client import ChatClient
from overlord.storage.locks import Lock
from overlord.storage.run_store import RunStore
from overlord.work.exchange import Asking
from overlord.work.recovery import settle_what_is_dead
from overlord.work.tasks import Task


def record(registry: Json, at: str) -> None:
    """Record this process as a command of the run."""
    process = processes.inspect(os.getpid())
    if process is not None:
        registry["ownedResources"].append(resources.entry(registry, process, at))


def unrecord(registry: Json) -> None:
    """Take this process out again."""
    process = processes.inspect(os.getpid())
    registry["ownedResources"] = [
        entry
        for entry in registry["ownedResources"]
        if entry.get("pid") != os.getpid() or process is None or entry.get("startTime") != process.start_time
    ]


def require_not_stopped(registry: Json) -> None:
    """Refuse a run that was stopped; Refusal run_stopped."""
    if registry["state"] == "stopped":
        raise Refusal(
            "run_stopped",
            f"{registry['runId']} was stopped",
            next_step="start another run with: mmi-cli overlord start",
        )


@signals.uninterrupted
def leave_nothing_open(context: Context) -> None:
    """Settle at once what this command leaves open because it was cancelled or is at fault."""
    for run_id in dict.fromkeys(context.changes.changed):
        store = context.runs.store(run_id)
        with suppress(Refusal):  # the next command settles it
            store.change(unrecord)
            settle_what_is_dead(store)


@contextmanager
def recorded(store: RunStore) -> Iterator[None]:
    """Whatever happens, this process is not recorded any more at the end."""
    try:
        yield
    finally:
        with suppress(Refusal):
            if any(entry.get("pid") == os.getpid() for entry in store.load()["ownedResources"]):
                store.change(unrecord)


def ask(
    context: Context,
    store: RunStore,
    client: ChatClient,
    tasks: Sequence[Task],
    held: Lock | None = None,
) -> tuple[dict[str, Outcome], dict[str, float]]:
    """Ask them all at once, showing how it goes: the outcomes, and the seconds that each took."""
    progress = context.progress()
    asking = Asking(store, client, context.rules, progress, unrecord)
    try:
        outcomes = asking.ask(tasks, held)
    finally:
        progress.end()
    for outcome in outcomes.values():
        if isinstance(outcome, Failure):
            context.show_debug(outcome.body)
    return outcomes, asking.seconds
