"""A program of verbs: argv -> a command -> its report -> exit status. Here an error becomes a status."""

from __future__ import annotations

import argparse
import io
import sys
from dataclasses import dataclass, field, replace
from typing import IO, Any, Callable, Final, Mapping, NoReturn, Sequence

from foundation import host as hosts
from foundation import signals
from foundation.errors import Declined, Refusal, Where
from foundation.host import Host
from foundation.terminal.terminal import Terminal
from foundation.terminal.verbs import CommandLine

DONE: Final = 0
_DECLINED: Final = "declined"


@dataclass(frozen=True)
class Report:
    """What a command established: a sentence, the text for a user, and its details for a script."""

    command: str
    exit_status: int
    message: str
    text: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)
    error: Refusal | None = None


Command = Callable[[argparse.Namespace, Host, Terminal], Report]


@dataclass(frozen=True)
class Program:
    """What is particular to one program.

    `kinds` are the kinds of refusals, each with its code and exit status. `names` begin an error as they are
    spelt. `unharmed` is half a sentence: what an internal error has
    not done. `package` is where a build puts the commit that `--version` prints; `packages` are those whose
    paths a report of a fault shows.
    """

    name: str
    version: str
    package: str
    packages: frozenset[str]
    kinds: Mapping[str, tuple[str, int]]
    names: tuple[str, ...]
    command_line: CommandLine
    declined: int
    fault: int
    unharmed: str

    @property
    def version_text(self) -> str:
        """What `--version` prints."""
        from foundation.version import version_text

        return version_text(self.name, self.version, self.package)

    def code_of(self, refusal: Refusal) -> str:
        """The code in reports; scripts read it."""
        return self.kinds[refusal.kind][0]

    def to_json(self, report: Report) -> dict[str, Any]:
        """The one JSON object of `--json`."""
        value: dict[str, Any] = {
            "program": self.name,
            "version": self.version,
            "command": report.command,
            "ok": report.exit_status == DONE,
            "exit_status": int(report.exit_status),
            "message": report.message,
        }
        if report.error is not None:
            where = report.error.where
            value["error"] = {
                "code": self.code_of(report.error),
                "message": report.error.message,
                "where": None if where is None else place(where),
                "next_step": report.error.next_step,
            }
        return {**value, **report.details}

    def start(self, commands: Mapping[str, Command]) -> NoReturn:
        """The entry point of the process: run what it was started with, and end with the exit status."""
        hosts.protect_new_files()
        sys.exit(self.run(sys.argv[1:], commands))

    def run(self, argv: Sequence[str], commands: Mapping[str, Command]) -> int:
        """Run the command that `argv` (without the program's name) asks for and return the exit status."""
        terminal = Terminal.from_streams(
            sys.stdin,
            sys.stdout,
            sys.stderr,
            hosts.environment(),
            json="--json" in argv,
            quiet=False,
            platform=sys.platform,
            names=self.names,
        )
        verb = self.command_line.verb(argv)
        try:
            with signals.cancellation():
                status = _show(self, self._report(argv, commands, terminal), terminal)
        except Declined as error:
            status = self._fail(verb, error, terminal, self.declined)
        except Refusal as error:
            status = self._fail(verb, error, terminal, self.kinds[error.kind][1])
        except Exception as fault:  # noqa: BLE001 - our own: no traceback on the screen, which could hold data
            status = self._fail(verb, self._unexpected(fault, verb), terminal, self.fault)
        if terminal.undelivered is not None:
            lost = Refusal(
                "result_not_written",
                f"The result could not be written to standard output ({terminal.undelivered.lower()})",
                next_step="free up space or send the output elsewhere, then run this command again",
            )
            terminal.last_word(lost)
            status = self.fault if status == DONE else status
        return int(status)

    def _report(self, argv: Sequence[str], commands: Mapping[str, Command], terminal: Terminal) -> Report:
        arguments = self.command_line.parse(argv)
        if getattr(arguments, "help", False):
            return text_report("help", self.command_line.help_text(arguments.words))
        if getattr(arguments, "version", False):
            return text_report("version", self.version_text)
        if arguments.command is None:
            return text_report("help", self.command_line.help_text())
        host = hosts.current({})
        if arguments.cwd is not None:
            host = replace(host, cwd=arguments.cwd)
        return commands[arguments.command](arguments, host, terminal)

    def _fail(self, verb: str, error: Refusal, terminal: Terminal, status: int) -> int:
        # With --json there is one object; an error after it is printed as text.
        if not terminal.json_wanted or terminal.delivered:
            terminal.error(error)
            return status
        if isinstance(error, Declined):
            error = Refusal(_DECLINED, error.message, next_step=error.next_step)
        return _show(self, Report(verb, status, error.message, error=error), terminal)

    def _unexpected(self, fault: Exception, verb: str) -> Refusal:
        from foundation import crash

        written = crash.write(crash.Program(self.name, self.version_text, self.packages), fault, verb, [])
        return Refusal(
            "unexpected_error",
            f"Internal error ({type(fault).__name__}); {self.unharmed}",
            where=None if written is None else Where(str(written)),
            next_step="please report it with "
            + (
                "the command that you ran"
                if written is None
                else "that file, which contains no data of yours"
            ),
        )


def text_report(command: str, text: str) -> Report:
    """A text that is itself the result; with --json as part of the object."""
    return Report(command, DONE, "`text` is what is printed without --json", text, {"text": text})


def piped(stdin: IO[str] | None, limit: int, not_piped: Refusal, too_large: Refusal) -> bytes:
    """What is piped in; raises one of the two refusals for a terminal, and for more than `limit` bytes."""
    if stdin is None or stdin.isatty():
        raise not_piped
    source = getattr(stdin, "buffer", None) or io.BytesIO(stdin.read(limit + 1).encode())
    data: bytes = source.read(limit + 1)
    if len(data) > limit:
        raise too_large
    return data


def place(where: Where) -> dict[str, Any]:
    """A place as it is reported."""
    return {"file": where.name, "line": where.line, "column": where.column}


@signals.uninterrupted
def _show(program: Program, result: Report, terminal: Terminal) -> int:
    """Print how it ended; everything is done by then, so a signal during this changes nothing."""
    if terminal.json_wanted:
        terminal.json(program.to_json(result))
    elif result.text or result.message:
        terminal.result(result.text or result.message)
    return result.exit_status
