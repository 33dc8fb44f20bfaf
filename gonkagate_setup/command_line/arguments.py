"""The command line as data: one parser a verb. Help, completion and the man page come from here."""

from __future__ import annotations

import argparse
from typing import Any, Callable, Final, Mapping, NoReturn, Sequence

from foundation.errors import Refusal
from foundation.terminal import usage
from foundation.terminal.usage import Flag, Verb
from gonkagate_setup.catalog import Profile
from gonkagate_setup.choice import Scope
from gonkagate_setup.command_line import usage_errors

PROGRAM: Final = "gonkagate-setup"
DEFAULT_VERB: Final = "setup"
SHELLS: Final = ("bash", "zsh", "fish", "powershell")
_SHORTEST, _LIVE_SECONDS, _LONGEST = 5, 90, 600


class _Parser(argparse.ArgumentParser):
    """Raises instead of printing and leaving, so that --json gets its object and no value is echoed."""

    def error(self, message: str) -> NoReturn:
        # argparse's own message quotes what was typed.
        del message
        raise Refusal("usage_error", "this command line is not valid", next_step=f"see: {self.prog} --help")


def _one_of(name: str, values: Sequence[str]) -> Callable[[str], str]:
    def check(text: str) -> str:
        if text in values:
            return text
        raise usage_errors.value(name, text, values)

    return check


def _choice(parser: argparse._ActionsContainer, name: str, values: Sequence[str], **more: Any) -> None:
    parser.add_argument(name, type=_one_of(name, values), choices=values, **more)


def _common(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("output")
    group.add_argument("--json", action="store_true", help="print exactly one JSON object on stdout")
    group.add_argument("--quiet", action="store_true", help="print results and errors only")
    _choice(group, "--color", ("auto", "always", "never"), default="auto", help="colour (default: auto)")
    group.add_argument("-h", "--help", action="store_true", help="show this help")
    group.add_argument("-v", "--version", action="store_true", help="show the version")


def _working_folder(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--cwd", metavar="PATH", help="act as if started in PATH (default: the current folder)"
    )


def _setup(parser: argparse.ArgumentParser, profile: Profile) -> None:
    parser.add_argument("--model", metavar="MODEL", help="the model to use; see: gonkagate-setup models")
    _choice(
        parser,
        "--scope",
        [scope.value for scope in Scope],
        help="user: every folder on this account; project: only this project",
    )
    _working_folder(parser)
    parser.add_argument(
        "--api-key-stdin", action="store_true", help="read the API key from standard input, to end of file"
    )
    parser.add_argument(
        "--yes", action="store_true", help="accept the recommended answers and do not ask for confirmation"
    )
    parser.add_argument("--dry-run", action="store_true", help="show what would change; change nothing")
    _choice(
        parser,
        "--on-blocked",
        ("rollback", "keep", "fix", "available"),
        help="what to do if opencode would not use GonkaGate: put everything back (rollback, the default), "
        "keep the setup for every other folder (keep), change what is in the way in your own config and the "
        "project's (fix), or only make the models available (available)",
    )
    parser.add_argument("--no-input", action="store_true", help="never ask; report what is missing instead")
    parser.epilog = (
        f"The key comes from the hidden prompt, from {profile.key_variable}, or from --api-key-stdin; "
        "a key that is already stored is used again. It is never accepted as an argument."
    )


def _verify(parser: argparse.ArgumentParser, profile: Profile) -> None:
    _working_folder(parser)
    parser.add_argument(
        "--live",
        action="store_true",
        help=f"also ask {profile.display_name}, with the stored key: its model list and one short answer",
    )
    parser.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=_seconds,
        help=f"how long --live may take in total, {_SHORTEST} to {_LONGEST} (default: {_LIVE_SECONDS})",
    )


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not _SHORTEST <= seconds <= _LONGEST:
        raise Refusal(
            "usage_error",
            "invalid value for --timeout",
            next_step=f"give a number of seconds from {_SHORTEST} to {_LONGEST}",
        )
    return seconds


def _models(parser: argparse.ArgumentParser, profile: Profile) -> None:
    _working_folder(parser)
    parser.epilog = f"Models are written under provider.{profile.id}.models; switch with /models in opencode."


def _taking_back(parser: argparse.ArgumentParser) -> None:
    _working_folder(parser)
    parser.add_argument("--yes", action="store_true", help="do not ask for confirmation")
    parser.add_argument("--dry-run", action="store_true", help="show what would change; change nothing")
    parser.add_argument("--no-input", action="store_true", help="never ask; report what is missing instead")


def _undo(parser: argparse.ArgumentParser, profile: Profile) -> None:
    _taking_back(parser)
    parser.epilog = (
        "A file that has not changed since is restored byte for byte. In a changed file, only the keys "
        f"that the setup wrote are restored. The stored {profile.display_name} key is kept."
    )


def _uninstall(parser: argparse.ArgumentParser, profile: Profile) -> None:
    _taking_back(parser)
    parser.add_argument("--keep-key", action="store_true", help="keep the stored key")
    parser.epilog = (
        f"Removes {profile.display_name}'s own settings from your opencode config and from this folder's "
        "project file, then removes the key, the records and the backups. What you added yourself is kept "
        "and listed. Other projects are not searched; run uninstall there too."
    )


