"""What a client's editing tool would make of a file, as values; nothing is read or written here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Sequence

_HEAD: Final = re.compile(r"(?:<{5,9} SEARCH>?|-{5,9} SEARCH>?)\s*")
_DIVIDER: Final = re.compile(r"={5,9}\s*")
_END: Final = re.compile(r"(?:>{5,9} REPLACE|\+{5,9} REPLACE>?)\s*")
_FENCE: Final = "```"


@dataclass(frozen=True)
class Whole:
    """The file gets this content."""

    content: str


@dataclass(frozen=True)
class Swap:
    """One text is replaced by another: the first one, or all of them."""

    old: str
    new: str
    every: bool = False


@dataclass(frozen=True)
class Swaps:
    """Replacements, one after the other."""

    swaps: tuple[Swap, ...]


@dataclass(frozen=True)
class Insert:
    """A text before the line with this number; the first line has the number 1."""

    line: int
    text: str


@dataclass(frozen=True)
class Hunk:
    """Lines of a patch: each with ` `, `-` or `+` in front. `anchors`: lines that come somewhere before."""

    anchors: tuple[str, ...]
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Patch:
    """Hunks, in the order of the file."""

    hunks: tuple[Hunk, ...]


@dataclass(frozen=True)
class Remove:
    """The file is deleted."""


@dataclass(frozen=True)
class Unclear:
    """The client works out what to change from this text; only the text can be shown."""

    text: str


Edit = Whole | Swaps | Insert | Patch | Remove | Unclear


@dataclass(frozen=True)
class FileEdit:
    """One file and what is done to it; `moved_to`: the file's new path."""

    path: str
    edit: Edit
    moved_to: str | None = None


class DoesNotFitError(Exception):
    """The edit does not fit the file; the client will refuse it or guess."""


def apply(edit: Edit, old: str) -> str:
    """The file's text after the edit; a missing file has the text "". Raises DoesNotFitError."""
    if isinstance(edit, Whole):
        return edit.content
    if isinstance(edit, Remove):
        return ""
    if isinstance(edit, Insert):
        lines = old.splitlines(keepends=True)
        at = max(edit.line - 1, 0)
        if at > len(lines):
            raise DoesNotFitError(f"the file has no line {edit.line}")
        return "".join(
            [*lines[:at], edit.text if edit.text.endswith("\n") else f"{edit.text}\n", *lines[at:]]
        )
    if isinstance(edit, Patch):
        return _patched(edit, old)
    if isinstance(edit, Unclear):
        raise DoesNotFitError("the client works out the change itself")
    for swap in edit.swaps:
        old = _swapped(swap, old)
    return old


def _swapped(swap: Swap, old: str) -> str:
    if not swap.old:
        # opencode 1.18 then writes the new text as the whole file; others refuse unless the file is new.
        return swap.new
    if swap.old not in old:
        raise DoesNotFitError("the text to replace is not in the file")
    return old.replace(swap.old, swap.new) if swap.every else old.replace(swap.old, swap.new, 1)


def _patched(patch: Patch, old: str) -> str:
    lines = old.splitlines()
    at = 0
    for hunk in patch.hunks:
        for anchor in hunk.anchors:
            at = _found(lines, [anchor], at, "a line that the patch names is not in the file") + 1
        before = [line[1:] for line in hunk.lines if line[:1] in (" ", "-")]
        after = [line[1:] for line in hunk.lines if line[:1] in (" ", "+")]
        place = _found(lines, before, at, "lines of the patch are not in the file") if before else len(lines)
        lines[place : place + len(before)] = after
        at = place + len(after)
    return "".join(f"{line}\n" for line in lines)


def _found(lines: Sequence[str], wanted: Sequence[str], at: int, message: str) -> int:
    first, length = wanted[0].rstrip(), len(wanted)
    for place in range(at, len(lines) - length + 1):
        if lines[place].rstrip() == first and all(
            have.rstrip() == want.rstrip()
            for have, want in zip(lines[place : place + length], wanted, strict=True)
        ):
            return place
    raise DoesNotFitError(message)


def blocks(text: str) -> tuple[Swap, ...] | None:
    """The SEARCH and REPLACE blocks of Cline's replace_in_file; None if they are not complete."""
    found = [swap for _, swap in _blocks(text) or ()]
    return tuple(found) or None


def edit_blocks(text: str) -> tuple[FileEdit, ...] | None:
    """Aider's edit blocks in an answer: a file's name, then SEARCH and REPLACE; None if one is not closed."""
    found = _blocks(text)
    if found is None:
        return None
    return tuple(FileEdit(path, Swaps((swap,))) for path, swap in found)


def _blocks(text: str) -> list[tuple[str, Swap]] | None:
    made: list[tuple[str, Swap]] = []
    old: list[str] = []
    new: list[str] = []
    into: list[str] | None = None
    path = above = ""
    for line in text.splitlines(keepends=True):
        if into is None and _HEAD.fullmatch(line):
            path, above = above or path, ""
            old, new = [], []
            into = old
        elif into is old and _DIVIDER.fullmatch(line):
            into = new
        elif into is new and _END.fullmatch(line):
            made.append((path, Swap("".join(old), "".join(new))))
            into = None
        elif into is not None:
            into.append(line)
        elif line.strip() and not line.startswith(_FENCE):
            above = line.strip().strip("`*:#").strip()
    return made if into is None else None
