"""A document that was read: its value, and where each part of it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping

from foundation.errors import Where
from sovereigncode.core.shapes import Place, Problem

Position = tuple[int, int]


class DocumentError(ValueError):
    """A text that is not such a document: one sentence without any of its content, line and column from 1."""

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column


@dataclass(frozen=True)
class Document:
    """The value of a text; `keys` and `values` say where the key and the value at a place are."""

    value: Any
    values: Mapping[Place, Position] = field(repr=False)
    keys: Mapping[Place, Position] = field(repr=False)

    def where(self, problem: Problem, name: str) -> Where:
        """The file's name with line and column of what is wrong, or of the innermost thing around it."""
        place = problem.place
        if problem.at_key and place in self.keys:
            return Where(name, *self.keys[place])
        while place and place not in self.values:
            place = place[:-1]
        return Where(name, *self.values.get(place, (1, 1)))
