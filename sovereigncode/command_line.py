"""The command line as data: one parser a verb. Help and the documentation come from here."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Final, NoReturn, Sequence

from foundation.errors import Refusal, Where
from foundation.terminal.text import closest
from sovereigncode.core.words import Sensitivity, words

PROGRAM: Final = "sovereigncode"
VERBS: Final = {
    "init": "make this folder a workspace: capsule, tenant policy, and the provider in opencode's config",
    "check": "say everything that is wrong with this workspace, with file, line and column",
    "evaluate": "decide one request, and record the decision",
    "approvals": "list, show and decide what waits for a person's yes or no",
    "audit": "check, show and export the records",
}
APPROVALS: Final = {
    "list": "every approval, newest first",
    "show": "one approval, with its diff",
    "approve": "say yes to one, in a terminal",
    "reject": "say no to one",
    "watch": "show new ones as they come, and ask",
}
AUDIT: Final = {
    "verify": "check that the chain of records holds",
    "show": "show records",
    "export": "write records as CSV or JSON",
}
_OPTION: Final = re.compile(r"--?[a-z][a-z-]{0,23}")


class _Parser(argparse.ArgumentParser):
    """Raises instead of printing and leaving, so that --json gets its object and no value is echoed."""

    def error(self, message: str) -> NoReturn:
        # argparse's own message quotes what was typed; option names in it are ours.
        named = re.match(r"argument (--?[a-z-]+)", message)
        what = f"something is wrong with {named[1]}" if named else "this command line is not valid"
        raise Refusal("usage_error", what, next_step=f"see: {self.prog} --help")


def parser() -> argparse.ArgumentParser:
    """The whole command line. Options that every verb has may come before or after it."""
    top = _new(PROGRAM, "Decide, approve and record what an agent may do with a workspace.")
    verbs = top.add_subparsers(dest="command", metavar="COMMAND", parser_class=_Parser)
    made = {name: _verb(verbs, PROGRAM, name, help_) for name, help_ in VERBS.items()}
    _init(made["init"])
    made["evaluate"].add_argument(
        "file", nargs="?", default="-", metavar="FILE|-", help="the request as JSON"
    )
    _actions(made["approvals"], "approvals", APPROVALS)
    _actions(made["audit"], "audit", AUDIT)
    return top


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """The typed arguments; raises Refusal usage_error with a sentence that repeats no value."""
    if {"-h", "--help"} & {*argv}:
        # Help needs nothing else to be right.
        words_ = [word for word in argv if word in (*VERBS, *APPROVALS, *AUDIT)]
        return argparse.Namespace(help=True, words=words_, json="--json" in argv)
    arguments, unknown = parser().parse_known_args(list(argv))
    command = verb(argv)
    if unknown:
        options = [word.split("=")[0] for word in unknown if _OPTION.fullmatch(word.split("=")[0])]
        raise Refusal(
            "usage_error",
            f"unknown option: {options[0]}" if options else "there are too many words on this command line",
            next_step=f"see: {PROGRAM}{f' {command}' if command else ''} --help",
        )
    arguments.json = getattr(arguments, "json", False)
    cwd = getattr(arguments, "cwd", None)
    arguments.cwd = None if cwd is None else _existing(cwd)
    return arguments


def verb(argv: Sequence[str]) -> str:
    """The verb that `argv` names, or an empty text."""
    return next((word for word in argv if word in VERBS), "")


def help_text(words_: Sequence[str]) -> str:
    """The help of the program, of a verb or of one of its actions."""
    found = parser()
    for word in words_:
        inner = _inner(found).get(word)
        if inner is not None:
            found = inner
    return found.format_help()


def parsers() -> dict[str, argparse.ArgumentParser]:
    """Every parser by what is typed to reach it, for the documentation."""
    top = parser()
    found = {PROGRAM: top}
    for name, inner in _inner(top).items():
        found[f"{PROGRAM} {name}"] = inner
        for action, innermost in _inner(inner).items():
            found[f"{PROGRAM} {name} {action}"] = innermost
    return found


def _inner(parser_: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    for action in parser_._actions:  # noqa: SLF001 - argparse has no public list of what was added
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - nor of its kinds
            return dict(action.choices)
    return {}


def _new(prog: str, description: str) -> argparse.ArgumentParser:
    made = _Parser(prog=prog, description=description, add_help=False, allow_abbrev=False)
    _common(made)
    return made


def _common(parser_: argparse.ArgumentParser) -> None:
    group = parser_.add_argument_group("everywhere")
    absent = argparse.SUPPRESS
    group.add_argument(
        "--json", action="store_true", default=absent, help="print exactly one JSON object on stdout"
    )
    group.add_argument("--cwd", metavar="PATH", default=absent, help="act as if started in PATH")
    group.add_argument("-h", "--help", action="store_true", default=absent, help="show this help")
    group.add_argument("--version", action="store_true", default=absent, help="show the version")


def _verb(
    verbs: argparse._SubParsersAction[_Parser], prog: str, name: str, help_: str
) -> argparse.ArgumentParser:
    made = verbs.add_parser(
        name,
        prog=f"{prog} {name}",
        help=help_,
        description=f"{help_[:1].upper()}{help_[1:]}.",
        add_help=False,
        allow_abbrev=False,
    )
    _common(made)
    return made


def _init(parser_: argparse.ArgumentParser) -> None:
    parser_.add_argument(
        "--sensitivity", choices=words(Sensitivity), metavar="S", help="how the data is treated"
    )
    parser_.add_argument("--jurisdiction", metavar="J", help="the region whose law counts, for example NZ")
    parser_.add_argument(
        "--purpose",
        action="append",
        metavar="P",
        help="what requests may be for; may be given more than once",
    )
    parser_.add_argument("--tenant", metavar="T", help="whose policy this is")
    parser_.add_argument(
        "--key-file", metavar="F", help="opencode reads its key for the gateway from this file"
    )
    parser_.add_argument(
        "--yes", action="store_true", help="accept the recommended answers and do not ask for confirmation"
    )


def _actions(parser_: argparse.ArgumentParser, name: str, actions: dict[str, str]) -> None:
    inner = parser_.add_subparsers(dest="action", metavar="ACTION", parser_class=_Parser)
    made = {action: _verb(inner, f"{PROGRAM} {name}", action, help_) for action, help_ in actions.items()}
    for action in {"show", "approve", "reject"} & set(made) if name == "approvals" else ():
        made[action].add_argument("id", metavar="ID", help="the approval's id, or its beginning")
    for action in {"approve", "reject"} & set(made):
        made[action].add_argument("--note", metavar="TEXT", help="a sentence that is kept with the answer")
    if name == "approvals":
        made["list"].add_argument("--state", metavar="STATE", help="only those in this state")
    else:
        _records(made["show"])
        _records(made["export"])
        made["export"].add_argument(
            "--format", choices=("csv", "json"), default="csv", help="csv (default) or json"
        )
        made["export"].add_argument("--output", metavar="FILE", help="write to a new file instead of stdout")


def _records(parser_: argparse.ArgumentParser) -> None:
    for name in ("kind", "decision", "actor", "model"):
        parser_.add_argument(f"--{name}", metavar=name.upper(), help=f"only records with this {name}")
    parser_.add_argument(
        "--since", metavar="TIME", help="only records from this time on, for example 2026-11-27"
    )
    parser_.add_argument("--limit", metavar="N", type=int, help="only the newest N")


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
