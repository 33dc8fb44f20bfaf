"""Commands for PowerShell and cmd.

Only a plain command line is read: words, quotation marks, `;` `|` `&&` `||` `&` between commands, and `>` into a
file. Everything else that these shells know (variables, `%NAME%`, `^`, script blocks, sub-expressions, escapes) makes
the command unknown. Sources: about_Parsing, about_Operators and about_Quoting_Rules of PowerShell 7.5; `cmd /?`.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from sovereigncode.tools.classes import NOTHING, Reading, ToolClass, one, unknown
from sovereigncode.tools.programs.calls import Context, Input, Source, strictest, write_of
from sovereigncode.tools.shell.syntax import Word, literal

_LONGEST: Final = 32 * 1024
_POWERSHELL: Final = re.compile(
    r"""(?P<blank>[ \t]+)|(?P<end>\r?\n|;|\|\||&&|\|)|(?P<into>[12*]?>>?(?:&1)?)"""
    r"""|(?P<single>'(?:[^']|'')*')|(?P<double>"[^"`$]*")|(?P<plain>[^\s;|&<>'"`$(){}@,#%\u2018-\u201f\u2013-\u2015-]|-|,|%)"""
)
_CMD: Final = re.compile(
    r"""(?P<blank>[ \t]+)|(?P<end>\|\||&&|\||&)|(?P<into>[12]?>>?(?:&[12])?)"""
    r"""|(?P<double>"[^"%!^\r\n]*")|(?P<plain>[^\s|&<>"%!^();,=@])|(?P<comma>[=])"""
)


def read_powershell(text: str, context: Context) -> Reading:
    """What a PowerShell command does."""
    return _read(text, _POWERSHELL, "PowerShell", context)


def read_cmd(text: str, context: Context) -> Reading:
    """What a command of cmd.exe does."""
    return _read(text, _CMD, "cmd", context)


def _read(text: str, tokens: re.Pattern[str], shell: str, context: Context) -> Reading:
    if len(text) > _LONGEST or context.depth > 8:
        return unknown(f"this {shell} command is too long")
    commands: list[tuple[list[Word], Reading]] = [([], NOTHING)]
    word: list[str] | None = None
    into: str | None = None
    at = 0
    context = replace(context, depth=context.depth + 1)

    def finish() -> bool:
        nonlocal word, into
        if word is not None:
            made = literal("".join(word))
            if into is None:
                commands[-1][0].append(made)
            else:
                commands[-1] = (commands[-1][0], commands[-1][1] + _written(made, context))
        elif into is not None:
            return False
        word, into = None, None
        return True

    text = text.strip()
    while at < len(text):
        found = tokens.match(text, at)
        if not found:
            return unknown(f"this {shell} command is not plain")
        kind, piece = found.lastgroup, found[0]
        if kind == "blank":
            if word is not None and not finish():
                return unknown(f"this {shell} command is not plain")
        elif kind in ("end", "into"):
            if not finish():
                return unknown(f"this {shell} command is not plain")
            if kind == "end":
                commands.append(([], NOTHING))
            elif "&" not in piece:
                into = piece
        else:
            word = [] if word is None else word
            word.append(piece[1:-1].replace("''", "'") if kind in ("single", "double") else piece)
        at = found.end()
    if not finish():
        return unknown(f"this {shell} command is not plain")
    return strictest([_command(words, written, place, shell, context) for place, (words, written) in enumerate(commands)])


def _written(word: Word, context: Context) -> Reading:
    if (word.text or "").lower() in ("nul", "$null"):
        return NOTHING
    return one(ToolClass.FILE_WRITE, "a redirection", *write_of(word, context))


def _command(words: list[Word], written: Reading, place: int, shell: str, context: Context) -> Reading:
    if not words:
        return written if written.parts else one(ToolClass.SHELL, shell)
    name = words[0].text or ""
    if shell == "PowerShell" and (name in (".", "&") or re.match(r"[\d\[+!-]", name)):
        return unknown("this PowerShell command is not plain")
    if place:
        context = replace(context, input=Input(Source.OTHER))
    return written + context.runner.run(words, context)
