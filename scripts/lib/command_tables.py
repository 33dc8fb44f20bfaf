"""The commands and exit statuses of a program with verbs, as its page in docs/ shows them."""

from __future__ import annotations

import argparse
from enum import IntEnum
from typing import Mapping, TypeVar

Status = TypeVar("Status", bound=IntEnum)


def commands(parsers: Mapping[str, argparse.ArgumentParser]) -> str:
    """Every command with what it takes, a line each; the first parser is the program's own."""
    lines = ["| command | what it does |", "| --- | --- |"]
    for name, parser in [*parsers.items()][1:]:
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


def statuses(codes: Mapping[str, Status], meanings: Mapping[Status, str]) -> str:
    """Every exit status with its error codes."""
    lines = ["| status | meaning | codes |", "| --- | --- | --- |"]
    for status, meaning in meanings.items():
        found = ", ".join(f"`{code}`" for code, of in codes.items() if of is status)
        lines.append(f"| {int(status)} | {meaning} | {found} |")
    return "\n".join(lines)


def filled(text: str, tables: Mapping[str, str]) -> str:
    """The page with these tables between their marks."""
    for name, made in tables.items():
        begin, end = f"<!-- {name}: scripts/write_docs.py -->", f"<!-- end of {name} -->"
        before, rest = text.split(begin)
        text = f"{before}{begin}\n{made}\n{end}{rest.split(end)[1]}"
    return text
