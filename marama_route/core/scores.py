"""The score of a model that passed every gate, counted in hundredths, so that two equal ones are equal."""

from __future__ import annotations

from typing import Final, Iterable

from marama_route.core.hints import Hints
from marama_route.core.registry import WORST_RANK, Model
from marama_route.core.wishes import TaskType

SMALL_B: Final = 8


def parts(model: Model, hints: Hints) -> Iterable[tuple[int, str]]:
    """The points of a model in hundredths, each with its reason."""
    task = hints.task_type.value
    tagged = task in model.tags
    if hints.jurisdiction is not None and hints.jurisdiction in model.residency:
        yield 800, f"it runs in {hints.jurisdiction}"
    if tagged:
        yield 700, f"it is tagged {task}"
    if tagged and hints.task_type is TaskType.CODE:
        yield 1000, "it is made for code"
    if tagged and hints.task_type is TaskType.REASONING:
        yield 900, "it is made for reasoning"
    if hints.requires_json and model.supports_json:
        yield 300, "it answers in JSON"
    if hints.requires_tools and model.supports_tools:
        yield 300, "it calls tools"
    yield 170 * (WORST_RANK - model.quality_rank), f"its quality rank is {model.quality_rank}"
    yield -25 * model.cost_rank, f"its cost rank is {model.cost_rank}"
    if model.active_params_b is not None and model.active_params_b <= SMALL_B:
        yield 50, f"it has at most {SMALL_B} thousand million active parameters"
