"""`delete`: a stopped or failed run is removed, with everything that was said."""

from __future__ import annotations

from foundation.errors import Refusal, Where
from overlord.command_line import Arguments
from overlord.commands.context import Context
from overlord.core.registry import ENDED
from overlord.report import Report
from overlord.work.recovery import settle_what_is_dead


def run(arguments: Arguments, context: Context) -> Report:
    """Remove a run."""
    store = context.runs.named(arguments.word(0) or "")
    registry = settle_what_is_dead(store)
    if registry["state"] not in ENDED or registry["ownedResources"]:
        raise Refusal(
            "not_ready",
            f"{store.run_id} is still open",
            where=Where(str(store.folder)),
            next_step=f"end it first, with: mmi-cli overlord stop --run {store.run_id}",
        )
    context.runs.remove(store)
    text = f"{store.run_id} was removed."
    return Report("delete", text, text, changed=True, run_id=store.run_id)
