"""A command line of verbs, each with a parser of its own; what is wrong is said without values."""

from __future__ import annotations

import argparse
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Final, Mapping, NoReturn, Sequence

from foundation.errors import Refusal, Where
from foundation.terminal.text import closest

_OPTION: Final = re.compile(r"--?[a-z][a-z-]{0,23}")


class Parser(argparse.ArgumentParser):
    """Raises instead of printing and leaving, so that --json gets its object and no value is echoed."""

    def error(self, message: str) -> NoReturn:
        """Raises Refusal usage_error."""
        # argparse's own message quotes what was typed; option names in it are ours.
        named = re.match(r"argument (--?[a-z-]+)", message)
        what = f"something is wrong with {named[1]}" if named else "this command line is not valid"
        raise Refusal("usage_error", what, next_step=f"see: {self.prog} --help")


def program(prog: str, description: str) -> Parser:
    """The parser of a program, with the options that every verb has too."""
    made = Parser(prog=prog, description=description, add_help=False, allow_abbrev=False)
    _common(made)
    return made


def add_verbs(parser: Parser, dest: str, metavar: str, verbs: Mapping[str, str]) -> dict[str, Parser]:
    """A parser for each verb (its name, and what it does), reached by that word in `parser`."""
    inner = parser.add_subparsers(dest=dest, metavar=metavar, parser_class=Parser)
    made = {}
    for name, summary in verbs.items():
        made[name] = inner.add_parser(
            name,
            prog=f"{parser.prog} {name}",
            help=summary,
            description=f"{summary[:1].upper()}{summary[1:]}.",
            add_help=False,
            allow_abbrev=False,
        )
        _common(made[name])
    return made


@dataclass(frozen=True)
class CommandLine:
    """A program's command line: what makes its parser, and its verbs, each with what it does."""

    parser: Callable[[], Parser]
    verbs: Mapping[str, str]

    def parse(self, argv: Sequence[str]) -> argparse.Namespace:
        """The typed arguments; raises Refusal usage_error with a sentence that repeats no value.

        `help` and then `words`, the words that name a verb, if help is wanted: nothing else has to be right.
        """
        parser = self.parser()
        if {"-h", "--help"} & {*argv}:
            words = [word for word in argv if word in _words(parser)]
            return argparse.Namespace(help=True, words=words, json="--json" in argv)
        arguments, unknown = parser.parse_known_args(list(argv))
        if unknown:
            command = self.verb(argv)
            options = [word.split("=")[0] for word in unknown if _OPTION.fullmatch(word.split("=")[0])]
            raise Refusal(
                "usage_error",
                f"unknown option: {options[0]}"
                if options
                else "there are too many words on this command line",
                next_step=f"see: {parser.prog}{f' {command}' if command else ''} --help",
            )
        arguments.json = getattr(arguments, "json", False)
        cwd = getattr(arguments, "cwd", None)
        arguments.cwd = None if cwd is None else _existing(cwd)
        return arguments

    def verb(self, argv: Sequence[str]) -> str:
        """The verb that `argv` names, or an empty text."""
        return next((word for word in argv if word in self.verbs), "")

    def help_text(self, words: Sequence[str] = ()) -> str:
        """The help of the program, of a verb or of one of its actions."""
        parser = self.parser()
        for word in words:
            parser = _inner(parser).get(word, parser)
        return parser.format_help()

    def parsers(self) -> dict[str, Parser]:
        """Every parser by what is typed to reach it, for the documentation."""
        return _parsers(self.parser())


def _parsers(parser: Parser) -> dict[str, Parser]:
    found = {parser.prog: parser}
    for inner in _inner(parser).values():
        found.update(_parsers(inner))
    return found


def _words(parser: Parser) -> set[str]:
    inner = _inner(parser)
    return set(inner).union(*map(_words, inner.values()))


def _inner(parser: Parser) -> dict[str, Parser]:
    for action in parser._actions:  # noqa: SLF001 - argparse has no public list of what was added
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - nor of its kinds
            return dict(action.choices)
    return {}


def _common(parser: Parser) -> None:
    group = parser.add_argument_group("everywhere")
    absent = argparse.SUPPRESS
    group.add_argument(
        "--json", action="store_true", default=absent, help="print exactly one JSON object on stdout"
    )
    group.add_argument("--cwd", metavar="PATH", default=absent, help="act as if started in PATH")
    group.add_argument("-h", "--help", action="store_true", default=absent, help="show this help")
    group.add_argument("--version", action="store_true", default=absent, help="show the version")


def _existing(name: str) -> Path:
    path = Path(name)
    if not path.is_dir():
        near = (
            closest(path.name, [one.name for one in path.parent.iterdir()]) if path.parent.is_dir() else None
        )
        raise Refusal(
            "working_directory_unusable",
            "--cwd does not name a folder",
            where=Where(name),
            next_step=f"did you mean {path.parent / near}?" if near else "name a folder that exists",
        )
    return path.resolve()
