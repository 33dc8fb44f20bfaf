"""The arguments of a tool call, as JSON text or as values; names that clients spell differently."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final, Mapping, Sequence

_LONGEST: Final = 16 * 1024 * 1024

PATH: Final = ("filePath", "file_path", "filepath", "path", "absolutePath")
CONTENT: Final = ("content", "contents")
OLD: Final = ("oldString", "old_string", "old_text")
NEW: Final = ("newString", "new_string", "new_text")
EVERY: Final = ("replaceAll", "replace_all")
COMMAND: Final = ("command", "cmd")
FOLDER: Final = ("workdir", "cwd", "working_directory")
PATCH: Final = ("patchText", "input", "patch")


class BadArgumentsError(Exception):
    """The arguments are not what the tool takes; the message says why."""


@dataclass(frozen=True)
class ToolCall:
    """A tool's name and its arguments; a tool with one free text has it under `input`."""

    name: str
    arguments: Mapping[str, object]

    @classmethod
    def from_text(cls, name: str, text: str) -> ToolCall:
        """A call as a model writes it. Raises BadArgumentsError for what is not one JSON object."""
        if len(text) > _LONGEST:
            raise BadArgumentsError("the arguments are too long")
        try:
            # An empty text is what models write for a tool without arguments.
            value = json.loads(text, object_pairs_hook=_object) if text.strip() else {}
        except (ValueError, RecursionError):  # their texts quote the arguments
            raise BadArgumentsError("the arguments are not valid JSON") from None
        if isinstance(value, str):
            value = {"input": value}
        if not isinstance(value, dict):
            raise BadArgumentsError("the arguments are not a JSON object")
        return cls(name, value)

    def text(self, names: Sequence[str]) -> str | None:
        """The text under one of these names; None if there is none.

        Raises BadArgumentsError if two of them differ or one is not a text: clients would take different
        ones.
        """
        found = {name: self.arguments[name] for name in names if self.arguments.get(name) is not None}
        values = list(found.values())
        if not values:
            return None
        first = values[0]
        if not isinstance(first, str) or any(value != first for value in values):
            raise BadArgumentsError(f"the arguments do not say clearly what {names[0]} is")
        return first

    def needed(self, names: Sequence[str]) -> str:
        """The same; raises BadArgumentsError if it is missing."""
        found = self.text(names)
        if found is None:
            raise BadArgumentsError(f"{names[0]} is missing from the arguments")
        return found

    def flag(self, names: Sequence[str]) -> bool:
        """Whether one of these is true; `"true"` counts, as clients turn texts into values."""
        return any(self.arguments.get(name) in (True, "true", "True", 1) for name in names)


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a name appears twice")
    return made
