"""What is to change in a config, as values: the same list drives the edit, its check and the preview."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Union

from foundation.files.snapshot import Snapshot


@dataclass(frozen=True)
class Set:
    """The value at `path` becomes `value` (plain JSON); objects on the way are made."""

    path: tuple[str, ...]
    value: Any


@dataclass(frozen=True)
class Remove:
    """The key at `path` goes; nothing happens where it is not there.

    A key that stands more than once goes only with `every`, and then all of them do: opencode reads the last
    one, and an earlier one would come back to life. Who says so has proved that the earlier ones may go too.
    """

    path: tuple[str, ...]
    every: bool = False


Operation = Union[Set, Remove]


@dataclass(frozen=True)
class Repair:
    """An edit that takes away what is in the way, and nothing else.

    `code` is that of the blocker, `layer` that of the edited file: "user_config" or "project_config".
    `snapshot` is the file; `sentence` says what the edit does.
    """

    code: str
    layer: str
    snapshot: Snapshot
    operation: Operation
    sentence: str
