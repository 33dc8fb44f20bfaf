"""Commands for PowerShell and cmd.

Only a plain command line is read: words, quotation marks, `;` `|` `&&` `||` `&` between commands, and `>`
into a file. Everything else that these shells know (variables, `%NAME%`, `^`, script blocks, sub-expressions,
escapes) makes the command unknown. Sources: about_Parsing, about_Operators and about_Quoting_Rules of
PowerShell 7.5; `cmd /?`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Final

from sovereigncode.tools.classes import NOTHING, Reading, ToolClass, one, unknown
from sovereigncode.tools.programs.calls import Context, Input, Source, strictest, write_of
from sovereigncode.tools.programs.windows_names import BUILT_IN
from sovereigncode.tools.shell.syntax import Word, literal

_LONGEST: Final = 32 * 1024
_DEEPEST: Final = 8
# They start another command.
_CMD_STARTERS: Final = ("if", "for", "call", "start", "else", "goto")
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


@dataclass
class _Line:
    """A command line while it is read: its commands, and the word or file name that is being read."""

    context: Context
    commands: list[tuple[list[Word], Reading]] = field(default_factory=lambda: [([], NOTHING)])
    word: list[str] | None = None
    redirected: bool = False

    def add(self, piece: str) -> None:
        """One more piece of a word."""
        self.word = [*(self.word or []), piece]

    def finish(self) -> bool:
        """The word ends; False if a redirection has no file."""
        if self.word is None:
            return not self.redirected
        word = literal("".join(self.word))
        words, written = self.commands[-1]
        if self.redirected:
            self.commands[-1] = (words, written + _written(word, self.context))
        else:
            words.append(word)
        self.word, self.redirected = None, False
        return True


def _read(text: str, tokens: re.Pattern[str], shell: str, context: Context) -> Reading:
    if len(text) > _LONGEST or context.depth > _DEEPEST:
        return unknown(f"this {shell} command is too long")
    line = _Line(replace(context, depth=context.depth + 1))
    text = text.strip()
    at = 0
    while at < len(text):
        found = tokens.match(text, at)
        if not found or not _token(line, found.lastgroup or "", found[0]):
            return unknown(f"this {shell} command is not plain")
        at = found.end()
    if not line.finish():
        return unknown(f"this {shell} command is not plain")
    commands = enumerate(line.commands)
    return strictest(
        [_command(words, written, place, shell, line.context) for place, (words, written) in commands]
    )


def _token(line: _Line, kind: str, piece: str) -> bool:
    """Take one token; False if it does not fit."""
    if kind in ("single", "double"):
        line.add(piece[1:-1].replace("''", "'"))
        return True
    if kind in ("plain", "comma"):
        line.add(piece)
        return True
    if kind == "blank":
        return line.word is None or line.finish()
    if not line.finish():
        return False
    if kind == "end":
        line.commands.append(([], NOTHING))
    elif "&" not in piece:
        line.redirected = True
    return True


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
    if shell == "cmd":
        # `del/q` and `rd\\x` name a command of the shell and its first argument.
        begin = re.match(r"[A-Za-z]+(?=[/.\\:+\[\]])", name)
        if "=" in name or name.lower() in _CMD_STARTERS:
            return unknown("this cmd command is not plain")
        if begin and begin[0].lower() in BUILT_IN:
            words = [literal(begin[0]), literal(name[begin.end() :]), *words[1:]]
    if place:
        context = replace(context, input=Input(Source.OTHER))
    return written + context.runner.run(words, context)
