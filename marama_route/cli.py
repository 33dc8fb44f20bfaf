"""argv -> a command -> exit status."""

from __future__ import annotations

import argparse
import sys
from typing import Final, NoReturn, Sequence

from foundation.host import Host
from foundation.program import Command, Program, Report
from foundation.terminal.terminal import Terminal
from marama_route import __version__, command_line
from marama_route.core.errors import Exit
from marama_route.errors import KINDS, NAMES

PROGRAM: Final = Program(
    name=command_line.PROGRAM,
    version=__version__,
    package="marama_route",
    packages=frozenset({"foundation", "opencode_config", "sovereigncode", "marama_route"}),
    kinds=KINDS,
    names=NAMES,
    command_line=command_line.COMMAND_LINE,
    declined=Exit.DENIED,
    fault=Exit.FAULT,
    unharmed="nothing was allowed",
)


def run() -> NoReturn:
    """Entry point of `python -m marama_route`, the .pyz and the console script."""
    PROGRAM.start(_VERBS)


def main(argv: Sequence[str]) -> int:
    """Run the command that `argv` (without the program's name) asks for and return the exit status."""
    return PROGRAM.run(argv, _VERBS)


def _key(arguments: argparse.Namespace, host: Host, terminal: Terminal) -> Report:
    from marama_route.commands import key

    del terminal
    return key.run(arguments, host)


def _init(arguments: argparse.Namespace, host: Host, terminal: Terminal) -> Report:
    from marama_route.commands import init

    return init.run(arguments, host, terminal)


def _check(arguments: argparse.Namespace, host: Host, terminal: Terminal) -> Report:
    from marama_route.commands import check

    with terminal.progress("checking the configuration"):
        return check.run(arguments, host)


def _models(arguments: argparse.Namespace, host: Host, terminal: Terminal) -> Report:
    from marama_route.commands import models

    del terminal
    return models.run(arguments, host)


def _decisions(arguments: argparse.Namespace, host: Host, terminal: Terminal) -> Report:
    from marama_route.commands import decisions

    del terminal
    return decisions.run(arguments, host)


def _route(arguments: argparse.Namespace, host: Host, terminal: Terminal) -> Report:
    from marama_route.commands import route

    del terminal
    return route.run(arguments, host, sys.stdin)


def _serve(arguments: argparse.Namespace, host: Host, terminal: Terminal) -> Report:
    from marama_route.commands import serve

    return serve.run(arguments, host, terminal)


_VERBS: Final[dict[str, Command]] = {
    "init": _init,
    "check": _check,
    "models": _models,
    "route": _route,
    "serve": _serve,
    "decisions": _decisions,
    "key": _key,
}
