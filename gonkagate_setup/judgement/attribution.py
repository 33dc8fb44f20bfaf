"""Which layers decide a value, highest first, by their content and by precedence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Sequence

from opencode_config.jsonc import same
from opencode_config.layers import MISSING, Layer, Path, leaves, unknown
from opencode_config.output import MASK
from opencode_config.v2_spelling import plain_model


@dataclass(frozen=True)
class Culprit:
    """A layer that has to change, and the key in it."""

    layer: Layer
    path: Path
    value: Any


@dataclass(frozen=True)
class Attribution:
    """The culprits, highest first.

    `explained` is whether the highest readable value is what opencode resolved; otherwise something
    that cannot be read here overrides them.
    """

    culprits: tuple[Culprit, ...]
    explained: bool


def attribute(
    layers: Sequence[Layer], paths: Sequence[Path], wrong: Callable[[Any], bool], resolved: Any
) -> Attribution:
    """The layers that have to change so that the value at `paths[0]` is right; `resolved` is the wrong one.

    `paths` are the keys that opencode reads it from, strongest first (a mode's model beats an agent's). For
    example, "g/x" is expected, and a variable sets "a/b", the project "g/x" and the user's file "c/d". Only
    the variable is a culprit: without it, the project's right value takes effect. If the project had "e/f",
    all three would be. A culprit's search also ends at a value from another file, which is not known here.
    """
    culprits: list[Culprit] = []
    explained = _explained(layers, paths, resolved)
    for path in paths:
        for layer in reversed(layers):
            value = layer.get(path)
            if value is MISSING:
                continue
            if culprits if unknown(value) else not wrong(value):
                return Attribution(tuple(culprits), explained)
            spelled = layer.spelled(path)
            culprits.append(Culprit(layer, spelled, layer.written(spelled, value)))
    return Attribution(tuple(culprits), explained)


def _explained(layers: Sequence[Layer], paths: Sequence[Path], resolved: Any) -> bool:
    """Whether the highest readable values are what opencode resolved; an object is compared leaf by leaf.

    A key that opencode drops from an object, because it does not know it, needs no explanation.
    """
    if isinstance(resolved, dict):
        return all(
            _accounts(_highest(layers, (path,)), value)
            for path, value in leaves(resolved, paths[0])
            if path != paths[0]
        )
    return _accounts(_highest(layers, paths), resolved)


def _highest(layers: Sequence[Layer], paths: Sequence[Path]) -> Any:
    values = (layer.get(path) for path in paths for layer in reversed(layers))
    return next((value for value in values if value is not MISSING), MISSING)


def _accounts(value: Any, resolved: Any) -> bool:
    if value is MISSING:
        return False
    if unknown(value) or same(value, resolved) or same(plain_model(value), resolved):
        return True
    return resolved == MASK and isinstance(value, str)
