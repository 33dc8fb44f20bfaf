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
    """The key at `path` goes; nothing happens where it is not there."""

    path: tuple[str, ...]


Operation = Union[Set, Remove]
