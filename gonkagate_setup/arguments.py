"""The command line as data: one parser a verb. Help, completion and the man page come from here."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Callable, Mapping, NoReturn, Sequence

from gonkagate_setup.core.catalog import Profile
from gonkagate_setup.core.state import Scope
from gonkagate_setup.errors import SetupError

PROGRAM = "gonkagate-setup"
DEFAULT_VERB = "setup"


class _Parser(argparse.ArgumentParser):
    """Raises instead of printing and leaving, so that --json gets its object and no value is echoed."""

    def error(self, message: str) -> NoReturn:
        raise SetupError("usage_error", _sentence(message), next_step=f"see: {self.prog} --help")


def _sentence(message: str) -> str:
    # argparse quotes what was typed; a value can be a key with a typing mistake, a name cannot.
    if message.startswith("unrecognized arguments: "):
        names = [word.split("=")[0] for word in message.split(": ", 1)[1].split() if word.startswith("-")]
        return "unknown option: " + ", ".join(names) if names else "there is an argument that no option takes"
    if ": invalid " in message:
        return message.split(": invalid ", 1)[0] + " has a value that it does not take"
    return message


def _existing_folder(text: str) -> Path:
    path = Path(text)
    if not path.is_dir():
        raise SetupError(
            "working_directory_unusable",
            "--cwd names a folder that does not exist",
            next_step="name an existing folder; none is made for you",
        )
    return path


def _common(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("output")
    group.add_argument("--json", action="store_true", help="print exactly one JSON object on stdout")
    group.add_argument("--quiet", action="store_true", help="print results and errors only")
    group.add_argument(
        "--color", choices=("auto", "always", "never"), default="auto", help="colour (default: auto)"
    )
    group.add_argument("-h", "--help", action="store_true", help="show this help")
    group.add_argument("-v", "--version", action="store_true", help="show the version")


def _working_folder(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--cwd", metavar="PATH", help="act as if started in this folder (default: the current one)"
    )


def _setup(parser: argparse.ArgumentParser, profile: Profile) -> None:
    parser.add_argument("--model", metavar="KEY", help="model key; see: gonkagate-setup models")
    parser.add_argument(
        "--scope",
        choices=[scope.value for scope in Scope],
        help="user: every folder on this account; project: only this project",
    )
    _working_folder(parser)
    parser.add_argument(
        "--api-key-stdin", action="store_true", help="read the API key from standard input, which ends it"
    )
    parser.add_argument(
        "--yes", action="store_true", help="take the recommended answers and do not ask to confirm"
    )
    parser.add_argument("--dry-run", action="store_true", help="show what would change and stop there")
    parser.add_argument(
        "--on-blocked",
        choices=("rollback", "keep"),
        default="rollback",
        help="when this folder's own config is in the way of user scope: put everything back (default), or "
        "keep the setup for every other folder",
    )
    parser.add_argument("--no-input", action="store_true", help="never ask; name the missing option instead")
    parser.epilog = (
        f"The key comes from the hidden prompt, from {profile.key_variable}, or from --api-key-stdin; "
        "a key that is already stored is used again. It is never taken as an argument."
    )


def _verify(parser: argparse.ArgumentParser, profile: Profile) -> None:
    del profile
    _working_folder(parser)


def _models(parser: argparse.ArgumentParser, profile: Profile) -> None:
    parser.epilog = f"Models are written under provider.{profile.id}.models; opencode's /models switches."


def _taking_back(parser: argparse.ArgumentParser) -> None:
    _working_folder(parser)
    parser.add_argument("--yes", action="store_true", help="do not ask to confirm")
    parser.add_argument("--dry-run", action="store_true", help="show what would change and stop there")
    parser.add_argument("--no-input", action="store_true", help="never ask; name the missing option instead")


def _undo(parser: argparse.ArgumentParser, profile: Profile) -> None:
    _taking_back(parser)
    parser.epilog = (
        "A file that nobody changed since gets its former bytes back. In one that was changed, only the keys "
        f"that the setup wrote are turned back. The stored {profile.display_name} key stays."
    )


def _uninstall(parser: argparse.ArgumentParser, profile: Profile) -> None:
    _taking_back(parser)
    parser.add_argument("--keep-key", action="store_true", help="leave the stored key where it is")
    parser.epilog = (
        f"Takes {profile.display_name}'s own settings out of your opencode config and out of this folder's "
        "project file, then removes the key, the notes and the backups. What you added yourself stays and "
        "is named. Projects elsewhere cannot be known: run it there too."
    )


_BUILDERS: Mapping[str, tuple[str, Callable[[argparse.ArgumentParser, Profile], None]]] = {
    "setup": ("set opencode up for GonkaGate (the default)", _setup),
    "verify": ("ask opencode whether it uses GonkaGate, changing nothing", _verify),
    "models": ("list the curated models with their sources", _models),
    "undo": ("take the last setup's edits back", _undo),
    "uninstall": ("remove everything that this program put on the machine", _uninstall),
}
VERBS: tuple[str, ...] = tuple(_BUILDERS)


def parser_for(name: str, profile: Profile) -> argparse.ArgumentParser:
    """The parser of one verb; `setup` is also the program's own, and its help lists the other verbs."""
    summary, build = _BUILDERS[name]
    parser = _Parser(
        prog=PROGRAM if name == DEFAULT_VERB else f"{PROGRAM} {name}",
        description=summary[0].upper() + summary[1:] + ".",
        add_help=False,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    build(parser, profile)
    _common(parser)
    parser.set_defaults(command=name)
    return parser


def parse(argv: Sequence[str], profile: Profile) -> argparse.Namespace:
    """The typed arguments; raises SetupError usage_error with a sentence that repeats no value."""
    name, rest = _split(argv)
    arguments = parser_for(name, profile).parse_args(rest)
    if getattr(arguments, "cwd", None) is not None:
        arguments.cwd = _existing_folder(arguments.cwd)
    return arguments


def _split(argv: Sequence[str]) -> tuple[str, list[str]]:
    for index, word in enumerate(argv):
        if word in VERBS and not (index and _takes_value(argv[index - 1])):
            return word, [*argv[:index], *argv[index + 1 :]]
    return DEFAULT_VERB, list(argv)


def _takes_value(word: str) -> bool:
    return word in ("--model", "--scope", "--cwd", "--color", "--on-blocked")


def help_text(name: str, profile: Profile) -> str:
    """The help of one verb."""
    return parser_for(name, profile).format_help()


def verb(argv: Sequence[str]) -> str:
    """The verb that `argv` names, or the default one."""
    return _split(argv)[0]
