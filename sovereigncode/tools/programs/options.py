"""Options of programs, read as getopt_long(3) reads them: clusters, values, abbreviated long names."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Sequence

from sovereigncode.tools.shell.syntax import Word


@dataclass(frozen=True)
class Shape:
    """What options a program knows: letters and long names, without and with a value.

    `numbers`: `-10` is an option. `operands`: how many words come before the command that it starts.
    `assignments`: `NAME=value` may come before it too.
    """

    flags: str = ""
    valued: str = ""
    long_flags: frozenset[str] = frozenset()
    long_valued: frozenset[str] = frozenset()
    numbers: bool = False
    operands: int = 0
    assignments: bool = False


@dataclass
class Scan:
    """The options that were found, and the words from the first one on that is none."""

    options: dict[str, Word | None] = field(default_factory=dict)
    rest: tuple[Word, ...] = ()


def shape(
    flags: str = "", valued: str = "", long: str = "", *, numbers: bool = False, operands: int = 0,
    assignments: bool = False,
) -> Shape:  # fmt: skip
    """A shape; in `long` a name that takes a value ends with `=`."""
    names = long.split()
    return Shape(
        flags,
        valued,
        frozenset(name for name in names if not name.endswith("=")),
        frozenset(name[:-1] for name in names if name.endswith("=")),
        numbers,
        operands,
        assignments,
    )


def scan(args: Sequence[Word], known: Shape) -> Scan | None:
    """The options before the first operand; None if one of them is not known."""
    found = Scan()
    at = 0
    while at < len(args):
        text = args[at].exact
        if text is None:
            if _may_be_option(args[at]):
                return None
            break
        if text == "--":
            at += 1
            break
        if not text.startswith("-") or text == "-":
            break
        following = args[at + 1] if at + 1 < len(args) else None
        taken = _option(text, following, known, found)
        if taken is None:
            return None
        at += taken
    found.rest = tuple(args[at:])
    return found


def _option(text: str, following: Word | None, known: Shape, found: Scan) -> int | None:
    if text.startswith("--"):
        return _long(text[2:], following, known, found)
    if known.numbers and text[1:].isdigit():
        return 1
    for place, letter in enumerate(text[1:], start=2):
        if letter in known.valued:
            attached = text[place:]
            value = Word(attached, attached, bare=False) if attached else following
            # A value that becomes several words would hide the first of them.
            if value is None or value.splits:
                return None
            found.options[letter] = value
            return 1 if attached else 2
        if letter not in known.flags:
            return None
        found.options[letter] = None
    return 1


def _long(text: str, following: Word | None, known: Shape, found: Scan) -> int | None:
    name, equals, value = text.partition("=")
    candidates = {full for full in known.long_flags | known.long_valued if full.startswith(name)}
    full = name if name in candidates else next(iter(candidates)) if len(candidates) == 1 else None
    if full is None:
        return None
    if full in known.long_flags:
        found.options[full] = None
        return 1
    if equals:
        found.options[full] = Word(value, value, bare=False)
        return 1
    if following is None or following.splits:
        return None
    found.options[full] = following
    return 2


def _may_be_option(word: Word) -> bool:
    return word.splits or word.start[:1] in ("", "-")


def has(args: Sequence[Word], letters: str = "", *names: str) -> bool:
    """Whether one of these options is, or may be, among the arguments.

    A long name may be abbreviated; an argument that is known only at run time may be any option.
    """
    for place, word in enumerate(args):
        if word.exact == "--":
            break
        if word.exact is None and _may_be_option(word):
            return True
        if surely_has(args[place : place + 1], letters, *names):
            return True
    return False


def surely_has(args: Sequence[Word], letters: str = "", *names: str) -> bool:
    """Whether one of these options is among the arguments, as far as they are known."""
    for word in args:
        text = word.text if word.text is not None else word.start
        if text == "--":
            return False
        if text.startswith("--"):
            name = text[2:].partition("=")[0]
            if name and any(full.startswith(name) for full in names):
                return True
        elif text.startswith("-") and any(letter in text[1:] for letter in letters):
            return True
    return False


def operands(args: Sequence[Word], valued: str = "", *names: str) -> list[Word]:
    """The arguments that are not options, nor the values of those options named."""
    found: list[Word] = []
    at = 0
    while at < len(args):
        text = args[at].text or args[at].start
        if text == "--" and args[at].exact == "--":
            return [*found, *args[at + 1 :]]
        if not text.startswith("-") or text == "-":
            found.append(args[at])
        elif (text[:2] != "--" and text[-1] in valued) or text[2:] in names:
            at += 1
        at += 1
    return found
