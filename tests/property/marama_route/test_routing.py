"""Equal inputs give equal decisions, whatever the order; and a second reading of the contract agrees."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from marama_route.core.headers import Headers
from marama_route.core.hints import Hints, Rules
from marama_route.core.judged import request_of
from marama_route.core.registry import Model, Resolved
from marama_route.core.routing import Routed, route
from marama_route.core.wishes import TaskType
from marama_route.deciding.router import Router
from sovereigncode.core.combined import Combined
from sovereigncode.core.words import Sensitivity
from tests.unit.marama_route.asking import named, rules

TASKS = [task.value for task in TaskType]
REGIONS = [("NZ",), ("AU",), ("AU", "NZ"), ("US",)]


def model(chance: random.Random, name: str) -> Model:
    """A model near what is wanted: each fact is wrong now and then."""

    def flip(usual: Any, other: Any) -> Any:
        return other if chance.random() < 0.12 else usual

    return named(
        name,
        backend=flip("b", "left_out"),
        residency=flip(("NZ",), chance.choice(REGIONS)),
        sovereignty_tier=flip(3, chance.randint(0, 3)),
        modalities=frozenset(flip({"text", "image"}, {"text"})),
        context_tokens=flip(1000, 10),
        supports_tools=flip(True, False),
        supports_json=flip(True, False),
        license=flip("mit", chance.choice([None, "other"])),
        tags=frozenset(chance.sample(TASKS, 2)),
        quality_rank=chance.randint(0, 10),
        cost_rank=chance.randint(0, 10),
        active_params_b=chance.choice([None, 3.3, 8.0, 8.5, 70.0]),
    )


def wished(chance: random.Random) -> Hints:
    sensitivity = chance.choice(list(Sensitivity))
    return Hints(
        task_type=chance.choice(list(TaskType)),
        modalities=frozenset(chance.choice([{"text"}, {"text", "image"}])),
        jurisdiction=chance.choice(["NZ", "NZ", "AU", None]),
        must_be_in=frozenset({"NZ"} if sensitivity.high or chance.random() < 0.3 else set()),
        data_sensitivity=sensitivity,
        min_context_tokens=chance.choice([0, 500]),
        requires_local=chance.random() < 0.2,
        requires_tools=chance.random() < 0.5,
        requires_json=chance.random() < 0.5,
        license_allowlist=chance.choice([None, frozenset({"mit"})]),
        max_fallbacks=chance.randint(0, 4),
    )


def case(seed: int) -> tuple[list[Model], Hints, Rules]:
    chance = random.Random(seed)
    models = [model(chance, f"m{number:02}") for number in chance.sample(range(100), 12)]
    twins = [replace(one, id=f"{one.id}x") for one in models[:3]]
    regions = chance.choice([["NZ"], ["NZ", "AU"], ["NZ", "AU", "US"]])
    return [*models, *twins], wished(chance), rules(resident_regions=regions, sensitivity="public")


def decided(models: list[Model], hints: Hints, counted: Rules) -> Routed:
    call = request_of(Headers(), counted, "client", "software_engineering")
    return route(Resolved(tuple(models)), hints, counted, call, frozenset({"left_out"}))


def expected_rejection(model: Model, hints: Hints, counted: Combined) -> str | None:
    """Section 6 of the contract, read a second time; the policy here is about regions and tiers only."""
    high = hints.data_sensitivity not in (None, Sensitivity.PUBLIC, Sensitivity.INTERNAL)
    elsewhere = bool(set(model.residency) - counted.regions)
    judged = {
        "policy_denied": elsewhere or (high and model.sovereignty_tier < 2),
        "modality_mismatch": "image" in hints.modalities and "image" not in model.modalities,
        "context_too_small": model.context_tokens < hints.min_context_tokens,
        "tools_required": hints.requires_tools and not model.supports_tools,
        "json_required": hints.requires_json and not model.supports_json,
        "license_not_allowed": hints.license_allowlist is not None and model.license != "mit",
        "residency_mismatch": bool(hints.must_be_in) and model.residency != ("NZ",),
        "sovereignty_tier_too_low": hints.requires_local and model.sovereignty_tier != 3,
        "backend_unavailable": model.backend == "left_out",
    }
    return next((reason for reason, rejects in judged.items() if rejects), None)


def expected_score(model: Model, hints: Hints) -> float:
    score = 8.0 if hints.jurisdiction in model.residency else 0.0
    task = hints.task_type.value
    if task in model.tags:
        score += {"code": 17, "reasoning": 16}.get(task, 7)
    score += 3 if hints.requires_json else 0
    score += 3 if hints.requires_tools else 0
    score += (10 - model.quality_rank) * 1.7 - 0.25 * model.cost_rank
    small = model.active_params_b is not None and model.active_params_b <= 8
    return round(score + (0.5 if small else 0), 2)


@given(st.integers(0, 2**32))
def test_the_contract_read_a_second_time_agrees(seed: int) -> None:
    models, hints, counted = case(seed)
    assert isinstance(counted, Combined)
    found = decided(models, hints, counted)
    rejected = {one.id: expected_rejection(one, hints, counted) for one in models}
    assert {one.model: one.reason for one in found.rejected} == {
        name: reason for name, reason in rejected.items() if reason is not None
    }
    eligible = [one for one in models if rejected[one.id] is None]
    order = sorted(eligible, key=lambda one: (-expected_score(one, hints), one.id))
    assert [name for name, _ in found.scores] == [one.id for one in order]
    assert dict(found.scores) == {one.id: expected_score(one, hints) for one in order}
    selected = [] if found.selected is None else [found.selected]
    assert [*selected, *found.fallbacks] == order[: hints.max_fallbacks + 1]


@given(st.integers(0, 2**32), st.randoms(use_true_random=False))
def test_the_order_of_the_registry_changes_nothing(seed: int, chance: random.Random) -> None:
    models, hints, counted = case(seed)
    first = decided(models, hints, counted)
    shuffled = chance.sample(models, len(models))
    again = decided(shuffled, hints, counted)
    assert again == first
    assert list(again.to_json()["scores"]) == list(first.to_json()["scores"])


def test_the_cases_are_near_what_is_allowed() -> None:
    chosen = [decided(*case(seed)) for seed in range(200)]
    assert sum(one.selected is not None for one in chosen) > 120
    reasons = {rejected.reason for one in chosen for rejected in one.rejected}
    assert len(reasons) == 9


@given(st.integers(0, 2**32))
def test_a_plan_that_is_used_again_gives_what_routing_from_the_beginning_gives(seed: int) -> None:
    chance = random.Random(seed)
    models = [model(chance, f"m{number}") for number in range(chance.randint(0, 8))]
    counted = rules({"residency": ["NZ"]} if chance.random() < 0.5 else None)
    call = request_of(Headers(purpose="x"), counted, "somebody", None)
    router = Router()
    hints = wished(chance)
    for _ in range(6):
        hints = replace(
            hints if chance.random() < 0.7 else wished(chance),
            min_context_tokens=chance.choice([0, 5, 50, 500, 5000]),
            max_fallbacks=chance.choice([0, 1, 3]),
        )
        left_out = frozenset({"left_out"} if chance.random() < 0.5 else set())
        resolved = Resolved(tuple(chance.sample(models, len(models))))
        assert router.route("auto", resolved, hints, counted, call, left_out) == route(
            resolved, hints, counted, call, left_out
        )
