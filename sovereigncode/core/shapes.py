"""The shape of a document: what may be in it, as values that find every problem and give a JSON Schema."""

from __future__ import annotations

import difflib
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, Iterator, Mapping, Sequence

Place = tuple[str | int, ...]
# More is certainly a mistake, and a longer number than Python turns into text would stop it.
_LARGEST: Final = 1_000_000_000
_LONGEST_TEXT: Final = 1024
_MOST_ITEMS: Final = 10_000
_MOST_PROBLEMS: Final = 100


@dataclass(frozen=True)
class Problem:
    """What is wrong at a place: the keys and indices that lead there.

    The message never contains a value. `at_key`: the key itself is wrong, not its value.
    """

    place: Place
    message: str
    at_key: bool = False


class Shape(ABC):
    """What a value must look like."""

    @abstractmethod
    def problems(self, value: Any, place: Place = ()) -> Iterator[Problem]:
        """Everything that is wrong with the value."""

    @abstractmethod
    def schema(self) -> dict[str, Any]:
        """The same as JSON Schema (draft 2020-12)."""

    def first_problems(self, value: Any) -> tuple[Problem, ...]:
        """What is wrong with a whole document, or the first hundred things."""
        return tuple(islice(self.problems(value), _MOST_PROBLEMS))


@dataclass(frozen=True)
class Text(Shape):
    """A text that is not empty; `pattern` is matched as a whole, `what` describes it."""

    what: str = "a text that is not empty"
    pattern: str | None = None
    longest: int = _LONGEST_TEXT

    def problems(self, value: Any, place: Place = ()) -> Iterator[Problem]:
        """Not a text, empty, too long, or not as the pattern says."""
        if not isinstance(value, str) or not value.strip():
            yield Problem(place, f"this must be {self.what}")
        elif not value.isprintable():
            yield Problem(place, "this text contains a line end or another character that cannot be shown")
        elif len(value) > self.longest:
            yield Problem(place, f"this text has more than {self.longest} characters")
        elif self.pattern is not None and re.fullmatch(self.pattern, value, re.ASCII) is None:
            yield Problem(place, f"this must be {self.what}")

    def schema(self) -> dict[str, Any]:
        """A string with its pattern."""
        pattern = rf"^{self.pattern}$" if self.pattern else r"\S"
        return {"type": "string", "minLength": 1, "maxLength": self.longest, "pattern": pattern}


@dataclass(frozen=True)
class OneOf(Shape):
    """One of these words."""

    values: tuple[str, ...]

    def problems(self, value: Any, place: Place = ()) -> Iterator[Problem]:
        """Another word, or not a word."""
        if not isinstance(value, str) or value not in self.values:
            yield Problem(place, f"this must be one of {', '.join(self.values)}{_meant(value, self.values)}")

    def schema(self) -> dict[str, Any]:
        """An enumeration."""
        return {"enum": list(self.values)}


@dataclass(frozen=True)
class Number(Shape):
    """A whole number from `least` to `most`; 1.0 is one, as in JSON Schema, and true is not."""

    least: int = 0
    most: int = _LARGEST

    def problems(self, value: Any, place: Place = ()) -> Iterator[Problem]:
        """Not a whole number, or out of bounds."""
        whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
        if isinstance(value, bool) or not whole or not self.least <= value <= self.most:
            yield Problem(place, f"this must be a whole number from {self.least} to {self.most}")

    def schema(self) -> dict[str, Any]:
        """An integer with its bounds."""
        return {"type": "integer", "minimum": self.least, "maximum": self.most}


@dataclass(frozen=True)
class Flag(Shape):
    """True or false."""

    def problems(self, value: Any, place: Place = ()) -> Iterator[Problem]:
        """Neither."""
        if not isinstance(value, bool):
            yield Problem(place, "this must be true or false")

    def schema(self) -> dict[str, Any]:
        """A boolean."""
        return {"type": "boolean"}


@dataclass(frozen=True)
class Anything(Shape):
    """Any value: it is kept, and nothing is decided by it."""

    def problems(self, value: Any, place: Place = ()) -> Iterator[Problem]:
        """Nothing is wrong."""
        del value, place
        return iter(())

    def schema(self) -> dict[str, Any]:
        """No condition."""
        return {}


@dataclass(frozen=True)
class Many(Shape):
    """A list."""

    item: Shape

    def problems(self, value: Any, place: Place = ()) -> Iterator[Problem]:
        """Not a list, too long, or an item is wrong."""
        if not isinstance(value, list):
            yield Problem(place, "this must be a list")
        elif len(value) > _MOST_ITEMS:
            yield Problem(place, f"this list has more than {_MOST_ITEMS} items")
        else:
            for index, item in enumerate(value):
                yield from self.item.problems(item, (*place, index))

    def schema(self) -> dict[str, Any]:
        """An array."""
        return {"type": "array", "maxItems": _MOST_ITEMS, "items": self.item.schema()}


@dataclass(frozen=True)
class Or(Shape):
    """Null, or as the first shape says; with `second`, also as that one says."""

    shape: Shape
    second: Shape | None = None

    def problems(self, value: Any, place: Place = ()) -> Iterator[Problem]:
        """Neither null nor right."""
        if value is None or (self.second is not None and not [*self.second.problems(value, place)]):
            return
        yield from self.shape.problems(value, place)

    def schema(self) -> dict[str, Any]:
        """Either of them."""
        shapes = [self.shape, *([self.second] if self.second else [])]
        return {"anyOf": [*(shape.schema() for shape in shapes), {"type": "null"}]}


@dataclass(frozen=True)
class Field:
    """A key of a record: the shape of its value, what it means, and whether it must be there."""

    shape: Shape
    meaning: str = ""
    needed: bool = False


@dataclass(frozen=True)
class Record(Shape):
    """An object with these keys; `others` says whether it may have more of them."""

    fields: Mapping[str, Field]
    others: bool = False

    def problems(self, value: Any, place: Place = ()) -> Iterator[Problem]:
        """Not an object, a key that is missing or unknown, or a value that is wrong."""
        if not isinstance(value, dict):
            yield Problem(place, "this must be an object with named keys")
            return
        for name, inner in value.items():
            if name in self.fields:
                yield from self.fields[name].shape.problems(inner, (*place, name))
            elif not self.others:
                known = _meant(name, list(self.fields)) or f"; known are {', '.join(self.fields)}"
                yield Problem((*place, name), f"this key is not known{known}", at_key=True)
        for name, field in self.fields.items():
            if field.needed and name not in value:
                yield Problem(place, f"the key {name} is missing")

    def schema(self) -> dict[str, Any]:
        """An object."""
        properties = {
            name: {**({"description": field.meaning} if field.meaning else {}), **field.shape.schema()}
            for name, field in self.fields.items()
        }
        return {
            "type": "object",
            "required": [name for name, field in self.fields.items() if field.needed],
            "properties": properties,
            "additionalProperties": self.others,
        }


def _meant(given: Any, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(given[:64], known, 1) if isinstance(given, str) else []
    return f"; did you mean {close[0]}?" if close else ""
