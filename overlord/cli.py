"""argv -> a verb -> a report -> exit status. The only place where an error becomes a status."""

from __future__ import annotations

import contextlib
import dataclasses
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Collection, Final, NoReturn, Sequence

from foundation import host as hosts
from foundation import signals
from foundation.errors import Refusal, Where
from foundation.secrets import MASK, Secret
from foundation.secrets.encoded import replace_known
from foundation.terminal.terminal import Terminal
from foundation.terminal.text import capital
from overlord import __version__, command_line, host_shell, processes
from overlord.command_line import GROUP, PROGRAM, Arguments
from overlord.errors import Exit, status_of
from overlord.report import Report, to_json
from overlord.settings import KEYS, Settings
from overlord.storage.changes import Changes

if TYPE_CHECKING:
    from overlord.commands.context import Context

# These need a host shell that can hold a run; nothing else is looked at before.
_IN_A_SHELL: Final = ("start", "send", "retry", "recover", "replace", "ask")
_MODULES: Final = {"await-human": "await_human", "list": "list_runs"}
_STOPPED: Final = ("cancelled", "terminated", "hung_up")
# What continues a command that a signal has ended.
_AFTERWARDS: Final = {"start": "recover", "send": "retry", "retry": "retry", "replace": "recover"}
_ISSUES: Final = "https://github.com/GonkaGate/gonkagate-setup/issues"


def run() -> NoReturn:
    """Entry point of `mmi-cli`: the single file and the console script."""
    argv = sys.argv[1:]
    if argv and argv[0] == GROUP:
        _exit(main(argv[1:]))
    _exit(main(argv, grouped=False))


def run_overlord() -> NoReturn:
    """Entry point of `python -m overlord`."""
    _exit(main(sys.argv[1:]))


def _exit(status: int) -> NoReturn:
    """Everything is done and shown: a signal while Python ends would only add a traceback."""
    signals.ignore()
    sys.exit(status)


def main(argv: Sequence[str], *, grouped: bool = True) -> int:
    """Run the command that `argv` asks for and return the exit status.

    `grouped`: the word `overlord` was there, and `argv` is what follows it.
    """
    hosts.protect_new_files()
    environ = hosts.environment()
    early = command_line.before_separator(argv)
    terminal = Terminal.from_streams(
        sys.stdin,
        sys.stdout,
        sys.stderr,
        environ,
        json="--json" in early,
        quiet=False,
        platform=sys.platform,
        clean=_clean,
    )
    for secret in Settings(environ).secrets:
        terminal.guard(secret)
    command = command_line.verb_of(argv)
    changes = Changes()
    try:
        report = _run(argv, terminal, changes, grouped=grouped)
    except Refusal as error:
        report = _failed(command, error, changes)
    except KeyboardInterrupt:
        report = _failed(command, _interrupted(), changes)
    except Exception as fault:  # noqa: BLE001 - our own fault: no traceback on the screen, which could hold a key
        report = _failed(command, _unexpected(fault, argv, command), changes)
    with contextlib.suppress(Refusal), signals.cancellation():
        _show(report, terminal)
    status = report.exit_status
    if terminal.undelivered is not None:
        lost = _undelivered(terminal.undelivered)
        terminal.last_word(lost)
        status = status_of(lost) if status is Exit.DONE else status
    return int(status)


def _clean(text: str, secrets: Collection[Secret]) -> str:
    """Answers are shown word for word, so only the keys themselves are masked."""
    return replace_known(text, secrets, MASK)


def _run(argv: Sequence[str], terminal: Terminal, changes: Changes, *, grouped: bool) -> Report:
    settings = _settings()
    if command_line.verb_of(argv) in _IN_A_SHELL and not command_line.wants_help(argv):
        host_shell.require_supported(settings.shell)
    command_line.refuse_keys(argv, settings.how_to_set(KEYS[1], "if that was a real key, replace it"))
    if not grouped:
        return _ungrouped(argv, terminal)
    arguments = command_line.parse(argv)
    if arguments.verb == "version":
        return _text("version", _version())
    if arguments.verb == "help" or arguments.has("--help"):
        return _text("help", command_line.help_text(arguments.verb, terminal.width))
    context = _context(arguments, settings, terminal, changes)
    module = import_module(f"overlord.commands.{_MODULES.get(arguments.verb, arguments.verb)}")
    with signals.cancellation():
        try:
            report: Report = module.run(arguments, context)
        except Refusal:
            raise
        except BaseException:
            from overlord.commands import working

            working.leave_nothing_open(context)
            raise
        return report


