"""Hints of a routing request or an alias: what is wished of a model. None is what nobody said."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, Mapping

from sovereigncode.core.capsule import NAME
from sovereigncode.core.shapes import Field, Flag, Many, Number, OneOf, Or, Record, Shape
from sovereigncode.core.words import Sensitivity, words

MOST_FALLBACKS: Final = 100


class TaskType(str, Enum):
    """What a model is asked to do."""

    GENERAL = "general"
    CODE = "code"
    REASONING = "reasoning"
    MULTIMODAL = "multimodal"
    EMBEDDING = "embedding"


_SHAPES: Final[Mapping[str, Shape]] = {
    "modalities": Many(NAME),
    "jurisdiction": NAME,
    "data_sensitivity": OneOf(words(Sensitivity)),
    "min_context_tokens": Number(),
    "requires_local": Flag(),
    "requires_tools": Flag(),
    "requires_json": Flag(),
    "license_allowlist": Many(NAME),
    "max_fallbacks": Number(0, MOST_FALLBACKS),
}
_TASK: Final = OneOf(words(TaskType))
# In a request null is nothing said; in the configuration it is a mistake.
REQUEST_SHAPE: Final = Record(
    {name: Field(Or(shape)) for name, shape in {"task_type": _TASK, **_SHAPES}.items()}
)
ALIAS_SHAPE: Final = Record({name: Field(shape) for name, shape in {"task": _TASK, **_SHAPES}.items()})


@dataclass(frozen=True)
class Wishes:
    """What is wished, as far as it was said; `min_context_tokens` counts the question and its answer."""

    task_type: TaskType | None = None
    modalities: frozenset[str] | None = None
    jurisdiction: str | None = None
    data_sensitivity: Sensitivity | None = None
    min_context_tokens: int | None = None
    requires_local: bool | None = None
    requires_tools: bool | None = None
    requires_json: bool | None = None
    license_allowlist: frozenset[str] | None = None
    max_fallbacks: int | None = None


def parsed(value: Mapping[str, Any]) -> Wishes:
    """The wishes of a mapping that has one of the two shapes."""
    task = value.get("task_type", value.get("task"))
    sensitivity = value.get("data_sensitivity")
    return Wishes(
        task_type=None if task is None else TaskType(task),
        modalities=_names(value.get("modalities")),
        jurisdiction=value.get("jurisdiction"),
        data_sensitivity=None if sensitivity is None else Sensitivity(sensitivity),
        min_context_tokens=_whole(value.get("min_context_tokens")),
        requires_local=value.get("requires_local"),
        requires_tools=value.get("requires_tools"),
        requires_json=value.get("requires_json"),
        license_allowlist=_names(value.get("license_allowlist")),
        max_fallbacks=_whole(value.get("max_fallbacks")),
    )


def _names(values: list[str] | None) -> frozenset[str] | None:
    return None if values is None else frozenset(values)


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)
