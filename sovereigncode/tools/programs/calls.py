"""A program with its arguments, and what its class may depend on."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import PurePosixPath
from typing import Callable, Final, Protocol, Sequence

from sovereigncode.tools.classes import Reading, ToolClass, Write, one, unknown
from sovereigncode.tools.places import PROTECTED, mentions_protected
from sovereigncode.tools.shell.syntax import Word

_MOST_FOLDERS: Final = 16
_MOST_BRACES: Final = 32
_LONGEST_BRACES: Final = 4_096
_BRACES: Final = re.compile(r"\{([^{}]*,[^{}]*)\}")


class Dialect(Enum):
    """The shells that a client may start: `posix` is bash, dash and zsh."""

    POSIX = "posix"
    POWERSHELL = "powershell"
    CMD = "cmd"


class Source(Enum):
    """Where a program's standard input comes from."""

    INHERITED = "inherited"
    FILE = "file"
    TEXT = "text"
    OTHER = "other"


@dataclass(frozen=True)
class Input:
    """A program's standard input; `text` if it is a here-document or a here-string."""

    source: Source = Source.INHERITED
    text: Word | None = None


@dataclass(frozen=True)
class Context:
    """Where and how a program runs. `folders`: where it may run; empty if that is not known."""

    runner: Runner
    folders: tuple[PurePosixPath, ...]
    home: PurePosixPath | None = None
    input: Input = Input()
    depth: int = 0

    def at(self, *folders: PurePosixPath) -> Context:
        """The same in other folders."""
        return replace(self, folders=folders if len(folders) <= _MOST_FOLDERS else ())


class Runner(Protocol):
    """Reads what a program starts: another program, or a script."""

    def run(self, words: Sequence[Word], context: Context) -> Reading:
        """What this program with its arguments does."""

    def script(self, text: str, context: Context) -> Reading:
        """What this shell script does."""

    def line(self, text: str, dialect: Dialect, context: Context) -> Reading:
        """What this text does in that shell."""


@dataclass(frozen=True)
class Call:
    """A program and its arguments. `what`: the words that name it in a part."""

    what: str
    args: tuple[Word, ...]
    context: Context

    def run(self, words: Sequence[Word]) -> Reading:
        """What the program that this one starts does."""
        return self.context.runner.run(tuple(words), self.context)

    def script(self, word: Word) -> Reading:
        """What a script does that is passed as a word."""
        if word.exact is None:
            return unknown(f"the script that {self.what} runs is known only when it runs")
        return self.context.runner.script(word.exact, self.context)

    def under(self, what: str, args: Sequence[Word]) -> Call:
        """The call of a sub-command."""
        return Call(f"{self.what} {what}", tuple(args), self.context)

    def writes(self, words: Sequence[Word], *, whole: bool = False) -> tuple[Write, ...]:
        """The paths that these words name."""
        return tuple(write for word in words for write in write_of(word, self.context, whole=whole))

    def is_a(self, tool_class: ToolClass, *writes: Write) -> Reading:
        """A reading with this program as its only part."""
        return one(tool_class, self.what, *writes)

    def unknown(self, why: str) -> Reading:
        """A reading of unknown class."""
        return unknown(f"{self.what}: {why}")


Rule = Callable[[Call], Reading]


def write_of(word: Word, context: Context, *, whole: bool = False) -> tuple[Write, ...]:
    """What writing to this word affects; nothing if its path is not known."""
    text = word.text
    if text is None:
        return (Write(PROTECTED),) if names_protected(word) else ()
    if word.tilde:
        rest = text[1:]
        if context.home is None or (rest and not rest.startswith("/")):
            return (Write(rest.lstrip("/") or ".", (), word.pattern, whole),) if "/" in text else ()
        text = str(context.home) + rest
    return (Write(text, context.folders, word.pattern, whole),)


def names_protected(word: Word) -> bool:
    """Whether the policy's folder is named anywhere in the word, as far as the word is known."""
    return any(mentions_protected(text, pattern=word.pattern) for text in _alternatives(word.shape))


def _alternatives(text: str) -> list[str]:
    """What a shell makes of `a{b,c}`, as far as it is simple."""
    found = [text]
    if len(text) > _LONGEST_BRACES:
        return found
    for _ in range(_MOST_BRACES):
        at = next((place for place, each in enumerate(found) if _BRACES.search(each)), None)
        if at is None:
            break
        each = found.pop(at)
        braces = _BRACES.search(each)
        if braces:
            found += [
                each[: braces.start()] + choice + each[braces.end() :] for choice in braces[1].split(",")
            ]
    return found


def joined(words: Sequence[Word]) -> Word:
    """The words with blanks between them, as `eval` and `ssh` join them."""
    texts = [word.text for word in words]
    if any(text is None or word.pattern or word.tilde for text, word in zip(texts, words, strict=True)):
        return Word(None, splits=True)
    text = " ".join(text for text in texts if text is not None)
    return Word(text, text, bare=False)


def strictest(readings: Sequence[Reading]) -> Reading:
    """All of them; the class is the strictest."""
    return Reading(
        tuple(part for reading in readings for part in reading.parts),
        tuple(write for reading in readings for write in reading.writes),
    )
