"""The edits that only removed what was in the way: the undo record keeps them for uninstall."""

from __future__ import annotations

from dataclasses import replace
from typing import Iterable, Sequence

from gonkagate_setup.catalog import ConfigPath
from gonkagate_setup.changes.history import FileChange, KeyChange, KeyMoved, way_back
from opencode_config.jsonc import Document
from opencode_config.jsonc.operations import Operation


def only(change: FileChange, paths: Iterable[ConfigPath]) -> FileChange:
    """The part of a file's changes that is about these paths, without what would restore the whole file."""
    wanted = set(paths)
    keys = tuple(key for key in change.keys if key.path in wanted)
    return replace(change, after=(), backup=None, folders=(), keys=keys)


def added(former: Sequence[FileChange], new: Sequence[FileChange]) -> tuple[FileChange, ...]:
    """All of them, each key of a file once: the latest change to it counts."""
    return (*without(former, new), *(change for change in new if change.keys))


def without(former: Sequence[FileChange], gone: Sequence[FileChange]) -> tuple[FileChange, ...]:
    """The earlier ones without the keys that the later ones have."""
    taken = {(change.real, key.path) for change in gone for key in change.keys}
    left = (
        replace(change, keys=tuple(key for key in change.keys if (change.real, key.path) not in taken))
        for change in former
    )
    return tuple(change for change in left if change.keys)


def taken_back(change: FileChange, document: Document) -> list[Operation]:
    """The operations that restore each key that still has the value that was written; the others are kept."""
    return [operation for key in change.keys for operation in _way_back(key, document)]


def _way_back(key: KeyChange, document: Document) -> list[Operation]:
    try:
        return way_back((key,), document)
    except KeyMoved:
        return []