def _ungrouped(argv: Sequence[str], terminal: Terminal) -> Report:
    if "--version" in argv:
        return _text("version", _version())
    if any(word in ("-h", "--help", "help") for word in argv):
        return _text("help", command_line.help_text("help", terminal.width))
    raise Refusal(
        "usage_error",
        f"{PROGRAM} has one group of commands, {GROUP}",
        next_step=f"see: {PROGRAM} {GROUP} --help",
    )


def _settings() -> Settings:
    environ = hosts.environment()
    shell = host_shell.detect(
        environ, sys.platform == "win32", lambda: (parent.name for parent in processes.parents())
    )
    return Settings(environ, shell)


def _context(arguments: Arguments, settings: Settings, terminal: Terminal, changes: Changes) -> Context:
    from overlord.commands.context import Context

    host = hosts.current({})
    named = arguments.value("--cwd")
    if named is not None:
        host = dataclasses.replace(host, cwd=_folder(host_shell.native(named, settings.shell)))
    return Context(host, settings, terminal, changes, debug=arguments.has("--debug"))


def _folder(named: str) -> Path:
    try:
        path = Path(named).resolve()
        if not named or not path.is_dir():
            raise NotADirectoryError
    except (OSError, ValueError, RuntimeError):
        raise Refusal(
            "working_directory_unusable",
            "--cwd names no folder that can be entered",
            where=Where(named) if named.isprintable() else None,
            next_step="name an existing folder",
        ) from None
    return path


def _version() -> str:
    from foundation.version import version_text

    return version_text(PROGRAM, __version__, "overlord")


def _text(command: str, text: str) -> Report:
    return Report(command, "`text` is what is printed without --json", text, details={"text": text})


@signals.uninterrupted
def _show(report: Report, terminal: Terminal) -> None:
    if terminal.json_wanted:
        terminal.json(to_json(report))
        if report.screen == "" and report.error is not None:
            _show_error(report.error, report, terminal)
    elif report.screen:
        terminal.result(report.screen)
    elif report.error is not None:
        _show_error(report.error, report, terminal)


def _show_error(error: Refusal, report: Report, terminal: Terminal) -> None:
    from overlord.ui import render

    note = report.message[len(error.message) + 2 :]
    terminal.say(render.error(error, note))


def _failed(command: str, error: Refusal, changes: Changes) -> Report:
    note = ""
    if changes.changed and error.kind in _STOPPED:
        error = _stopped_at_work(command, error, changes.changed[-1])
    elif command == "start" and changes.made is None and error.kind != "usage_error":
        note = " Nothing was started."
    return Report(
        command,
        f"{capital(error.message)}.{note}",
        error=error,
        changed=bool(changes.changed),
        run_id=changes.changed[-1] if changes.changed else None,
    )


def _stopped_at_work(command: str, error: Refusal, run_id: str) -> Refusal:
    """A signal came while the command was waiting for answers."""
    again = _AFTERWARDS.get(command)
    return Refusal(
        error.kind,
        "stopped; what was not answered is stored as interrupted",
        next_step=f"{PROGRAM} {GROUP} {again} --run {run_id}" if again else error.next_step,
    )


def _undelivered(why: str) -> Refusal:
    return Refusal(
        "result_not_written",
        f"the result could not be written to standard output ({why.lower()}); what was done is kept",
        next_step="free up space or send the output elsewhere; see the result with: mmi-cli overlord export",
    )


def _interrupted() -> Refusal:
    return Refusal(
        "cancelled",
        "cancelled; what was stored is kept",
        next_step="run this command again when you want to continue",
    )


def _unexpected(fault: Exception, argv: Sequence[str], command: str) -> Refusal:
    from foundation import crash

    known = {flag for verb, _ in command_line.VERBS.values() for one in verb.flags for flag in one.names}
    given = (word.split("=", 1)[0] for word in argv)
    program = crash.Program(PROGRAM, _version(), frozenset({"foundation", "overlord"}))
    report = crash.write(program, fault, command, [name for name in given if name in known])
    hint = "the command that you ran" if report is None else "that file, which contains no key and no message"
    return Refusal(
        "unexpected_error",
        f"internal error ({type(fault).__name__}); what was stored is kept",
        where=None if report is None else Where(str(report)),
        next_step=f"please report it at {_ISSUES} with {hint}",
    )
