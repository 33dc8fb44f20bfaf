"""sed and awk: their small languages can write files and start programs."""

from __future__ import annotations

import re
from typing import Final, Mapping, Sequence

from sovereigncode.tools.classes import NOTHING, Reading, ToolClass
from sovereigncode.tools.programs.calls import Call, Rule
from sovereigncode.tools.programs.options import has
from sovereigncode.tools.shell.syntax import Word

_SHELL, _FILE_WRITE = ToolClass.SHELL, ToolClass.FILE_WRITE
# An address: a number, $, a regular expression between slashes.
_ADDRESS: Final = re.compile(r"(?:\d+(?:~\d+)?|\$|/(?:[^/\\\n]|\\.)*/[IM]*|\+\d+)")
_PLAIN_COMMANDS: Final = "dDgGhHlnNpPxz=q!{}Q"
_AWK_ACTS: Final = re.compile(r"system|getline|\||>|@|\bclose\b|\bprintf?\b[^;}\n]*[|>]|fflush|[/\\]inet")


def sed(call: Call) -> Reading:
    """sed: each of its scripts is read; -i changes files."""
    scripts, files = _scripts(call.args)
    if scripts is None:
        return call.unknown("its script is in a file or is known only when it runs")
    if not all(script.text is not None and _reads_only(script.text) for script in scripts):
        return call.unknown("its script may write files or start a program")
    changes = has(call.args, "i", "in-place")
    return call.is_a(_SHELL) + (call.is_a(_FILE_WRITE, *call.writes(files)) if changes else NOTHING)


def _scripts(args: Sequence[Word]) -> tuple[list[Word] | None, list[Word]]:
    scripts: list[Word] = []
    others: list[Word] = []
    at = 0
    while at < len(args):
        word = args[at]
        text = word.text if word.text is not None else word.start
        if word.text is None and (word.splits or not word.start or word.start.startswith("-")):
            return None, []
        if text in ("-f", "--file") or text.startswith("--file="):
            return None, []
        if text in ("-e", "--expression") and at + 1 < len(args):
            scripts.append(args[at + 1])
            at += 1
        elif text.startswith("--expression="):
            scripts.append(Word(text.partition("=")[2]))
        elif re.fullmatch(r"-[nErsuz]*e.*", text, re.DOTALL) and not text.startswith("--"):
            return None, []
        elif re.fullmatch(r"-[nErsuz]*f.*", text, re.DOTALL):
            return None, []
        elif text.startswith("-") and text != "-":
            if text == "-l" or text == "--line-length":
                at += 1
        else:
            others.append(word)
        at += 1
    if scripts:
        return scripts, others
    # BSD's -i takes the next word: `sed -i '' 's/a/b/' file`.
    if len(others) > 1 and others[0].text == "":
        others = others[1:]
    return (others[:1], others[1:]) if others else ([], [])


def _reads_only(script: str) -> bool:
    """Whether every command of the script is one that neither writes a file nor starts a program."""
    at = 0
    while at < len(script):
        if script[at] in " \t\n;":
            at += 1
            continue
        if script[at] == "#":
            at = _line_end(script, at)
            continue
        at = _after_address(script, at)
        if at >= len(script):
            return False
        command = script[at]
        at += 1
        if command in "sy":
            end = _substitution(script, at, command)
            if end is None:
                return False
            at = end
        elif command in "aic":
            at = _line_end(script, at)
            while at < len(script) and script[at - 1] == "\\":
                at = _line_end(script, at + 1)
        elif command in "bt:T":
            at = _line_end(script, at)
        elif command in "qQl":
            at += len(re.match(r"\s*\d*", script[at:])[0])  # type: ignore[index]
        elif command not in _PLAIN_COMMANDS:
            return False
    return True


def _line_end(script: str, at: int) -> int:
    end = script.find("\n", at)
    return len(script) if end < 0 else end


def _after_address(script: str, at: int) -> int:
    for _ in range(2):
        found = _ADDRESS.match(script, at)
        if not found:
            break
        at = found.end()
        while script[at : at + 1] in (" ", "\t"):
            at += 1
        if script[at : at + 1] != ",":
            break
        at += 1
        while script[at : at + 1] in (" ", "\t"):
            at += 1
    while script[at : at + 1] in (" ", "\t", "!"):
        at += 1
    return at


def _substitution(script: str, at: int, command: str) -> int | None:
    """The place behind `s/a/b/flags` or `y/a/b/`; None if a flag writes or executes."""
    mark = script[at : at + 1]
    if not mark or mark in "\n\\":
        return None
    at += 1
    for _ in range(2):
        while script[at : at + 1] not in ("", mark):
            # In a bracket expression the mark may be plain in some seds, so it is refused.
            at += 2 if script[at] == "\\" else 1
        if at >= len(script):
            return None
        at += 1
    if command == "y":
        return at
    flags = re.compile(r"[gpIiMm0-9]*").match(script, at)
    end = flags.end() if flags else at
    following = script[end : end + 1]
    return (
        end
        if following in ("", ";", "\n", "}", " ", "\t", "#")
        and script[end:].lstrip(" \t")[:1] not in ("w", "e")
        else None
    )


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
        if text is None or _AWK_ACTS.search(text):
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
