"""`replace`: a new conversation in the same slot, with a handoff that is made here, without a request."""

from __future__ import annotations

import time

from foundation.errors import Refusal
from overlord.command_line import Arguments
from overlord.commands import status, texts, working
from overlord.commands.context import Context
from overlord.core.handoff import handoff
from overlord.core.json_values import Json
from overlord.core.servants import ULTRA, scope_token, servant_of, targets
from overlord.report import Report
from overlord.storage.run_store import RunStore
from overlord.ui import render
from overlord.work.tasks import Startup, store_startup


def run(arguments: Arguments, context: Context) -> Report:
    """Begin a new conversation."""
    note = _optional(arguments.value("--note"), context, "note")
    assignment = _optional(arguments.value("--assignment"), context, "assignment")
    store, registry = context.opened(arguments)
    slot = _slot(arguments.word(0) or "", registry)
    working.require_not_stopped(registry)
    context.require_same_service(registry)
    model = _model(context, servant_of(registry, slot))
    client = context.client(registry["baseUrl"], context.key())
    lock = store.locks.servant(slot)
    # A request to the servant that is replaced is waited for; the startup takes its turn after that.
    if not store.take(lock, time.monotonic() + context.settings.timeout):
        raise Refusal(
            "not_ready",
            f"another command is waiting for an answer of {slot}",
            next_step="wait until it has finished, then run this command again",
        )
    with lock:
        _begin_again(store, slot, model, assignment, note)
        context.say(f"Starting a new conversation for {slot}.")
        with working.recorded(store):
            working.ask(context, store, client, [Startup(slot)], lock)
    return _report(context, store, slot)


def _optional(word: str | None, context: Context, what: str) -> str | None:
    return None if word is None else texts.text(context, word, what)


def _slot(word: str, registry: Json) -> str:
    slots = targets(word, registry["servants"])
    if len(slots) != 1:
        raise Refusal(
            "unknown_target", "this names several servants", next_step="name one slot, for example: ultra"
        )
    return slots[0]


def _model(context: Context, servant: Json) -> str:
    context.settings.models()  # refuses what cannot be a model
    named = context.settings.ultra_model if servant["role"] == ULTRA else context.settings.model
    return named or str(servant["model"])


def _begin_again(store: RunStore, slot: str, model: str, assignment: str | None, note: str | None) -> None:
    registry = store.load()
    servant = servant_of(registry, slot)
    store.keep_conversation(slot, servant["generation"], servant["llmMessages"])

    def begin(fresh: Json) -> None:
        working.require_not_stopped(fresh)  # it may have been, while the servant's lock was waited for
        at = store.now()
        now = servant_of(fresh, slot)
        text = handoff(fresh, now, note)
        now.update(
            model=model,
            llmModel=model,
            llmRequestId=None,
            llmMessages=[],
            handoff=text,
            assignment=assignment or now["assignment"],
            generation=now["generation"] + 1,
            lastAckAt=None,
            lastUsefulSignalAt=None,
            lastLivenessCheckAt=None,
        )
        now["scopeToken"] = scope_token(fresh["runId"], slot, now["profile"], now["assignment"])
        store_startup(fresh, now, at)
        working.record(fresh, at)

    store.change(begin)
    store.journals.happened(slot, "replaced", store.now(), generation=servant["generation"] + 1)


def _report(context: Context, store: RunStore, slot: str) -> Report:
    registry = store.load()
    working.require_not_stopped(registry)
    servant = servant_of(registry, slot)
    details = status.report("replace", context, store, registry).details
    table = render.status_table(registry, context.rules())
    generation = servant["generation"]
    if servant["state"] == "ready":
        text = f"{slot} has a new conversation (generation {generation})."
        return Report(
            "replace", text, "\n".join([*table, text]), changed=True, run_id=store.run_id, details=details
        )
    error = Refusal(
        "startup_failed",
        f"{slot} has a new conversation (generation {generation}), but did not answer "
        f"({servant['blockedReason']})",
        next_step=f"mmi-cli overlord recover {slot}",
    )
    return Report(
        "replace",
        f"{error.message}.",
        "\n".join([*table, render.error(error)]),
        changed=True,
        error=error,
        run_id=store.run_id,
        details=details,
    )
