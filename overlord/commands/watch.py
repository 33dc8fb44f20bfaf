"""`watch`: follows a run from its registry alone; lines are appended until nothing in it waits."""

from __future__ import annotations

import time
from typing import Final

from foundation import signals
from foundation.terminal.text import visible
from overlord.command_line import Arguments
from overlord.commands import status
from overlord.commands.context import Context
from overlord.core import messages
from overlord.core.json_values import Json
from overlord.report import Report
from overlord.work.recovery import settle_what_is_dead

_LOOK_SECONDS: Final = 0.25


def run(arguments: Arguments, context: Context) -> Report:
    """Follow the run."""
    store, registry = context.opened(arguments)
    shown: dict[str, str] = {}
    while True:
        for name, text in _lines(registry).items():
            if shown.get(name) != text:
                shown[name] = text
                context.say(visible(f"{registry['updatedAt']}  {text}"))
        if not _waits(registry):
            break
        time.sleep(_LOOK_SECONDS)
        signals.check()
        registry = settle_what_is_dead(store)
    return status.report("watch", context, store, registry)


def _waits(registry: Json) -> bool:
    starting = any(servant["state"] == "starting" for servant in registry["servants"])
    return starting or any(messages.open_results(message) for message in registry["messages"])


def _lines(registry: Json) -> dict[str, str]:
    """What is shown of the run, each under a name of its own: shown again when it has changed."""
    lines = {"run": f"{registry['runId']} {registry['state']}"}
    for servant in registry["servants"]:
        blocked = f" ({servant['blockedReason']})" if servant["blockedReason"] else ""
        lines[f"servant {servant['id']}"] = f"{servant['id']} {servant['state']}{blocked}"
    for message in registry["messages"]:
        for result in message["servantResults"]:
            why = f" ({result['failureReason']})" if result["failureReason"] else ""
            name = f"{message['id']} {result['servantId']}"
            lines[name] = f"{name} {result['state']}{why}"
    return lines
