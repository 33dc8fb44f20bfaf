"""Keys that appear more than once in one object and are affected by an edit: opencode reads the last one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable, Sequence

from opencode_config.jsonc import Document, Duplicate, same
from opencode_config.jsonc.operations import Operation, Remove, Set


@dataclass(frozen=True)
class Repeated:
    """A dotted key, the lines (1-based) on which it is first and last, and what happens to it."""

    key: str
    first: int
    last: int
    fate: str

    @property
    def sentence(self) -> str:
        """What a preview says."""
        return f"{self.key} appears twice (lines {self.first} and {self.last}); {self.fate}"


def repeated(document: Document, operations: Sequence[Operation]) -> tuple[Repeated, ...]:
    """Every key that appears more than once on the way to what the operations change."""
    return tuple(
        Repeated(
            ".".join(duplicate.path),
            document.location(duplicate.first)[0],
            document.location(duplicate.effective)[0],
            _fate(document, duplicate, operations),
        )
        for duplicate in document.duplicates
        if any(duplicate.path == operation.path[: len(duplicate.path)] for operation in operations)
    )


def _fate(document: Document, duplicate: Duplicate, operations: Iterable[Operation]) -> str:
    earlier = document.shadowed(duplicate.path)
    for operation in operations:
        if operation.path != duplicate.path:
            continue
        if isinstance(operation, Remove):
            return "the earlier one was also written by a setup and is removed"
        if isinstance(operation, Set) and earlier and same(operation.value, earlier[-1].value):
            return "the earlier one is kept and takes effect"
    return "the last one takes effect and is edited; the earlier one is kept"
