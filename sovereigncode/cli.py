"""argv -> a command -> exit status. The only place where an error becomes a status."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from typing import Callable, NoReturn, Sequence

from foundation import host as hosts
from foundation import signals
from foundation.errors import Declined, Refusal, Where
from foundation.host import Host
from foundation.terminal.terminal import Terminal
from sovereigncode import __version__, command_line, report
from sovereigncode.errors import NAMES, Exit, status_of
from sovereigncode.report import Report


def run() -> NoReturn:
    """Entry point of `python -m sovereigncode`, the .pyz and the console script."""
    hosts.protect_new_files()
    sys.exit(main(sys.argv[1:]))


def main(argv: Sequence[str]) -> int:
    """Run the command that `argv` (without the program's name) asks for and return the exit status."""
    terminal = Terminal.from_streams(
        sys.stdin,
        sys.stdout,
        sys.stderr,
        hosts.environment(),
        json="--json" in argv,
        quiet=False,
        platform=sys.platform,
        names=NAMES,
    )
    command = command_line.verb(argv)
    try:
        with signals.cancellation():
            status = _show(_run(argv, terminal), terminal)
    except Declined as error:
        status = _fail(command, error, terminal, Exit.DENIED)
    except Refusal as error:
        status = _fail(command, error, terminal, status_of(error))
    except Exception as fault:  # noqa: BLE001 - our own fault: no traceback on the screen, which could hold data
        status = _fail(command, _unexpected(fault, command), terminal, Exit.FAULT)
    if terminal.undelivered is not None:
        lost = Refusal(
            "result_not_written",
            f"The result could not be written to standard output ({terminal.undelivered.lower()})",
            next_step="free up space or send the output elsewhere, then run this command again",
        )
        terminal.last_word(lost)
        status = Exit.FAULT if status is Exit.DONE else status
    return int(status)


def _run(argv: Sequence[str], terminal: Terminal) -> Report:
    arguments = command_line.parse(argv)
    if getattr(arguments, "help", False):
        return _text("help", command_line.help_text(arguments.words))
    if getattr(arguments, "version", False):
        return _text("version", _version())
    if arguments.command is None:
        return _text("help", command_line.help_text([]))
    host = hosts.current({})
    if arguments.cwd is not None:
        host = dataclasses.replace(host, cwd=arguments.cwd)
    return _VERBS[arguments.command](arguments, host, terminal)


def _version() -> str:
    from foundation.version import version_text

    return version_text(command_line.PROGRAM, __version__, "sovereigncode")


def _text(command: str, text: str) -> Report:
    """A text that is itself the result; with --json as part of the object."""
    return Report(command, Exit.DONE, "`text` is what is printed without --json", text, {"text": text})


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


@signals.uninterrupted
def _show(result: Report, terminal: Terminal) -> Exit:
    """Print how it ended; everything is done by then, so a signal during this changes nothing."""
    if terminal.json_wanted:
        terminal.json(report.to_json(result))
    elif result.text or result.message:
        terminal.result(result.text or result.message)
    return result.exit_status


def _fail(command: str, error: Refusal, terminal: Terminal, status: Exit) -> Exit:
    # With --json there is one object; an error after it is printed as text.
    if not terminal.json_wanted or terminal.delivered:
        terminal.error(error)
        return status
    if isinstance(error, Declined):
        error = Refusal("declined", error.message, next_step=error.next_step)
    return _show(report.of_refusal(command, error, status), terminal)


def _unexpected(fault: Exception, command: str) -> Refusal:
    from foundation import crash

    packages = frozenset({"foundation", "opencode_config", "sovereigncode"})
    written = crash.write(crash.Program(command_line.PROGRAM, _version(), packages), fault, command, [])
    return Refusal(
        "unexpected_error",
        f"Internal error ({type(fault).__name__}); nothing was allowed",
        where=None if written is None else Where(str(written)),
        next_step="please report it with "
        + ("the command that you ran" if written is None else "that file, which contains no data of yours"),
    )
