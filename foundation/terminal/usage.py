"""The command line as a value, and its help; manual page and completion scripts use the same value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from foundation.terminal.text import columns, wrap

_WIDEST_NAME: Final = 24
_LEAST_FOR_TWO_COLUMNS: Final = 60


@dataclass(frozen=True)
class Flag:
    """An option: its names, what its value is called (None: it has none), and the values that it accepts.

    `folder`: the value is a folder.
    """

    names: tuple[str, ...]
    value: str | None
    choices: tuple[str, ...]
    help: str
    folder: bool = False


@dataclass(frozen=True)
class Verb:
    """One verb. `words` may follow it and are called `word`; `default`: its name may be left out."""

    name: str
    summary: str
    flags: tuple[Flag, ...]
    epilog: str
    words: tuple[str, ...] = ()
    word: str = ""
    default: bool = False

    @property
    def description(self) -> str:
        """The summary as a sentence."""
        return self.summary[0].upper() + self.summary[1:] + "."


def help_text(program: str, verb: Verb, verbs: tuple[Verb, ...], width: int) -> str:
    """The help of one verb; the default one also lists the others."""
    named = f"[{verb.name}]" if verb.default else verb.name
    words = f" {'|'.join(verb.words)}" if verb.words else ""
    lines = [
        wrap(f"usage: {program} {named}{words} [options]", width, rest="  "),
        "",
        wrap(verb.description, width),
    ]
    lines += ["", "options:", *rows([(heading(flag), flag.help) for flag in verb.flags], width)]
    if verb.default:
        lines += ["", "commands:", *rows([(one.name, one.summary) for one in verbs], width)]
        lines += ["", wrap(f"Each command has its own help, for example: {program} verify --help", width)]
    if verb.epilog:
        lines += ["", wrap(verb.epilog, width)]
    return "\n".join(lines)


def heading(flag: Flag) -> str:
    """`-h, --help`, `--scope user|project`, `--cwd PATH`."""
    value = "" if flag.value is None else f" {flag.value}"
    return ", ".join(flag.names) + value


def rows(table: list[tuple[str, str]], width: int) -> list[str]:
    """Names and what they mean, in two columns; below each other if the line is narrow."""
    name_width = min(max(columns(name) for name, _ in table), _WIDEST_NAME)
    lines = []
    for name, text in table:
        if width < _LEAST_FOR_TWO_COLUMNS or columns(name) > name_width:
            indent = 6 if width < _LEAST_FOR_TWO_COLUMNS else name_width + 4
            lines += [f"  {name}", wrap(text, width, first=" " * indent)]
        else:
            lines.append(wrap(text, width, first=f"  {name:<{name_width}}  "))
    return lines
