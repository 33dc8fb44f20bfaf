"""`await-human`: the run waits for a person; servants stay leased."""

from __future__ import annotations

from overlord.command_line import Arguments
from overlord.commands import texts
from overlord.commands.context import Context
from overlord.commands.send import require_open
from overlord.core.json_values import Json
from overlord.core.registry import NOTE
from overlord.report import Report
from overlord.ui import render


def run(arguments: Arguments, context: Context) -> Report:
    """Wait for a person."""
    word = arguments.word(0)
    note = None if word is None else texts.text(context, word, "note")
    store, registry = context.opened(arguments)
    require_open(registry)

    def wait(fresh: Json) -> None:
        require_open(fresh)
        fresh["state"] = "awaiting-human"
        fresh[NOTE] = note

    store.change(wait)
    registry = store.load()
    next_step = 'mmi-cli overlord send all "..."'
    text = f"{store.run_id} waits for a person."
    lines = [*render.status_table(registry, context.rules()), f"{text} Next: {next_step}"]
    return Report(
        command="await-human",
        message=text,
        screen="\n".join(lines),
        changed=True,
        next_step=next_step,
        run_id=store.run_id,
        details={"run": context.view(registry)},
    )
