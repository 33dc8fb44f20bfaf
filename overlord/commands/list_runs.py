"""`list`: all runs of this user, those that cannot be read among them."""

from __future__ import annotations

from foundation.errors import Refusal
from overlord.command_line import Arguments
from overlord.commands.context import Context
from overlord.core.json_values import Json
from overlord.core.registry import summary
from overlord.report import Notice, Report
from overlord.ui import render
from overlord.work.recovery import settle_what_is_dead


def run(arguments: Arguments, context: Context) -> Report:
    """List all runs."""
    del arguments
    runs: list[Json] = []
    notices: list[Notice] = []
    for found in context.runs.all():
        try:
            runs.append(summary(settle_what_is_dead(found.store)))
        except Refusal as refusal:
            if found.registry is not None:
                runs.append(summary(found.registry))  # it can be read, though not be written now
                continue
            empty = dict.fromkeys(("worktree", "createdAt", "updatedAt", "servants"))
            runs.append({"runId": found.store.run_id, **empty, "state": "unreadable"})
            notices.append(Notice(refusal.kind, f"{refusal.where}: {refusal.message}", refusal.next_step))
    lines = render.run_lines(runs, context.host.now())
    lines += [f"Notice: {notice.reason}" for notice in notices]
    text = f"{len(runs)} run{'' if len(runs) == 1 else 's'}."
    return Report("list", text, "\n".join([*lines, text]), notices=tuple(notices), details={"runs": runs})
