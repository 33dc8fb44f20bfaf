"""sed and awk: their small languages can write files and start programs."""

from __future__ import annotations

import re
from typing import Final, Mapping, Sequence

from sovereigncode.tools.classes import NOTHING, Reading, ToolClass
from sovereigncode.tools.programs.calls import Call, Rule
from sovereigncode.tools.programs.options import has
from sovereigncode.tools.shell.syntax import Word, literal

_SHELL, _FILE_WRITE = ToolClass.SHELL, ToolClass.FILE_WRITE
# Addresses: numbers, $, regular expressions between slashes, one or two of them, and `!`.
_ADDRESS: Final = r"(?:\d+(?:~\d+)?|\$|/(?:[^/\\\n]|\\.)*/[IM]*|[+~]\d+)"
_ADDRESSES: Final = re.compile(rf"{_ADDRESS}[ \t]*(?:,[ \t]*{_ADDRESS})?[ \t!]*")
_GAPS: Final = re.compile(r"(?:[ \t\n;]|#[^\n]*)*")
_LINE: Final = re.compile(r"[^\n]*")
_ADDED_LINES: Final = re.compile(r"(?:[^\\\n]|\\.)*", re.DOTALL)
_EXIT_CODE: Final = re.compile(r"[ \t]*\d*")
_COMMAND_END: Final = re.compile(r"[ \t]*(?:[;\n}#]|$)")
_FLAGS: Final = re.compile(r"[gpIiMm0-9]*")
_OPEN_BRACKET: Final = re.compile(r"(?<!\\)\[[^\]]*$")
_PLAIN_COMMANDS: Final = "dDgGhHnNpPxz={}F"
# An option whose script is in a file or joined to it: -f, -ne..., --file.
_SED_HIDDEN: Final = re.compile(r"-[nErsuz]*(?:e.|[nErsuz]e|f)|--fi", re.DOTALL)
_AWK_ACTS: Final = re.compile(r"system|getline|@|inet|\|&")
# A redirection or a pipe: they follow print only, where they are no comparison.
_AWK_WRITES: Final = re.compile(r"(?<!\|)\|(?!\|)|>(?!=)")


def sed(call: Call) -> Reading:
    """sed: each of its scripts is read; -i changes files."""
    scripts, files = _scripts(call.args)
    if scripts is None:
        return call.unknown("its script is in a file or is known only when it runs")
    if not all(script.text is not None and _Script(script.text).reads_only() for script in scripts):
        return call.unknown("its script may write files or start a program")
    changes = has(call.args, "i", "in-place")
    return call.is_a(_SHELL) + (call.is_a(_FILE_WRITE, *call.writes(files)) if changes else NOTHING)


def _scripts(args: Sequence[Word]) -> tuple[list[Word] | None, list[Word]]:
    """The scripts and the files; None for the scripts if one of them is not on the command line."""
    scripts: list[Word] = []
    others: list[Word] = []
    at = 0
    while at < len(args):
        word = args[at]
        text = word.shape
        if text[:1] == "\0" or _SED_HIDDEN.match(text) or (text[:1] == "-" and word.text is None):
            return None, []
        if text in ("-e", "--expression") and at + 1 < len(args):
            scripts.append(args[at + 1])
            at += 1
        elif text.startswith("--expression="):
            scripts.append(literal(text.partition("=")[2]))
        elif text == "-l":
            at += 1
        elif text == "-" or not text.startswith("-"):
            others.append(word)
        at += 1
    if scripts:
        return scripts, others
    # BSD's -i takes the next word: `sed -i '' 's/a/b/' file`.
    others = others[1:] if len(others) > 1 and others[0].text == "" else others
    return others[:1], others[1:]


class _Script:
    """A script of sed, read command by command."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def reads_only(self) -> bool:
        """Whether none of its commands writes a file or starts a program."""
        while self._skip(_GAPS):
            self._addresses()
            command = self.text[self.at : self.at + 1]
            self.at += 1
            if not command or not self._command(command):
                return False
        return True

    def _skip(self, what: re.Pattern[str]) -> bool:
        found = what.match(self.text, self.at)
        self.at = found.end() if found else self.at
        return self.at < len(self.text)

    def _addresses(self) -> None:
        if found := _ADDRESSES.match(self.text, self.at):
            self.at = found.end()

    def _command(self, command: str) -> bool:
        if command in "sy":
            return self._substitution(command)
        if command in "aic":
            return self._skip(_ADDED_LINES) or True
        if command in "bt:TrR":
            return self._skip(_LINE) or True
        if command in "qQl":
            return self._skip(_EXIT_CODE) or True
        return command in _PLAIN_COMMANDS

    def _substitution(self, command: str) -> bool:
        """`s/a/b/flags` or `y/a/b/`; False if a flag writes or executes."""
        mark = self.text[self.at : self.at + 1]
        if not mark or mark in "\n\\[":
            return False
        self.at += 1
        for _ in range(2):
            begin = self.at
            while (char := self.text[self.at : self.at + 1]) not in ("", mark):
                self.at += 2 if char == "\\" else 1
            # Seds disagree about the mark between brackets.
            if not char or _OPEN_BRACKET.search(self.text[begin : self.at]):
                return False
            self.at += 1
        if command == "s":
            self._skip(_FLAGS)
        return bool(_COMMAND_END.match(self.text, self.at))


def awk(call: Call) -> Reading:
    """awk: a program that neither starts another nor writes is a plain command."""
    if has(call.args, "fliEe", "file", "load", "include", "exec", "source"):
        return call.unknown("its program is in a file")
    at = 0
    while at < len(call.args):
        word = call.args[at]
        text = word.text
        if text in ("-F", "-v", "--assign", "--field-separator"):
            at += 2
            continue
        if text is not None and text.startswith("-") and text != "-":
            at += 1
            continue
        writes = text is not None and "print" in text and _AWK_WRITES.search(text)
        if text is None or writes or _AWK_ACTS.search(text):
            return call.unknown("its program may write files or start another")
        return call.is_a(_SHELL)
    return call.is_a(_SHELL)


RULES: Final[Mapping[str, Rule]] = {
    "sed": sed,
    "gsed": sed,
    "awk": awk,
    "gawk": awk,
    "mawk": awk,
    "nawk": awk,
}
