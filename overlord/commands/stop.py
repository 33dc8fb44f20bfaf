"""`stop`: the run ends. Only a process that is proved to be a command of this run is ended."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from foundation.errors import Refusal
from foundation.files.reading import reason
from overlord import processes
from overlord.command_line import Arguments
from overlord.commands.context import Context
from overlord.core import messages, resources
from overlord.core.failures import failure
from overlord.core.json_values import Json
from overlord.report import Report
from overlord.storage.run_store import RunStore
from overlord.ui import render
from overlord.work import settling


def run(arguments: Arguments, context: Context) -> Report:
    """End the run."""
    store = context.selected(arguments)
    registry = store.load()
    if registry["state"] == "stopped" and not registry["ownedResources"]:
        text = f"{store.run_id} is stopped already. Nothing to do."
        return _report(context, store, text, [], changed=False)
    recorded = list(registry["ownedResources"])
    # First, so that a command that is ended finds its results settled; if it holds the lock, afterwards.
    with suppress(Refusal):
        store.change(lambda fresh: _settle(store, fresh), wait_seconds=2.0)
    outcomes = [_end(entry, registry) for entry in recorded]
    store.change(lambda fresh: _finish(store, fresh))
    return _report(context, store, f"{store.run_id} is stopped.", outcomes, changed=True)


def _settle(store: RunStore, registry: Json) -> None:
    at = store.now()
    for message in registry["messages"]:
        for result in messages.open_results(message):
            settling.redirect(registry, message["id"], result["servantId"], failure("stopped"), at)
    for servant in registry["servants"]:
        settling.startup(registry, servant["id"], failure("stopped"), at)
        servant.update(state="stopped", blockedReason=None)
    registry["state"] = "stopped"


def _finish(store: RunStore, registry: Json) -> None:
    _settle(store, registry)
    registry["ownedResources"] = []


def _end(entry: Json, registry: Json) -> Json:
    pid = resources.pid_of(entry)
    if pid is None:
        return _outcome(entry, "refused", "what is recorded is not a process id")
    living = processes.inspect(pid)
    if living is None:
        return _outcome(entry, "gone", "there is no such process")
    unproved = resources.what_is_unproved(entry, registry, living)
    if unproved is not None:
        return _outcome(entry, "refused", unproved)
    try:
        ended = processes.end(living)
    except OSError as problem:
        return _outcome(entry, "refused", f"it could not be ended ({reason(problem)})")
    if not ended:
        return _outcome(entry, "refused", "it did not end")
    return _outcome(entry, "ended", "it was proved to be a command of this run")


def _outcome(entry: Json, outcome: str, why: str) -> Json:
    pid: Any = entry.get("pid")
    plain = isinstance(pid, int) and not isinstance(pid, bool)
    return {"kind": resources.KIND, "pid": pid if plain else None, "outcome": outcome, "reason": why}


def _report(context: Context, store: RunStore, text: str, outcomes: list[Json], *, changed: bool) -> Report:
    registry = store.load()
    refused = [one for one in outcomes if one["outcome"] == "refused"]
    error = None
    if refused:
        error = Refusal(
            "stop_refused",
            f"{text[:-1]}, but a process could not be proved to be its own, and was left alone",
            next_step="look at that process yourself; nothing else of this run is left",
        )
    lines = [*render.status_table(registry, context.rules())]
    lines += [f"process {one['pid']}: {one['outcome']} ({one['reason']})" for one in outcomes]
    lines += [text] if error is None else [render.error(error)]
    return Report(
        command="stop",
        message=text if error is None else f"{error.message}.",
        screen="\n".join(lines),
        changed=changed,
        error=error,
        run_id=store.run_id,
        details={"run": context.view(registry), "resources": outcomes},
    )
