"""A shell script's commands, one by one: where each would run, what it reads, and what it does."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Final, Sequence

from sovereigncode.tools.classes import NOTHING, Reading, ToolClass, one, unknown
from sovereigncode.tools.programs.calls import Call, Context, Dialect, Input, Source, strictest, write_of
from sovereigncode.tools.programs.mentions import protected_writes
from sovereigncode.tools.programs.registry import program
from sovereigncode.tools.shell.lists import RESERVED
from sovereigncode.tools.shell.reader import read_script
from sovereigncode.tools.shell.syntax import (
    Command,
    Compound,
    Kind,
    NotUnderstoodError,
    Redirection,
    Script,
    Simple,
    Word,
)
from sovereigncode.tools.shell.variables import harmless
from sovereigncode.tools.windows import read_cmd, read_powershell

_DEEPEST: Final = 32
_MOST_COMMANDS: Final = 2_000
Folders = tuple[PurePosixPath, ...]
# Redirections to these write no file.
_NO_FILES: Final = re.compile(r"/dev/(?:null|zero|full|tty|stdin|stdout|stderr|fd/\d+)|/proc/self/fd/\d+")
_NUMBER: Final = re.compile(r"\d+-?|-")
_SOCKET: Final = re.compile(r"/dev/(?:tcp|udp)/")


class TooMuchError(Exception):
    """The text has more commands than are read."""


class Evaluation:
    """One tool call's commands. It counts them: beyond a limit it raises TooMuchError."""

    def __init__(self) -> None:
        self._commands = 0

    def script(self, text: str, context: Context) -> Reading:
        """What this shell script does."""
        if context.depth >= _DEEPEST:
            return unknown("it is nested too deeply")
        try:
            tree = read_script(text)
        except NotUnderstoodError as problem:
            return unknown(str(problem))
        if not tree.steps:
            return one(ToolClass.SHELL, "an empty script")
        return self._script(tree, replace(context, depth=context.depth + 1))[0]

    def line(self, text: str, dialect: Dialect, context: Context) -> Reading:
        """What this text does in that shell."""
        if dialect is Dialect.POSIX:
            return self.script(text, context)
        return (read_powershell if dialect is Dialect.POWERSHELL else read_cmd)(text, context)

    def run(self, words: Sequence[Word], context: Context) -> Reading:
        """What this program with its arguments does."""
        self._commands += 1
        if self._commands > _MOST_COMMANDS:
            raise TooMuchError
        if context.depth >= _DEEPEST:
            return unknown("it is nested too deeply")
        if not words:
            return NOTHING
        first = words[0]
        text = first.text
        if text is None or first.pattern:
            return unknown("the program is known only when it runs")
        if not text or text in RESERVED or text.startswith("="):
            return unknown("the name of the program is not plain")
        name, does = program(text)
        call = Call(name, tuple(words[1:]), replace(context, depth=context.depth + 1))
        reading = call.is_a(does) if isinstance(does, ToolClass) else does(call)
        return reading + Reading((), protected_writes(name, call.args, context))

    def _script(self, script: Script, context: Context) -> tuple[Reading, Folders]:
        """What the script does, and where it may be when it ends."""
        readings = []
        now = seen = context.folders
        branched = False
        for step in script.steps:
            if step.operator == ";":
                now = seen if branched else now
                seen, branched = now, False
            elif step.operator == "||":
                now, branched = seen, True
            reading, after = self._command(step.command, context.at(*now))
            readings.append(reading)
            if not step.background:
                now = after
            seen = _either(seen, now)
        return strictest(readings), seen if branched else now

    def _command(self, command: Command, context: Context) -> tuple[Reading, Folders]:
        if isinstance(command, Simple):
            return self._simple(command, context)
        if isinstance(command, Compound):
            return self._compound(command, context)
        readings = [self._command(command.commands[0], context)[0]]
        piped = replace(context, input=Input(Source.OTHER))
        readings += [self._command(part, piped)[0] for part in command.commands[1:]]
        return strictest(readings), context.folders

    def _compound(self, command: Compound, context: Context) -> tuple[Reading, Folders]:
        readings = [self._expanded(command.words, context)]
        redirected, given = self._redirected(command.redirections, context)
        readings.append(redirected)
        if command.redirections:
            # What is read inside begins somewhere in it.
            context = replace(context, input=Input(Source.OTHER) if given != context.input else given)
        now = context.folders
        for script in command.scripts:
            reading, after = self._script(script, context.at(*now))
            if command.kind is Kind.LOOP and after != now:
                # The second time it begins somewhere else.
                reading, after = self._script(script, context.at())
            readings.append(reading)
            now = _either(now, after) if command.kind in (Kind.BRANCHES, Kind.LOOP, Kind.FUNCTION) else after
        if command.kind is Kind.TEST:
            readings.append(one(ToolClass.SHELL, "a test"))
        return strictest(readings), context.folders if command.kind is Kind.SUBSHELL else now

    def _simple(self, command: Simple, context: Context) -> tuple[Reading, Folders]:
        readings = []
        for assignment in command.assignments:
            readings.append(self._expanded(assignment.values, context))
            value = (
                assignment.values[0].text
                if len(assignment.values) == 1
                else None
                if assignment.values
                else ""
            )
            if not harmless(assignment.name, value):
                readings.append(unknown(f"{assignment.name} is set to what may be a command"))
            elif not command.words:
                readings.append(one(ToolClass.SHELL, "an assignment"))
        readings.append(self._expanded(command.words, context))
        redirected, given = self._redirected(command.redirections, context)
        readings.append(redirected)
        if not command.words:
            readings.append(one(ToolClass.SHELL, "a redirection") if command.redirections else NOTHING)
            return strictest(readings), context.folders
        name = command.words[0].exact
        if name in ("cd", "pushd", "popd", "chdir"):
            if any(assignment.name in ("CDPATH", "HOME", "OLDPWD") for assignment in command.assignments):
                return strictest([*readings, one(ToolClass.SHELL, "cd")]), ()
            reading, folders = _moved(command.words, context)
            return strictest([*readings, reading]), folders
        readings.append(self.run(command.words, replace(context, input=given)))
        return strictest(readings), context.folders

    def _expanded(self, words: Sequence[Word], context: Context) -> Reading:
        """The scripts that run while words are expanded."""
        return strictest([self._script(script, context)[0] for word in words for script in word.nested])

    def _redirected(self, redirections: Sequence[Redirection], context: Context) -> tuple[Reading, Input]:
        readings = []
        given = context.input
        for redirection in redirections:
            document = redirection.document
            word = redirection.target if document is None else document.body
            readings.append(self._expanded([word], context))
            if document is not None or redirection.operator == "<<<":
                given = Input(Source.TEXT, word)
            elif redirection.operator.startswith("<"):
                copied = word.text is None or word.nested or redirection.operator == "<&"
                given = Input(Source.OTHER if copied or _device(word) else Source.FILE)
            readings.append(_writing(redirection.operator, word, context))
        return strictest(readings), given


