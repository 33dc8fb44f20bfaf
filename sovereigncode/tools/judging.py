"""A tool call judged against its workspace: class, differences, and what may not be done at all.

The only module here that looks at the disk. It reads the files that a call would change, with a bound,
never through a link that leads out of the workspace, and writes nothing.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final, Mapping, Sequence

from foundation.errors import Refusal
from foundation.files.reading import read_snapshot
from sovereigncode.tools.arguments import ToolCall
from sovereigncode.tools.classes import Part, Reading, ToolClass, Write, unknown
from sovereigncode.tools.diff import unified
from sovereigncode.tools.edits import DoesNotFitError, Edit, FileEdit, Remove, Swaps, Unclear, apply
from sovereigncode.tools.intent import Surroundings, paths_of, read_call
from sovereigncode.tools.names import KNOWN, Names
from sovereigncode.tools.places import (
    PROTECTED,
    inside,
    mentions_protected,
    plain_path,
    shown,
    wrong_with_any,
)
from sovereigncode.tools.programs.calls import Dialect

_LARGEST: Final = 4 * 1024 * 1024
_MOST_PATHS: Final = 500
_LONGEST_SUMMARY: Final = 2_000


@dataclass(frozen=True)
class Judgement:
    """What a call would do.

    `denied`: why it may not be done, whatever the policy says; empty if nothing is wrong. `diff`: the unified
    differences of all its files. `summary`: one line without control characters.
    """

    tool: str
    reading: Reading
    summary: str
    diff: str = ""
    denied: tuple[str, ...] = ()

    @property
    def tool_class(self) -> ToolClass:
        """The strictest class among its parts."""
        return self.reading.tool_class

    @property
    def classes(self) -> frozenset[ToolClass]:
        """The classes of all its parts."""
        return self.reading.classes

    @property
    def parts(self) -> tuple[Part, ...]:
        """What it does, in order."""
        return self.reading.parts


def judge(
    call: ToolCall,
    workspace: Path,
    *,
    names: Names = KNOWN,
    home: Path | None = None,
    dialects: tuple[Dialect, ...] = (Dialect.POSIX,),
) -> Judgement:
    """Class, difference and denials of one call. `workspace` is absolute, without links in it.

    Never raises for what is in a call or a file: what cannot be read is said in the difference.
    """
    root = PurePosixPath(workspace.as_posix())
    around = Surroundings(root, None if home is None else PurePosixPath(home.as_posix()), dialects)
    intent = read_call(call, names, around)
    writes = (*intent.reading.writes, *paths_of(intent.edits, around))
    denied = wrong_with_any(writes, root)
    if len(writes) > _MOST_PATHS:
        denied.append(f"it changes more than {_MOST_PATHS} paths")
    if ToolClass.UNKNOWN in intent.reading.classes and _mentioned(call.arguments):
        denied.append(f"it is not fully understood, and it names {PROTECTED}")
    if not denied:
        denied = [why for write in writes for why in _really(write, workspace)]
    differences = [] if denied else [_difference(edit, workspace) for edit in intent.edits]
    summary = _summary(call.name, intent.command, intent.edits)
    parts = tuple(Part(part.tool_class, shown(part.what)) for part in intent.reading.parts)
    # A model may write half a character, which no file and no answer can hold.
    diff = "".join(differences).encode("utf-8", "replace").decode("utf-8")
    reading = Reading(parts, intent.reading.writes)
    return Judgement(shown(call.name), reading, summary, diff, tuple(dict.fromkeys(denied)))


def unreadable(name: str, why: str) -> Judgement:
    """A call whose arguments are not one JSON object: clients mend such texts in different ways.

    So nobody can say what it would do, and it is denied.
    """
    return Judgement(shown(name), unknown(why), shown(name), denied=(why,))


def _mentioned(arguments: Mapping[str, object]) -> bool:
    """Whether a text anywhere in the arguments names the protected folder."""
    waiting: list[object] = [dict(arguments)]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting += [*value.keys(), *value.values()]
        elif isinstance(value, list):
            waiting += value
        elif isinstance(value, str) and mentions_protected(value):
            return True
    return False


def _summary(name: str, command: str | None, edits: Sequence[FileEdit]) -> str:
    said = command if command is not None else ", ".join(edit.path for edit in edits)
    return shown(" ".join(f"{name}: {said[:_LONGEST_SUMMARY]}".split()) if said else name)


def _really(write: Write, workspace: Path) -> list[str]:
    """What is wrong with a path once links are followed, as far as they exist."""
    if write.pattern:
        return _matches(write, workspace)
    found = []
    for folder in write.folders:
        # Not plain_path: behind a link `..` is the folder above the link's target.
        real = _real(Path(str(folder / write.path)))
        if real is None:
            found.append(f"{shown(write.path)} is not a path that can be looked up")
        elif not _is_inside(real, workspace):
            found.append(f"{shown(write.path)} leads out of the workspace")
        elif _is_protected(real, workspace):
            found.append(f"{shown(write.path)} leads into {PROTECTED}")
    return found


def _real(path: Path) -> Path | None:
    """Where the path leads; None for a name that no file can have."""
    try:
        return Path(os.path.realpath(path))
    except (OSError, ValueError):
        return None


def _is_inside(real: Path, workspace: Path) -> bool:
    root = _real(workspace)
    return root is not None and inside(PurePosixPath(real.as_posix()), PurePosixPath(root.as_posix()))


def _matches(write: Write, workspace: Path) -> list[str]:
    """A path with wildcards: the folder before the first of them decides."""
    fixed: list[str] = []
    for part in PurePosixPath(write.path).parts:
        if any(char in part for char in "*?["):
            break
        fixed.append(part)
    return _really(Write("/".join(fixed).replace("//", "/") or ".", write.folders), workspace)


def _is_protected(real: Path, workspace: Path) -> bool:
    """Whether the file, or a folder that it is in, is `.sovereigncode` or one of its two files."""
    guarded = [workspace / PROTECTED]
    guarded += [guarded[0] / name for name in ("capsule.json", "tenant-policy.yaml")]
    for place in (real, *real.parents):
        if place == workspace:
            break
        if any(_same(place, guard) for guard in guarded):
            return True
    return False


def _same(place: Path, guard: Path) -> bool:
    try:
        return place.samefile(guard)
    except OSError:
        return False


def _difference(edit: FileEdit, workspace: Path) -> str:
    """The unified difference of one file, or what it would be without it."""
    root = PurePosixPath(workspace.as_posix())
    place = plain_path(edit.path, root)
    name = shown(str(place.relative_to(root)) if root in place.parents else edit.path)
    try:
        old = _text(workspace / edit.path, workspace)
        new = None if isinstance(edit.edit, Remove) else apply(edit.edit, old or "")
    except (_CannotBeShownError, DoesNotFitError) as problem:
        return f"--- a/{name}\n+++ b/{name}\n@@ {problem} @@\n{_as_lines(edit.edit)}"
    moved = f"rename from {name}\nrename to {shown(edit.moved_to)}\n" if edit.moved_to else ""
    return moved + unified(name, old, new)


class _CannotBeShownError(Exception):
    """The file's text cannot be shown; the message says why."""


