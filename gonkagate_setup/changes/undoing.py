"""What undo and uninstall do to one config file, as a value: preview, --dry-run and apply all use it."""

from __future__ import annotations

from dataclasses import dataclass

from foundation.errors import Refusal, Where
from foundation.files.snapshot import Snapshot
from gonkagate_setup.changes.history import FileChange, KeyMoved, way_back
from gonkagate_setup.changes.plan import parsed
from opencode_config import jsonc
from opencode_config.jsonc.duplicates import Repeated, repeated
from opencode_config.jsonc.operations import Operation


@dataclass(frozen=True)
class FileEdit:
    """One config file before and after; `after` is None if the file is removed.

    `operations` lead from one text to the other; None if the whole former file is restored. `duplicates` are
    the keys on the way to the edited ones that appear more than once. `comments_go`: comments are removed
    too.
    """

    snapshot: Snapshot
    layer: str
    before: str
    after: str | None
    operations: tuple[Operation, ...] | None
    duplicates: tuple[Repeated, ...] = ()
    comments_go: bool = False


def undo(change: FileChange, snapshot: Snapshot, *, untouched: bool, copy: bytes | None) -> FileEdit | None:
    """How to restore a file that the last setup wrote; None if nothing of what it wrote is left.

    `untouched`: nothing changed it since, except opencode adding `$schema`. `copy` is the kept backup. Raises
    Refusal undo_refused, with file, line and key, for a key that has another value now.
    """
    if snapshot.data is None:
        return None
    document = parsed(snapshot)
    if untouched and not change.existed:
        return FileEdit(snapshot, change.layer, document.text, None, None)
    if untouched and copy is not None:
        return FileEdit(snapshot, change.layer, document.text, jsonc.decode(copy), None)
    try:
        operations = way_back(change.keys, document)
        after = jsonc.apply(document, operations)
    except KeyMoved as moved:
        raise _refusal(document, snapshot, moved) from None
    except jsonc.JsoncError as problem:
        raise Refusal(
            "undo_refused",
            f"the previous value cannot be restored here: {problem.reason}",
            where=Where(str(snapshot.path), problem.line, problem.column),
            next_step="fix it by hand; nothing was written",
        ) from None
    if after.text == document.text:
        return None
    return FileEdit(
        snapshot,
        change.layer,
        document.text,
        after.text,
        tuple(operations),
        repeated(document, operations),
    )


def _refusal(document: jsonc.Document, snapshot: Snapshot, moved: KeyMoved) -> Refusal:
    node = next(
        (
            found
            for length in range(len(moved.path), 0, -1)
            if (found := document.find(moved.path[:length])) is not None
        ),
        None,
    )
    line, column = (None, None) if node is None else document.location(node.key_start or node.start)
    key = ".".join(moved.path)
    return Refusal(
        "undo_refused",
        f"{key} {moved.reason}, so undo stopped; no file was changed",
        where=Where(str(snapshot.path), line, column),
        next_step=f"set {key} as you want it by hand; gonkagate-setup uninstall removes what setup wrote",
    )
