"""The commands and exit statuses of sovereigncode, as its page in docs/ shows them."""

from __future__ import annotations

import argparse

from sovereigncode import command_line
from sovereigncode.errors import CODES, Exit

_MEANINGS = {
    Exit.DONE: "done, or allowed",
    Exit.FAULT: "a fault of this program",
    Exit.USAGE: "a wrong command line, or an answer that nobody could give",
    Exit.FILE: "a file is invalid or cannot be written; nothing was changed",
    Exit.DENIED: "denied, declined, not approved, not proved, or the chain of records does not hold",
    Exit.HANGUP: "the terminal was closed",
    Exit.INTERRUPTED: "cancelled with Ctrl-C",
    Exit.TERMINATED: "ended by SIGTERM",
}


def commands() -> str:
    """Every command with what it takes, a line each."""
    lines = ["| command | what it does |", "| --- | --- |"]
    for name, parser in command_line.parsers().items():
        if name == command_line.PROGRAM:
            continue
        taken = " ".join([name, *filter(None, map(_word, parser._actions))])  # noqa: SLF001 - no public list
        lines.append(f"| `{taken.replace('|', chr(92) + '|')}` | {parser.description} |")
    return "\n".join(lines)


def _word(action: argparse.Action) -> str:
    """What is typed for it; empty for what every command takes."""
    if action.dest in ("json", "cwd", "help", "version"):
        return ""
    name = str(action.metavar or action.dest.upper())
    if action.option_strings:
        value = "|".join(map(str, action.choices)) if action.choices and not action.metavar else name
        return (
            f"[{action.option_strings[0]}]" if action.nargs == 0 else f"[{action.option_strings[0]} {value}]"
        )
    return f"[{name}]" if action.nargs == "?" or name == "ACTION" else name


def statuses() -> str:
    """Every exit status with its error codes."""
    lines = ["| status | meaning | codes |", "| --- | --- | --- |"]
    for status, meaning in _MEANINGS.items():
        codes = ", ".join(f"`{code}`" for code, found in CODES.items() if found is status)
        lines.append(f"| {int(status)} | {meaning} | {codes} |")
    return "\n".join(lines)
