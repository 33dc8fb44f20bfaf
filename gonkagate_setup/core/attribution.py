"""Who decides a value: the layers above, highest first, by what they hold and by precedence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Sequence

from gonkagate_setup.core.layers import MISSING, Layer, Path, unknown


@dataclass(frozen=True)
class Culprit:
    """A layer that has to change, and the key in it."""

    layer: Layer
    path: Path
    value: Any


@dataclass(frozen=True)
class Attribution:
    """The culprits, highest first.

    `explained` tells whether the highest readable value is what opencode resolved; otherwise something
    that cannot be read here decides before them.
    """

    culprits: tuple[Culprit, ...]
    explained: bool


def attribute(
    layers: Sequence[Layer], paths: Sequence[Path], wrong: Callable[[Any], bool], resolved: Any
) -> Attribution:
    """Who makes the value at `paths[0]` what it is, when `resolved` is wrong.

    `paths` are the keys that opencode reads it from, strongest first (a mode's model beats an agent's).
    A layer is a culprit when it holds a wrong value and no right value stands above it: each one has to
    go, and with all of them gone the value is right. One that repeats the right value ends the search.
    """
    culprits: list[Culprit] = []
    highest: Any = MISSING
    for path in paths:
        for layer in reversed(layers):
            value = layer.get(path)
            if value is MISSING:
                continue
            if highest is MISSING:
                highest = value
            if not unknown(value) and not wrong(value):
                return Attribution(tuple(culprits), _accounts(highest, resolved))
            culprits.append(Culprit(layer, path, value))
    return Attribution(tuple(culprits), _accounts(highest, resolved))


def _accounts(value: Any, resolved: Any) -> bool:
    return value is not MISSING and (unknown(value) or same(value, resolved))


def same(left: Any, right: Any) -> bool:
    """Equality of JSON values, where true is not 1."""
    return (type(left) is type(right) and bool(left == right)) or _same_number(left, right)


def _same_number(left: Any, right: Any) -> bool:
    if isinstance(left, bool) or isinstance(right, bool):
        return False
    return isinstance(left, (int, float)) and isinstance(right, (int, float)) and left == right
