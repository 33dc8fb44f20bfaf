"""A command that a client would give to its shell, read in every dialect in which it may run."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Final, Iterable, Sequence

from sovereigncode.tools.classes import Reading, ToolClass, one, unknown
from sovereigncode.tools.evaluate import Evaluation, TooMuchError
from sovereigncode.tools.programs.calls import Context, Dialect, strictest
from sovereigncode.tools.shell.syntax import literal

# On Windows a client takes Git Bash, PowerShell or cmd, whichever it finds.
_TOO_MUCH: Final = "it has too many commands, or they are nested too deeply"
ON_WINDOWS: Final = tuple(Dialect)


def read_command(
    text: str,
    *,
    folders: Sequence[PurePosixPath] = (),
    home: PurePosixPath | None = None,
    dialects: Iterable[Dialect] = (Dialect.POSIX,),
) -> Reading:
    """What the command does; with several dialects, the strictest of what it may do.

    `folders`: where it runs, if that is known. Never raises: what is not understood is unknown.
    """
    try:
        readings = []
        for dialect in dialects:
            evaluation = Evaluation()
            readings.append(evaluation.line(text, dialect, Context(evaluation, tuple(folders), home)))
        return strictest(readings)
    except (RecursionError, TooMuchError):
        return unknown(_TOO_MUCH)


def read_program(
    words: Sequence[str], *, folders: Sequence[PurePosixPath] = (), home: PurePosixPath | None = None
) -> Reading:
    """What a program does that is started without a shell."""
    if not words:
        return unknown("the program is missing")
    evaluation = Evaluation()
    context = Context(evaluation, tuple(folders), home)
    try:
        return one(ToolClass.SHELL, "a program") + evaluation.run([literal(word) for word in words], context)
    except (RecursionError, TooMuchError):
        return unknown(_TOO_MUCH)