def _text(path: Path, workspace: Path) -> str | None:
    real = _real(path)
    if real is None or not _is_inside(real, workspace):
        raise _CannotBeShownError("this path leads out of the workspace")
    try:
        data = read_snapshot(real, follow_links=False, limit=_LARGEST).data
    except Refusal as refusal:
        raise _CannotBeShownError(refusal.message) from refusal
    except (OSError, ValueError) as problem:
        raise _CannotBeShownError("this file cannot be read") from problem
    if data is None:
        return None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as problem:
        raise _CannotBeShownError("this file is not UTF-8 text") from problem


def _as_lines(edit: Edit) -> str:
    """What is to be written, for an edit that cannot be compared with the file."""
    if isinstance(edit, Swaps):
        lines = []
        for swap in edit.swaps:
            lines += [f"-{line}" for line in swap.old.splitlines()] + [
                f"+{line}" for line in swap.new.splitlines()
            ]
    elif isinstance(edit, Unclear):
        lines = [f"+{line}" for line in edit.text.splitlines()]
    elif isinstance(edit, Remove):
        lines = []
    else:
        lines = [f"+{line}" for line in str(getattr(edit, "content", getattr(edit, "text", ""))).splitlines()]
        lines += [line for hunk in getattr(edit, "hunks", ()) for line in hunk.lines]
    return "".join(f"{line}\n" for line in lines)
