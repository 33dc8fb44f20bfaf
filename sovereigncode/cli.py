"""argv -> a command -> exit status."""

from __future__ import annotations

import argparse
import sys
from typing import Final, NoReturn, Sequence

from foundation.host import Host
from foundation.program import Command, Program, Report
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
    command_line=command_line.COMMAND_LINE,
    declined=Exit.DENIED,
    fault=Exit.FAULT,
    unharmed="nothing was allowed",
)


def run() -> NoReturn:
    """Entry point of `python -m sovereigncode`, the .pyz and the console script."""
    PROGRAM.start(_VERBS)


def main(argv: Sequence[str]) -> int:
    """Run the command that `argv` (without the program's name) asks for and return the exit status."""
    return PROGRAM.run(argv, _VERBS)


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


_VERBS: Final[dict[str, Command]] = {
    "init": _init,
    "check": _check,
    "evaluate": _evaluate,
    "approvals": _approvals,
    "audit": _audit,
}
