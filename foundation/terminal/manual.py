"""The manual page (man-pages(7)), made from the same parsers as the help."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Mapping, Sequence

from foundation.terminal.usage import Verb, heading


@dataclass(frozen=True)
class Manual:
    """What a page says; `exits`, `environment` and `files` have a meaning for each status or name."""

    program: str
    version: str
    summary: str
    description: str
    verbs: Sequence[Verb]
    exits: Mapping[int, str]
    environment: Mapping[str, str]
    files: Mapping[str, str]


def page(manual: Manual) -> str:
    """The whole page as roff."""
    program = manual.program
    lines = [
        f'.TH {_word(program.upper())} 1 "" {_word(f"{program} {manual.version}")}',
        ".SH NAME",
        f"{_text(program)} \\- {_text(manual.summary)}",
        ".SH SYNOPSIS",
    ]
    for verb in manual.verbs:
        words = f" {'|'.join(verb.words)}" if verb.words else ""
        name = f"[{verb.name}]" if verb.default else verb.name
        lines += [f".B {_text(program)}", _text(f"{name}{words} [options]"), ".br"]
    lines += [".SH DESCRIPTION", _text(manual.description), ".SH COMMANDS"]
    for verb in manual.verbs:
        lines += [f".SS {_word(verb.name)}", _text(verb.description)]
        for flag in verb.flags:
            lines += [".TP", f".B {_text(heading(flag))}", _text(flag.help)]
        if verb.epilog:
            lines += [".PP", _text(verb.epilog)]
    lines += [".SH EXIT STATUS"]
    for status, meaning in manual.exits.items():
        lines += [".TP", f".B {int(status)}", _text(meaning)]
    for section, font, entries in (
        ("ENVIRONMENT", ".B", manual.environment),
        ("FILES", ".I", manual.files),
    ):
        lines += [f".SH {section}"]
        for name, about in entries.items():
            lines += [".TP", f"{font} {_text(name)}", _text(about)]
    return "\n".join(lines) + "\n"


def _text(text: str) -> str:
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    # A line that begins with one of these would be a command to the formatter.
    return re.sub(r"\A(?=[.'])", r"\\&", escaped)


def _word(text: str) -> str:
    return '"' + _text(text).replace('"', "\\(dq") + '"'
