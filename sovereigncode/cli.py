"""argv -> a command -> exit status."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from typing import Callable, Final, NoReturn, Sequence

from foundation import host as hosts
from foundation.host import Host
from foundation.program import Program, Report, text_report
from foundation.terminal.terminal import Terminal
from sovereigncode import __version__, command_line
from sovereigncode.errors import KINDS, NAMES, Exit

PROGRAM: Final = Program(
    name=command_line.PROGRAM,
    version=__version__,
    package="sovereigncode",
    packages=frozenset({"foundation", "opencode_config", "sovereigncode"}),
    kinds=KINDS,
    names=NAMES,
    verb=command_line.verb,
    declined=Exit.DENIED,
    fault=Exit.FAULT,
    unharmed="nothing was allowed",
)


def run() -> NoReturn:
    """Entry point of `python -m sovereigncode`, the .pyz and the console script."""
    hosts.protect_new_files()
    sys.exit(main(sys.argv[1:]))


def main(argv: Sequence[str]) -> int:
    """Run the command that `argv` (without the program's name) asks for and return the exit status."""
    return PROGRAM.run(argv, lambda terminal: _run(argv, terminal))


def _run(argv: Sequence[str], terminal: Terminal) -> Report:
    arguments = command_line.parse(argv)
    if getattr(arguments, "help", False):
        return text_report("help", command_line.help_text(arguments.words))
    if getattr(arguments, "version", False):
        return text_report("version", PROGRAM.version_text)
    if arguments.command is None:
        return text_report("help", command_line.help_text([]))
    host = hosts.current({})
    if arguments.cwd is not None:
        host = dataclasses.replace(host, cwd=arguments.cwd)
    return _VERBS[arguments.command](arguments, host, terminal)


def _init(arguments: argparse.Namespace, host: Host, terminal: Terminal) -> Report:
    from sovereigncode.commands import init

    return init.run(arguments, host, terminal)


def _check(arguments: argparse.Namespace, host: Host, terminal: Terminal) -> Report:
    from sovereigncode.commands import check

    del arguments, terminal
    return check.run(host)


def _evaluate(arguments: argparse.Namespace, host: Host, terminal: Terminal) -> Report:
    from sovereigncode.commands import evaluate

    del terminal
    return evaluate.run(arguments.file, host, sys.stdin)


def _approvals(arguments: argparse.Namespace, host: Host, terminal: Terminal) -> Report:
    from sovereigncode.commands import approvals

    return approvals.run(arguments, host, terminal)


def _audit(arguments: argparse.Namespace, host: Host, terminal: Terminal) -> Report:
    from sovereigncode.commands import audit

    del terminal
    return audit.run(arguments, host)


_VERBS: dict[str, Callable[[argparse.Namespace, Host, Terminal], Report]] = {
    "init": _init,
    "check": _check,
    "evaluate": _evaluate,
    "approvals": _approvals,
    "audit": _audit,
}
