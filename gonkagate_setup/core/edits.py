"""What is to change in a config, as values: the same list drives the edit, its check and the preview."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Union


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
