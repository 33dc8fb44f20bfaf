"""`send`: one message to one or more servants; and what `retry` shares with it."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Mapping, Sequence

from foundation.errors import Refusal
from foundation.terminal.text import listed
from overlord.command_line import Arguments
from overlord.commands import texts, working
from overlord.commands.context import Context
from overlord.core import conversation, messages
from overlord.core.failures import NEEDS_REPLACEMENT, Outcome
from overlord.core.json_values import Json
from overlord.core.quoting import with_answers
from overlord.core.servants import servant_of, targets
from overlord.report import Report
from overlord.service.client import ChatClient
from overlord.storage.locks import Lock
from overlord.storage.run_store import RunStore
from overlord.ui import render
from overlord.work.tasks import Redirect


def run(arguments: Arguments, context: Context) -> Report:
    """Send one message; with --then, a second one with the answers quoted."""
    text = texts.message(context, arguments.word(1), arguments.value("--file"))
    store, registry = context.opened(arguments)
    target = arguments.word(0) or ""
    slots = targets(target, registry["servants"])
    then = _then(arguments, registry)
    require_open(registry)
    context.require_same_provider(registry, [*slots, *then])
    client = context.client(registry["baseUrl"], context.key())
    message_id, sent = deliver(context, store, client, slots, target, text)
    if not then:
        return report(arguments.verb, store, message_id, sent)
    first = report(arguments.verb, store, message_id, sent)
    message = messages.message_of(store.load(), message_id)
    if message["state"] == "failed":
        return first
    quoted = with_answers(text, message, texts.MOST_BYTES)
    try:
        then_id, then_sent = deliver(context, store, client, then, arguments.value("--then") or "", quoted)
    except Refusal as refusal:
        if refusal.kind in ("cancelled", "terminated", "hung_up"):
            raise
        return replace(
            first,
            message=f"{first.message} Then: {refusal.message}.",
            error=refusal,
            screen=f"{first.screen}\n\n{render.error(refusal)}",
        )
    return both(first, report(arguments.verb, store, then_id, then_sent))


def _then(arguments: Arguments, registry: Json) -> list[str]:
    named = arguments.value("--then")
    if named is None:
        return []
    slots = targets(named, registry["servants"])
    if len(slots) != 1:
        raise Refusal(
            "usage_error", "--then names several servants", next_step="name one, for example: --then ultra"
        )
    return slots


def require_open(registry: Json) -> None:
    """Refuse a run that takes no messages; Refusal run_stopped, not_ready."""
    run_id, state = registry["runId"], registry["state"]
    if state == "stopped":
        raise Refusal(
            "run_stopped", f"{run_id} was stopped", next_step="start another run with: mmi-cli overlord start"
        )
    if state == "failed":
        raise Refusal(
            "not_ready",
            f"{run_id} is not ready: its startup failed",
            next_step=f"mmi-cli overlord recover --run {run_id}",
        )
    if state == "starting":
        raise Refusal(
            "not_ready",
            f"{run_id} is being started by another command",
            next_step="wait until it is ready, then run this command again",
        )


def deliver(
    context: Context, store: RunStore, client: ChatClient, slots: Sequence[str], target: str, text: str
) -> tuple[str, tuple[Mapping[str, Outcome], Mapping[str, float]]]:
    """Store the message, then send it: its id, the outcomes, and the seconds that each took."""
    held: list[Lock] = []

    def enqueue(registry: Json) -> str:
        require_open(registry)
        at = store.now()
        message_id = messages.next_id(registry)
        lock = store.locks.message(message_id)
        lock.take(time.monotonic() + 1)
        held.append(lock)
        registry["messages"].append(messages.new_message(message_id, target, text, slots, at))
        working.record(registry, at)
        return message_id

    try:
        message_id = store.change(enqueue)
        context.say(f"{message_id} to {', '.join(slots)}")
        return message_id, _ask(context, store, client, message_id, slots)
    finally:
        for lock in held:
            lock.release(remove=True)


def ask_again(
    context: Context, store: RunStore, client: ChatClient, message_id: str, slots: Sequence[str]
) -> tuple[Mapping[str, Outcome], Mapping[str, float]]:
    """Ask servants of a message again; Refusal not_ready if another command is doing that."""
    lock = store.locks.message(message_id)

    def queue(registry: Json) -> None:
        require_open(registry)
        message = messages.message_of(registry, message_id)
        if messages.open_results(message) or not set(slots) <= set(messages.failed_slots(message)):
            _refuse_busy(message_id)
        messages.queue_again(message, slots, store.now())
        working.record(registry, store.now())

    if not store.take(lock, time.monotonic() + 1):
        _refuse_busy(message_id)
    try:
        store.change(queue)
        context.say(f"{message_id} to {', '.join(slots)}")
        return _ask(context, store, client, message_id, slots)
    finally:
        lock.release(remove=True)


def _refuse_busy(message_id: str) -> None:
    raise Refusal(
        "not_ready",
        f"another command is waiting for the answers to {message_id}",
        next_step="wait until it has finished, then run this command again",
    )


def _ask(
    context: Context, store: RunStore, client: ChatClient, message_id: str, slots: Sequence[str]
) -> tuple[Mapping[str, Outcome], Mapping[str, float]]:
    with working.recorded(store):
        return working.ask(context, store, client, [Redirect(slot, message_id) for slot in slots])


def report(
    command: str,
    store: RunStore,
    message_id: str,
    sent: tuple[Mapping[str, Outcome], Mapping[str, float]],
) -> Report:
    """How a message went."""
    outcomes, seconds = sent
    message = messages.message_of(store.load(), message_id)
    results = message["servantResults"]
    answered = [result for result in results if result["state"] == "completed"]
    failed = [result for result in results if result["state"] == "failed"]
    blocks = render.answers(message, outcomes, seconds)
    for result in results:
        if result["servantId"] not in outcomes and result["state"] == "failed":
            blocks.append(f"== {result['servantId']}: {result['errorText']}")
    summary = f"{len(answered)} of {len(results)} answered."
    error = None
    if failed:
        kind = "partial" if answered else "send_failed"
        names = listed(f"{result['servantId']} ({result['failureReason']})" for result in failed)
        next_step = _next_step(store.load(), message_id, failed)
        error = Refusal(kind, f"{summary} No answer from {names}", next_step=next_step)
    last = summary if error is None or len(results) > 1 else "No answer."
    return Report(
        command=command,
        message=summary if error is None else f"{error.message}.",
        screen="\n".join([*blocks, last if error is None else f"{last} Next: {error.next_step}"]),
        changed=True,
        error=error,
        run_id=store.run_id,
        details={"messageResult": message},
    )


def _next_step(registry: Json, message_id: str, failed: Sequence[Json]) -> str:
    new = [
        result["servantId"]
        for result in failed
        if not conversation.started(servant_of(registry, result["servantId"])["llmMessages"])
    ]
    if new:
        return f"mmi-cli overlord recover {new[0]}"
    full = [result["servantId"] for result in failed if result["failureReason"] in NEEDS_REPLACEMENT]
    if full:
        return f"mmi-cli overlord replace {full[0]}"
    if any(result["failureReason"] == "stopped" for result in failed):
        return "mmi-cli overlord start"
    return f"mmi-cli overlord retry {message_id}"


def both(first: Report, then: Report) -> Report:
    """A message and the one that followed it, as one result."""
    worse = then.error or first.error
    if then.error is not None and then.error.kind == "send_failed":
        worse = Refusal("partial", then.error.message, next_step=then.error.next_step)
    return Report(
        command=first.command,
        message=f"{first.message} Then: {then.message}",
        screen=f"{first.screen}\n\n{then.screen}",
        changed=True,
        error=worse,
        run_id=first.run_id,
        details={
            "messageResult": first.details["messageResult"],
            "thenResult": then.details["messageResult"],
        },
    )
