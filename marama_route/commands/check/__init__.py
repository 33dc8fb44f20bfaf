"""check: everything that is wrong with the configuration and with what it names, at once; changes nothing."""

from __future__ import annotations

import argparse
from typing import Any, Final, Mapping

from foundation.errors import Refusal, Where
from foundation.host import Host
from foundation.program import Report, place
from foundation.terminal.text import style, visible
from marama_route import config_file, places
from marama_route.commands import backends
from marama_route.commands.backends import Answer
from marama_route.commands.check import files, hints, services
from marama_route.config_file import ConfigFile
from marama_route.core.errors import Exit
from sovereigncode.ui import render
from sovereigncode.workspace import Fault

_RIGHT: Final = "Nothing is wrong."


def run(arguments: argparse.Namespace, host: Host) -> Report:
    """Status 5 if something is wrong. Raises Refusal for a file that cannot be read or trusted at all."""
    file = config_file.read(places.config_file(host, arguments.config))
    if file.config is None and not file.mistakes:
        file.required()
    faults, notes = _found(file, host, offline=arguments.offline)
    details = {
        "file": str(file.path),
        "problems": [_to_json(fault) for fault in faults],
        "hints": notes,
        "offline": arguments.offline,
    }
    count = "1 thing is wrong" if len(faults) == 1 else f"{len(faults)} things are wrong"
    lines = [render.faults(faults)] if faults else []
    lines += [f"{style('hint:', 'warning')} {visible(note)}" for note in notes]
    lines.append(f"{count}." if faults else _RIGHT)
    message = count if faults else "nothing is wrong"
    return Report("check", Exit.FILE if faults else Exit.DONE, message, "\n".join(lines), details)


def _found(file: ConfigFile, host: Host, *, offline: bool) -> tuple[list[Fault], list[str]]:
    if file.config is None:
        again = "correct this place, then run this command again"
        return [Fault("config_invalid", one.message, one.where, again) for one in file.mistakes], []
    config, where = file.config, Where(str(file.path))
    workspaces = files.read(config, host)
    faults = [
        *files.keys(config, where),
        *files.backend_keys(config, host),
        *files.workspaces(config, workspaces, where),
    ]
    faults += services.store(config, host)
    answers: Mapping[str, Answer] = {}
    if not offline:
        try:
            answers = backends.ask(config, host)
        except Refusal as refusal:
            faults.append(Fault(refusal.kind, refusal.message, refusal.where or where, refusal.next_step))
    faults += services.backends(answers, config)
    return faults, [*hints.of(config, workspaces), *services.not_listed(answers, config)]


def _to_json(fault: Fault) -> dict[str, Any]:
    return {
        "code": fault.code,
        "message": fault.message,
        **place(fault.where),
        "next_step": fault.next_step,
    }
