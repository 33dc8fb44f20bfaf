"""A shell script as a tree of values."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum


class NotUnderstoodError(Exception):
    """The text is not valid, or means different things to different shells; the message says what it is."""


@dataclass(frozen=True)
class Word:
    """One word of a command.

    `text` is what the program gets, without quotes; None if it is known only when it runs. `shape` is the
    same with NUL for what is not known. `bare`: nothing in it was quoted. `pattern`: it has wildcards that
    file names may replace. `tilde`: it begins with somebody's home folder. `splits`: it may become none or
    several words. `nested`: the scripts that run while it is expanded.
    """

    text: str | None
    shape: str = "\0"
    bare: bool = True
    pattern: bool = False
    tilde: bool = False
    splits: bool = False
    nested: tuple[Script, ...] = ()

    @property
    def start(self) -> str:
        """What it surely begins with."""
        return self.shape.partition("\0")[0]

    @property
    def exact(self) -> str | None:
        """The text if nothing can change it."""
        return None if self.pattern or self.tilde else self.text


def literal(text: str) -> Word:
    """A word that is exactly this text."""
    return Word(text, text, bare=False)


# A word that may be anything, and any number of words.
ANYTHING = Word(None, splits=True)


@dataclass
class HereDocument:
    """A here-document; its body is set once the reader has come to the line after the command."""

    delimiter: str
    quoted: bool
    strip_tabs: bool
    body: Word = field(default_factory=lambda: ANYTHING)


@dataclass(frozen=True)
class Redirection:
    """`operator` as written, without a number: `>`, `>>`, `<`, `<<`, `<<<`, `>&`, `&>`."""

    operator: str
    target: Word
    document: HereDocument | None = None


@dataclass(frozen=True)
class Assignment:
    """`NAME=value` or `NAME[...]=value`; for an array its elements are in `values`."""

    name: str
    values: tuple[Word, ...]


@dataclass(frozen=True)
class Simple:
    """A program with its arguments."""

    assignments: tuple[Assignment, ...]
    words: tuple[Word, ...]
    redirections: tuple[Redirection, ...]


class Kind(Enum):
    """What a compound command is."""

    SUBSHELL = "subshell"
    GROUP = "group"
    BRANCHES = "branches"
    LOOP = "loop"
    FUNCTION = "function"
    TEST = "test"


@dataclass(frozen=True)
class Compound:
    """A command made of scripts; `words` are expanded without being run."""

    kind: Kind
    scripts: tuple[Script, ...]
    words: tuple[Word, ...] = ()
    redirections: tuple[Redirection, ...] = ()


@dataclass(frozen=True)
class Pipeline:
    """Two or more commands, each reading what the one before it writes."""

    commands: tuple[Command, ...]


Command = Simple | Compound | Pipeline


@dataclass(frozen=True)
class Step:
    """A command, the operator before it (`;`, `&&` or `||`), and whether `&` follows it."""

    operator: str
    command: Command
    background: bool = False


@dataclass(frozen=True)
class Script:
    """Commands that run one after the other."""

    steps: tuple[Step, ...]
