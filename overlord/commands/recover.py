"""`recover`: blocked servants are proved to be there, and brought back."""

from __future__ import annotations

from typing import Mapping

from foundation.errors import Refusal
from foundation.terminal.text import listed
from overlord.command_line import Arguments
from overlord.commands import status, working
from overlord.commands.context import Context
from overlord.core import conversation
from overlord.core.failures import Failure, Outcome
from overlord.core.json_values import Json
from overlord.core.registry import settle_state
from overlord.core.servants import servant_of, targets
from overlord.report import Report
from overlord.storage.run_store import RunStore
from overlord.ui import render
from overlord.work.tasks import Recovery


def run(arguments: Arguments, context: Context) -> Report:
    """Bring servants back."""
    store, registry = context.opened(arguments)
    working.require_not_stopped(registry)
    slots = targets(arguments.word(0) or "all", registry["servants"])
    blocked = [slot for slot in slots if servant_of(registry, slot)["state"] == "blocked"]
    if not blocked:
        return _nothing(context, store, registry)
    context.require_same_provider(registry, blocked)
    client = context.client(registry["baseUrl"], context.key())
    context.say(f"Recovering {', '.join(blocked)}.")
    unstarted = [
        slot for slot in blocked if not conversation.started(servant_of(registry, slot)["llmMessages"])
    ]
    store.change(lambda fresh: working.record(fresh, store.now()))
    with working.recorded(store):
        outcomes, _ = working.ask(context, store, client, [Recovery(slot) for slot in blocked])
    return _report(context, store, outcomes, unstarted)


def _nothing(context: Context, store: RunStore, registry: Json) -> Report:
    if registry["state"] == "failed":  # killed between the last answer and the end of the startup
        store.change(settle_state)
        registry = store.load()
    text = "No servant is blocked. Nothing to do."
    lines = [*render.status_table(registry, context.rules()), text]
    return Report(
        "recover", text, "\n".join(lines), run_id=store.run_id, details={"run": context.view(registry)}
    )


def _report(
    context: Context, store: RunStore, outcomes: Mapping[str, Outcome], unstarted: list[str]
) -> Report:
    registry = store.load()
    working.require_not_stopped(registry)
    failed = {slot: outcome for slot, outcome in outcomes.items() if isinstance(outcome, Failure)}
    back = [slot for slot in outcomes if slot not in failed]
    error = None
    if failed:
        names = listed(f"{slot} ({problem.sentence})" for slot, problem in failed.items())
        kind = "startup_failed" if set(failed) <= set(unstarted) else "recovery_unproved"
        if any(problem.reason == "recovery_unproved" for problem in failed.values()):
            kind = "recovery_unproved"
        error = Refusal(
            "partial" if back else kind,
            f"still blocked: {names}",
            next_step=f"try again later, or: mmi-cli overlord replace {next(iter(failed))}",
        )
    shown = status.report("recover", context, store, registry)
    text = f"Back: {listed(back)}." if back else "Nobody is back."
    lines = [*render.status_table(registry, context.rules()), text]
    if error is not None:
        lines += [f"{error.message[:1].upper()}{error.message[1:]}.", f"Next: {error.next_step}"]
    return Report(
        command="recover",
        message=text if error is None else f"{text} {error.message[:1].upper()}{error.message[1:]}.",
        screen="\n".join(lines),
        changed=True,
        error=error,
        run_id=store.run_id,
        details=shown.details,
    )
