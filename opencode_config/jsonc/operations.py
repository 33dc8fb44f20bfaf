"""The changes to a config, as values: the edit, its check and the preview use the same list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Union

from foundation.files.snapshot import Snapshot


@dataclass(frozen=True)
class Set:
    """Set the value at `path` to `value` (plain JSON); missing objects on the way are created."""

    path: tuple[str, ...]
    value: Any


@dataclass(frozen=True)
class Remove:
    """Remove the key at `path`, if it is there.

    opencode reads the last of several equal keys: without the last one in `{"model": "a/b", "model": "c/d"}`
    it would use "a/b". Such a key is removed only with `every`, which removes all of them; whoever sets
    it must know that all of them may be removed.
    """

    path: tuple[str, ...]
    every: bool = False


Operation = Union[Set, Remove]


@dataclass(frozen=True)
class Repair:
    """An edit that removes what is in the way, and nothing else.

    `code` is that of the blocker, `layer` that of the edited file: "user_config" or "project_config".
    `snapshot` is the file; `sentence` says what the edit does.
    """

    code: str
    layer: str
    snapshot: Snapshot
    operation: Operation
    sentence: str
