"""argv -> a typed request -> a command -> exit status. The only place where an error becomes a status.

Nothing looks at the arguments before `key_arguments.refuse` has.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import sys
from typing import TYPE_CHECKING, Callable, NoReturn, Sequence

from foundation import host as hosts
from foundation import signals
from foundation.errors import Refusal, Where
from foundation.terminal.terminal import Terminal
from gonkagate_setup import __version__
from gonkagate_setup.catalog import GONKAGATE, Profile
from gonkagate_setup.choice import Scope
from gonkagate_setup.command_line import arguments as command_line
from gonkagate_setup.command_line import key_arguments
from gonkagate_setup.errors import NAMES, Exit, code_of, status_of

if TYPE_CHECKING:
    from foundation.terminal.prompts import Prompter
    from gonkagate_setup.commands.teardown import Request
    from gonkagate_setup.report import Report
    from opencode_config.program.search import Probe

_STDIN_LIMIT = 65_536
_ISSUES = "https://github.com/GonkaGate/gonkagate-setup/issues"


def run() -> NoReturn:
    """Entry point of `python -m gonkagate_setup`, the .pyz and the console script."""
    hosts.protect_new_files()
    sys.exit(main(sys.argv[1:]))


def main(argv: Sequence[str]) -> int:
    """Run the command that `argv` (without the program's name) asks for and return the exit status."""
    profile = GONKAGATE
    terminal = Terminal.from_streams(
        sys.stdin,
        sys.stdout,
        sys.stderr,
        hosts.environment(),
        json="--json" in argv,
        quiet="--quiet" in argv,
        color=_color(argv),
        platform=sys.platform,
        names=NAMES,
    )
    command = command_line.verb(argv)
    try:
        status = _run(argv, profile, terminal)
    except Refusal as error:
        status = _fail(command, error, profile, terminal)
    except KeyboardInterrupt:
        status = _fail(command, _interrupted(), profile, terminal)
    except Exception as fault:  # noqa: BLE001 - our own fault: no traceback on the screen, which could hold a key
        status = _fail(command, _unexpected(fault, argv, command), profile, terminal)
    if terminal.undelivered is not None:
        changing = command in _CHANGING and not {*_ONLY_SAYING} & {*argv}
        lost = _undelivered(terminal.undelivered, stands=changing and status in _STANDS)
        terminal.last_word(lost)
        status = status_of(lost) if status is Exit.DONE else status
    return int(status)


def _run(argv: Sequence[str], profile: Profile, terminal: Terminal) -> Exit:
    key_arguments.refuse(argv, profile)
    arguments = command_line.parse(argv, profile)
    if arguments.help or arguments.command == "help":
        asked = getattr(arguments, "verb", None) or command_line.DEFAULT_VERB
        named = asked if arguments.command == "help" and not arguments.help else arguments.command
        return _print("help", command_line.help_text(named, profile, terminal.width), profile, terminal)
    if arguments.version:
        return _print("version", _version(), profile, terminal)
    if arguments.command in ("completion", "man"):
        return _texts(arguments, profile, terminal)
    host = hosts.current(profile.hidden)
    if getattr(arguments, "cwd", None) is not None:
        host = dataclasses.replace(host, cwd=arguments.cwd.resolve())
    if arguments.command in _AT_HOME:
        _require_own_home(arguments.command, host, profile)
    return _VERBS[arguments.command](arguments, host, profile, terminal)


def _require_own_home(command: str, host: hosts.Host, profile: Profile) -> None:
    from gonkagate_setup.store import Store
    from opencode_config.program import account

    words = (
        command_line.PROGRAM if command == command_line.DEFAULT_VERB else f"{command_line.PROGRAM} {command}"
    )
    account.require_own(Store.at(host.home, profile), host, words)


def _setup(arguments: argparse.Namespace, host: hosts.Host, profile: Profile, terminal: Terminal) -> Exit:
    # The search for opencode goes on while the rest of the program is still being imported.
    from gonkagate_setup.store import Store
    from opencode_config.program.search import Probe

    # For example `gonkagate-setup --yes` on a machine that is set up already: probably nothing will change,
    # so opencode is asked at once. Not on Windows, where its output needs the journal of a transaction.
    early = arguments.yes and not (arguments.dry_run or arguments.api_key_stdin or host.windows)
    store = Store.at(host.home, profile)
    with signals.cancellation():
        with Probe(host, store.note, ask_early=profile.id if early else None) as probe:
            report = _run_setup(arguments, host, profile, terminal, probe)
        return _show(report, terminal)


def _run_setup(
    arguments: argparse.Namespace, host: hosts.Host, profile: Profile, terminal: Terminal, probe: Probe
) -> Report:
    from gonkagate_setup.commands import setup
    from gonkagate_setup.commands.setup.blocked import OnBlocked
    from gonkagate_setup.commands.setup.context import Request

    request = Request(
        model=arguments.model,
        scope=None if arguments.scope is None else Scope(arguments.scope),
        yes=arguments.yes,
        dry_run=arguments.dry_run,
        read_stdin_key=functools.lru_cache(maxsize=1)(_read_stdin_key) if arguments.api_key_stdin else None,
        on_blocked=None if arguments.on_blocked is None else OnBlocked(arguments.on_blocked),
    )
    return setup.run(request, host, profile, terminal, _prompter(arguments, profile, terminal), probe)


def _prompter(arguments: argparse.Namespace, profile: Profile, terminal: Terminal) -> Prompter:
    from foundation.terminal.prompts import AskingPrompter, RefusingPrompter

    if not arguments.no_input and terminal.interactive:
        return AskingPrompter(terminal, "pipe the key in with --api-key-stdin")
    because = "--no-input forbids questions" if arguments.no_input else "there is no terminal to prompt on"
    return RefusingPrompter(because, f"set {profile.key_variable}, or pipe the key in with --api-key-stdin")


def _verify(arguments: argparse.Namespace, host: hosts.Host, profile: Profile, terminal: Terminal) -> Exit:
    from gonkagate_setup.commands import verify

    with signals.cancellation():
        report = verify.run(host, profile, terminal, arguments.timeout if arguments.live else None)
        return _show(report, terminal)


def _models(arguments: argparse.Namespace, host: hosts.Host, profile: Profile, terminal: Terminal) -> Exit:
    from gonkagate_setup.commands import models

    del arguments
    return _show(models.run(host, profile), terminal)


def _undo(arguments: argparse.Namespace, host: hosts.Host, profile: Profile, terminal: Terminal) -> Exit:
    from gonkagate_setup.commands import undo

    return _take_back(undo.run, arguments, host, profile, terminal)


def _uninstall(arguments: argparse.Namespace, host: hosts.Host, profile: Profile, terminal: Terminal) -> Exit:
    from gonkagate_setup.commands import uninstall

    return _take_back(uninstall.run, arguments, host, profile, terminal)


def _take_back(
    verb: Callable[[Request, hosts.Host, Profile, Terminal, Prompter], Report],
    arguments: argparse.Namespace,
    host: hosts.Host,
    profile: Profile,
    terminal: Terminal,
) -> Exit:
    from gonkagate_setup.commands.teardown import Request

    keep_key = getattr(arguments, "keep_key", False)
    request = Request(yes=arguments.yes, dry_run=arguments.dry_run, keep_key=keep_key)
    with signals.cancellation():
        report = verb(request, host, profile, terminal, _prompter(arguments, profile, terminal))
        return _show(report, terminal)


def _texts(arguments: argparse.Namespace, profile: Profile, terminal: Terminal) -> Exit:
    from gonkagate_setup.command_line import self_description

    named = arguments.command == "completion"
    text = self_description.completion(arguments, profile) if named else self_description.manual(profile)
    return _print(arguments.command, text, profile, terminal)


def _version() -> str:
    from foundation.version import version_text

    return version_text(command_line.PROGRAM, __version__, "gonkagate_setup")


def _print(command: str, text: str, profile: Profile, terminal: Terminal) -> Exit:
    """A text that is itself the result; with --json as part of the object."""
    if not terminal.json_wanted:
        terminal.result(text)
        return Exit.DONE
    from gonkagate_setup.report import Report

    report = Report(
        command=command,
        status="success",
        exit_status=Exit.DONE,
        message="`text` is what is printed without --json",
        profile=profile,
        details={"text": text},
    )
    return _show(report, terminal)


_VERBS = {
    "setup": _setup,
    "verify": _verify,
    "models": _models,
    "undo": _undo,
    "uninstall": _uninstall,
}
# These write into the home, or start opencode, which does.
_AT_HOME = ("setup", "verify", "undo", "uninstall")
# What these changed is kept, even if the result could not be printed.
_CHANGING = ("setup", "undo", "uninstall")
_ONLY_SAYING = ("--dry-run", "-h", "--help", "-v", "--version")
_STANDS = (Exit.DONE, Exit.SESSION_BLOCKED)


def _read_stdin_key() -> str:
    if sys.stdin is None or sys.stdin.isatty():
        raise Refusal(
            "secret_source_unavailable",
            "--api-key-stdin reads the key from a pipe, but standard input is a terminal",
            next_step="leave out --api-key-stdin to type the key at the hidden prompt",
        )
    from gonkagate_setup.credential import text_of

    text = text_of(sys.stdin.buffer.read(_STDIN_LIMIT))
    if not text.strip("\ufeff\0 \t\r\n"):
        raise Refusal(
            "secret_stdin_empty",
            "--api-key-stdin found no key on standard input",
            next_step="pipe the key in, for example from a password manager",
        )
    return text


def _color(argv: Sequence[str]) -> str:
    # Read before the arguments are parsed, because errors in them are printed in colour too.
    found = [word.split("=", 1)[1] for word in argv if word.startswith("--color=")]
    found += [following for word, following in zip(argv, argv[1:]) if word == "--color"]
    return found[-1] if found and found[-1] in ("always", "never") else "auto"


@signals.uninterrupted
def _show(report: Report, terminal: Terminal) -> Exit:
    """Print how it ended; everything is done by then, so a signal during this changes nothing."""
    if terminal.json_wanted:
        from gonkagate_setup.report import to_json

        terminal.json(to_json(report, __version__))
    else:
        from gonkagate_setup.ui import render

        terminal.result(render.report(report, width=terminal.width))
    return report.exit_status


def _fail(command: str, error: Refusal, profile: Profile, terminal: Terminal) -> Exit:
    # With --json there is one object; an error after it is printed as text.
    if not terminal.json_wanted or terminal.delivered:
        terminal.error(error)
        return status_of(error)
    from gonkagate_setup.report import Report

    report = Report(
        command=command,
        status="failed",
        exit_status=status_of(error),
        message=error.message,
        profile=profile,
        error=error,
        error_code=code_of(error),
        next_step=error.next_step,
    )
    return _show(report, terminal)


def _undelivered(why: str, *, stands: bool) -> Refusal:
    return Refusal(
        "result_not_written",
        f"The result could not be written to standard output ({why.lower()})"
        + ("; the changes were kept" if stands else ""),
        next_step="free up space, then check the result with: gonkagate-setup verify"
        if stands
        else "free up space or send the output elsewhere, then run this command again",
    )


def _interrupted() -> Refusal:
    return Refusal(
        "cancelled",
        f"Interrupted after all changes were made; {signals.KEPT}"
        if signals.committed()
        else "Cancelled; nothing was changed",
        next_step="run this command again when you want to continue",
    )


def _unexpected(fault: Exception, argv: Sequence[str], command: str) -> Refusal:
    from foundation import crash

    try:
        known = {name for flag in command_line.describe(command, GONKAGATE).flags for name in flag.names}
    except Exception:  # noqa: BLE001 - the fault may lie in there
        known = set()
    given = (word.split("=", 1)[0] for word in argv)
    program = crash.Program(
        command_line.PROGRAM, _version(), frozenset({"foundation", "opencode_config", "gonkagate_setup"})
    )
    report = crash.write(program, fault, command, [name for name in given if name in known])
    hint = "the command that you ran" if report is None else "that file, which contains no key and no config"
    now = f"it happened after all changes were made, and {signals.KEPT}"
    return Refusal(
        "unexpected_error",
        f"Internal error ({type(fault).__name__}); "
        + (now if signals.committed() else "all changes were rolled back"),
        where=None if report is None else Where(str(report)),
        next_step=f"please report it at {_ISSUES} with {hint}",
    )
