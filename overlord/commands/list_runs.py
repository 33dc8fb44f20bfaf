"""`list`: all runs of this user, those that cannot be read among them."""

from __future__ import annotations

from foundation.errors import Refusal
from overlord.command_line import Arguments
from overlord.commands.context import Context
from overlord.core.json_values import Json
from overlord.core.registry import summary
from overlord.errors import code_of
from overlord.report import Notice, Report
from overlord.storage.runs import Found
from overlord.ui import render
from overlord.work.recovery import settle_what_is_dead


def run(arguments: Arguments, context: Context) -> Report:
    """List all runs."""
    del arguments
    runs: list[Json] = []
    notices: list[Notice] = []
    for found in context.runs.all():
        run_, problem = _summary(found)
        runs.append(run_)
        if problem is not None:
            notices.append(Notice(code_of(problem), f"{problem.where}: {problem.message}", problem.next_step))
    lines = render.run_lines(runs, context.host.now())
    lines += [f"Notice: {notice.reason}" for notice in notices]
    text = f"{len(runs)} run{'' if len(runs) == 1 else 's'}."
    return Report("list", text, "\n".join([*lines, text]), notices=tuple(notices), details={"runs": runs})


def _summary(found: Found) -> tuple[Json, Refusal | None]:
    """The run as it is listed, and why it cannot be read."""
    if found.registry is None:
        empty = dict.fromkeys(("worktree", "createdAt", "updatedAt", "servants"))
        return {"runId": found.store.run_id, **empty, "state": "unreadable"}, found.problem
    try:
        return summary(settle_what_is_dead(found.store)), None
    except Refusal:
        return summary(found.registry), None  # it can be read, though not be written now
