"""`status`: who is ready; a servant whose lease has run out is asked whether it is there."""

from __future__ import annotations

from dataclasses import replace

from foundation.errors import Refusal
from foundation.terminal.text import listed
from overlord.command_line import Arguments
from overlord.commands.context import Context
from overlord.core import readiness
from overlord.core.json_values import Json
from overlord.report import Notice, Report
from overlord.storage.run_store import RunStore
from overlord.ui import render


def run(arguments: Arguments, context: Context) -> Report:
    """Say who is ready."""
    store, registry = context.opened(arguments)
    notices: tuple[Notice, ...] = ()
    expired = _expired(registry, context.rules())
    if expired and registry["state"] != "stopped" and not arguments.has("--no-liveness"):
        notices = _check(context, store, registry, expired)
        registry = store.load()
    return replace(report("status", context, store, registry, notices), changed=bool(context.changes.changed))


def _expired(registry: Json, rules: readiness.Rules) -> list[str]:
    return [
        servant["id"]
        for servant in registry["servants"]
        if readiness.reasons(servant, rules) == ["lease_expired"]
    ]


def _check(context: Context, store: RunStore, registry: Json, slots: list[str]) -> tuple[Notice, ...]:
    """Ask them; a notice says why they could not be asked."""
    from overlord.commands import working
    from overlord.work.tasks import Liveness

    try:
        context.require_same_provider(registry, slots)
        client = context.client(registry["baseUrl"], context.key())
    except Refusal as refusal:
        return (Notice(refusal.kind, f"no liveness check: {refusal.message}", refusal.next_step),)
    context.say(f"Checking {', '.join(slots)}, whose lease has run out.")
    store.change(lambda fresh: working.record(fresh, store.now()))
    with working.recorded(store):
        working.ask(context, store, client, [Liveness(slot) for slot in slots])
    return ()


def report(
    command: str, context: Context, store: RunStore, registry: Json, notices: tuple[Notice, ...] = ()
) -> Report:
    """The run, and whether all of it is ready."""
    rules = context.rules()
    waiting = {servant["id"]: readiness.reasons(servant, rules) for servant in registry["servants"]}
    unready = {slot: reasons for slot, reasons in waiting.items() if reasons}
    error = None
    if registry["state"] == "stopped":
        error = Refusal(
            "run_stopped",
            f"{store.run_id} was stopped",
            next_step="mmi-cli overlord start, or: mmi-cli overlord export",
        )
    elif unready:
        names = listed(f"{slot} ({reasons[0]})" for slot, reasons in unready.items())
        error = Refusal("not_ready", f"not ready: {names}", next_step=_next_step(registry, unready))
    lines = render.status_table(registry, rules)
    lines += [f"Notice: {notice.reason}. Next: {notice.next_step}" for notice in notices]
    lines += [f"Next: {error.next_step}"] if error is not None else []
    return Report(
        command=command,
        message="Every servant is ready."
        if error is None
        else f"{error.message[:1].upper()}{error.message[1:]}.",
        screen="\n".join(lines),
        error=error,
        run_id=store.run_id,
        notices=notices,
        details={"run": context.view(registry)},
    )


def _next_step(registry: Json, unready: dict[str, list[str]]) -> str:
    if registry["state"] == "failed":
        return "mmi-cli overlord recover"
    blocked = [slot for slot, reasons in unready.items() if "blocked" in reasons]
    if blocked:
        return f"mmi-cli overlord recover {','.join(blocked)}"
    if any(reasons[0] in ("conversation_incomplete", "model_changed") for reasons in unready.values()):
        return f"mmi-cli overlord replace {next(iter(unready))}"
    return "mmi-cli overlord status"