def _completion(parser: argparse.ArgumentParser, profile: Profile) -> None:
    del profile
    parser.add_argument("shell", nargs="?", type=_one_of("completion", SHELLS), choices=SHELLS)
    parser.epilog = (
        "bash: add  source <(gonkagate-setup completion bash)  to ~/.bashrc; zsh: save it as "
        "_gonkagate-setup in a folder of $fpath; fish: save it as "
        "~/.config/fish/completions/gonkagate-setup.fish; PowerShell: add it to your $PROFILE."
    )


def _help(parser: argparse.ArgumentParser, profile: Profile) -> None:
    del profile
    parser.add_argument("verb", nargs="?", type=_one_of("help", VERBS), choices=VERBS)
    parser.epilog = "Same as adding --help to the command, for example: gonkagate-setup help verify"


def _man(parser: argparse.ArgumentParser, profile: Profile) -> None:
    del profile
    parser.epilog = "For example: gonkagate-setup man | man -l -"


_BUILDERS: Mapping[str, tuple[str, Callable[[argparse.ArgumentParser, Profile], None]]] = {
    "setup": ("set opencode up for GonkaGate (the default)", _setup),
    "verify": ("ask opencode whether it uses GonkaGate; change nothing", _verify),
    "models": ("list the models with their sources", _models),
    "undo": ("undo the last setup's changes", _undo),
    "uninstall": ("remove everything that this program put on this machine", _uninstall),
    "completion": ("print a completion script for a shell", _completion),
    "man": ("print the manual page", _man),
    "help": ("show help for a command", _help),
}
VERBS: tuple[str, ...] = tuple(_BUILDERS)


def parser_for(name: str, profile: Profile) -> argparse.ArgumentParser:
    """The parser of one verb; `setup` is also the program's own."""
    build = _BUILDERS[name][1]
    parser = _Parser(
        prog=PROGRAM if name == DEFAULT_VERB else f"{PROGRAM} {name}",
        add_help=False,
        allow_abbrev=False,
        exit_on_error=False,
    )
    build(parser, profile)
    _common(parser)
    parser.set_defaults(command=name)
    return parser


def parse(argv: Sequence[str], profile: Profile) -> argparse.Namespace:
    """The typed arguments; raises Refusal usage_error with a sentence that repeats no value."""
    name, rest = _split(argv)
    parser = parser_for(name, profile)
    try:
        arguments, unknown = parser.parse_known_args(rest)
    except argparse.ArgumentError as problem:
        verb_ = describe(name, profile)
        raise usage_errors.number_of_values(problem.argument_name or "", verb_, parser.prog) from None
    if unknown:
        verbs = tuple(describe(one, profile) for one in VERBS)
        raise usage_errors.unknown(unknown, describe(name, profile), verbs, parser.prog)
    if getattr(arguments, "cwd", None) is not None:
        arguments.cwd = usage_errors.existing_folder(arguments.cwd)
    if name == "verify":
        arguments.timeout = _live_seconds(arguments)
    return arguments


def _live_seconds(arguments: argparse.Namespace) -> float:
    if arguments.timeout is not None and not arguments.live:
        raise Refusal(
            "usage_error",
            "--timeout requires --live",
            next_step="add --live, or leave out --timeout",
        )
    return _LIVE_SECONDS if arguments.timeout is None else float(arguments.timeout)


def _split(argv: Sequence[str]) -> tuple[str, list[str]]:
    for index, word in enumerate(argv):
        if word in VERBS and not (index and _takes_value(argv[index - 1])):
            return word, [*argv[:index], *argv[index + 1 :]]
    return DEFAULT_VERB, list(argv)


def _takes_value(word: str) -> bool:
    return word in ("--model", "--scope", "--cwd", "--color", "--on-blocked", "--timeout")


def describe(name: str, profile: Profile) -> Verb:
    """The parser of a verb as a value."""
    parser = parser_for(name, profile)
    actions = parser._actions  # noqa: SLF001 - argparse has no public list of what was added
    positional = next((action for action in actions if not action.option_strings), None)
    return Verb(
        name=name,
        summary=_BUILDERS[name][0],
        flags=tuple(_flag(action, profile) for action in actions if action.option_strings),
        epilog=parser.epilog or "",
        words=() if positional is None else tuple(positional.choices or ()),
        word="" if positional is None else positional.dest,
        default=name == DEFAULT_VERB,
    )


def _flag(action: argparse.Action, profile: Profile) -> Flag:
    choices = tuple(action.choices or ())
    if action.dest == "model":
        choices = tuple(model.key for model in profile.validated)
    value = str(action.metavar or "|".join(choices)) if action.nargs != 0 else None
    return Flag(tuple(action.option_strings), value, choices, action.help or "", folder=value == "PATH")


def help_text(name: str, profile: Profile, width: int) -> str:
    """The help of one verb."""
    verbs = tuple(describe(one, profile) for one in VERBS) if name == DEFAULT_VERB else ()
    return usage.help_text(PROGRAM, describe(name, profile), verbs, width)


def verb(argv: Sequence[str]) -> str:
    """The verb that `argv` names, or the default one."""
    return _split(argv)[0]
