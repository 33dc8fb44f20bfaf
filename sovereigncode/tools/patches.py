"""The patch format of Codex's apply_patch, which opencode and Cline have too.

As read by Codex 0.171 and opencode 1.18: `*** Begin Patch`, then `*** Add File:`, `*** Update File:` (with
`*** Move to:`) and `*** Delete File:`, then `*** End Patch`.
"""

from __future__ import annotations

import re
from typing import Final

from sovereigncode.tools.edits import FileEdit, Hunk, Patch, Remove, Whole

_BEGIN: Final = "*** Begin Patch"
_END: Final = "*** End Patch"
_FILE: Final = re.compile(r"\*\*\* (Add|Update|Delete) File: (.*\S)\s*")
_MOVE: Final = re.compile(r"\*\*\* Move to: (.*\S)\s*")
_END_OF_FILE: Final = "*** End of File"


def read_patch(text: str) -> tuple[FileEdit, ...] | None:
    """The files that a patch changes, in its order; None if it is not of this format."""
    lines = text.strip().splitlines()
    # Codex takes a patch in a here-document's quotation marks too.
    if len(lines) > 1 and lines[0].startswith("<<") and lines[-1].strip() == lines[0].strip("<'\"- "):
        lines = lines[1:-1]
    if len(lines) < 2 or lines[0].strip() != _BEGIN or lines[-1].strip() != _END:  # noqa: PLR2004 - begin and end
        return None
    edits: list[FileEdit] = []
    at = 1
    while at < len(lines) - 1:
        found = _FILE.fullmatch(lines[at])
        if not found:
            return None
        at += 1
        body = []
        while at < len(lines) - 1 and not _FILE.fullmatch(lines[at]):
            body.append(lines[at])
            at += 1
        edit = _file(found[1], found[2], body)
        if edit is None:
            return None
        edits.append(edit)
    return tuple(edits) or None


def _file(verb: str, path: str, body: list[str]) -> FileEdit | None:
    if verb == "Delete":
        return FileEdit(path, Remove()) if not any(line.strip() for line in body) else None
    if verb == "Add":
        if not all(line.startswith("+") for line in body):
            return None
        return FileEdit(path, Whole("".join(f"{line[1:]}\n" for line in body)))
    moved = _MOVE.fullmatch(body[0]) if body else None
    hunks = _hunks(body[1:] if moved else body)
    return None if hunks is None else FileEdit(path, Patch(hunks), moved[1] if moved else None)


def _hunks(body: list[str]) -> tuple[Hunk, ...] | None:
    hunks: list[Hunk] = []
    anchors: list[str] = []
    lines: list[str] = []

    def close() -> None:
        nonlocal anchors, lines
        if lines:
            hunks.append(Hunk(tuple(anchors), tuple(lines)))
            anchors, lines = [], []

    for line in body:
        if line.startswith("@@"):
            close()
            if line[2:].strip():
                anchors.append(line[2:].removeprefix(" "))
        elif line.strip() == _END_OF_FILE:
            close()
        elif not line:
            lines.append(" ")
        elif line[0] in " +-":
            lines.append(line)
        else:
            return None
    close()
    return None if anchors else tuple(hunks)