def _device(word: Word) -> bool:
    return (word.text or "").startswith(("/dev/", "/proc/"))


def _writing(operator: str, word: Word, context: Context) -> Reading:
    text = word.text
    if text is not None and _SOCKET.match(text):
        return one(ToolClass.NETWORK, "a connection")
    if operator in ("<", "<<", "<<<", "<&") or (
        operator == ">&" and text is not None and _NUMBER.fullmatch(text)
    ):
        return NOTHING
    if text is not None and _NO_FILES.fullmatch(text):
        return NOTHING
    return one(ToolClass.FILE_WRITE, "a redirection", *write_of(word, context))


def _moved(words: Sequence[Word], context: Context) -> tuple[Reading, Folders]:
    """`cd`: where the script is afterwards. A folder that may not be written to is reported as a write."""
    args = [word for word in words[1:] if word.exact not in ("--", "-P", "-L", "-e", "-q")]
    reading = one(ToolClass.SHELL, "cd")
    if words[0].exact == "popd" or len(args) > 1:
        return reading, ()
    if not args:
        return reading, (context.home,) if context.home else ()
    found: list[PurePosixPath] = []
    for write in write_of(args[0], context):
        found += [folder / write.path for folder in write.folders] or [PurePosixPath(write.path)]
    exact = args[0].text is not None and not args[0].pattern and args[0].text[:1] not in ("-", "+")
    known = exact and bool(context.folders or (args[0].text or "").startswith("/"))
    return reading, tuple(found) if known else ()


def _either(first: Folders, second: Folders) -> Folders:
    return tuple(dict.fromkeys((*first, *second))) if first and second else ()
