"""`retry`: the servants of a message that failed are asked again, and only they."""

from __future__ import annotations

from foundation.errors import Refusal
from overlord.command_line import Arguments
from overlord.commands import send
from overlord.commands.context import Context
from overlord.core import messages
from overlord.core.json_values import Json
from overlord.report import Report
from overlord.storage.run_store import RunStore


def run(arguments: Arguments, context: Context) -> Report:
    """Ask again."""
    store, registry = context.opened(arguments)
    send.require_open(registry)
    message = _message(registry, arguments.word(0))
    slots = [] if message is None else messages.failed_slots(message)
    if message is None or not slots:
        return _nothing(store, message)
    context.require_same_provider(registry, slots)
    client = context.client(registry["baseUrl"], context.key())
    sent = send.ask_again(context, store, client, message["id"], slots)
    return send.report("retry", store, message["id"], sent)


def _message(registry: Json, named: str | None) -> Json | None:
    if named is None:
        return next((one for one in reversed(registry["messages"]) if messages.failed_slots(one)), None)
    try:
        return messages.message_of(registry, named)
    except KeyError:
        raise Refusal(
            "unknown_target",
            "this run has no message of that id",
            next_step="see the messages with: mmi-cli overlord export",
        ) from None


def _nothing(store: RunStore, message: Json | None) -> Report:
    text = "No message has failed." if message is None else f"Nobody failed to answer {message['id']}."
    details = {} if message is None else {"messageResult": message}
    return Report(
        "retry", f"{text} Nothing to do.", f"{text} Nothing to do.", run_id=store.run_id, details=details
    )
