"""The published original of MaramaRoute as a second oracle: every difference in routing is a named decision.

lumynax-marama-route 0.4.2 from PyPI runs in a process and an environment of its own, on equal registries.
"""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from typing import Any, Mapping, Sequence

import pytest

from marama_route.core.registry import Model, Registry
from tests.conftest import Record
from tests.support.machine import ROOT
from tests.support.original import bridge, cases
from tests.support.original.bridge import DIFFERENCES, Result
from tests.support.original.cases import Case
from tests.support.original.serving import environment
from tests.unit.marama_route import asking

CASES = 700
ALL = frozenset(DIFFERENCES)
# Everything may be in these regions, and the workspace itself adds nothing.
RULES = asking.rules(sensitivity="public", resident_regions=["NZ", "AU", "US", "GLOBAL"])


def asked(wanted: Sequence[Case]) -> tuple[list[Result], list[dict[str, Any]], str]:
    """What the original decides about each; the registry that it ships; its version."""
    question = {"cases": [{"models": list(one.models), "payload": dict(one.payload)} for one in wanted]}
    done = subprocess.run(
        [str(environment()), "-I", str(ROOT / "tests" / "support" / "original" / "decide.py")],
        input=json.dumps(question),
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=True,
    )
    answer = json.loads(done.stdout)
    decisions = [Result(**{**one, "fallbacks": tuple(one["fallbacks"])}) for one in answer["decisions"]]
    return decisions, answer["registry"], answer["version"]


ALIASES = asking.registry().aliases


def ours(case: Case) -> Result:
    routed = asking.routed(
        Registry({one.id: one for one in map(entry, case.models)}, ALIASES), dict(case.payload), RULES
    )
    return Result(
        None if routed.selected is None else routed.selected.id,
        tuple(model.id for model in routed.fallbacks),
        {one.model: one.reason for one in routed.rejected},
        dict(routed.scores),
    )


def entry(model: Mapping[str, Any]) -> Model:
    """The same model in our registry."""
    return Model(
        id=model["model_id"],
        backend="b",
        upstream_model=model["model_id"],
        residency=tuple(sorted({region.upper() for region in model["residency"]})),
        context_tokens=model["context_tokens"],
        license=model["license_id"],
        modalities=frozenset(model["modalities"]),
        sovereignty_tier=model["sovereignty_tier"],
        tags=frozenset(model["tags"]),
        supports_tools=model["supports_tools"],
        supports_json=model["supports_json"],
        quality_rank=model["quality_rank"],
        cost_rank=model["cost_rank"],
        active_params_b=model["active_params_b"],
    )


@pytest.fixture(scope="module")
def shipped() -> list[dict[str, Any]]:
    """The original's own registry, without a model of 30 tokens, into which no question fits."""
    _, registry, version = asked([])
    assert version == "0.4.2"
    assert len(registry) == 98
    return [model for model in registry if model["context_tokens"] >= 512]


@pytest.fixture(scope="module")
def compared(shipped: list[dict[str, Any]]) -> list[tuple[Case, Result]]:
    """Cases, and what the original decided about each."""
    wanted = [cases.case(seed, shipped) for seed in range(CASES)]
    return list(zip(wanted, asked(wanted)[0], strict=True))


def test_where_nothing_differs_both_decide_the_same() -> None:
    wanted = [cases.plain(seed) for seed in range(500)]
    found = asked(wanted)[0]
    for case, theirs in zip(wanted, found, strict=True):
        assert ours(case) == theirs, case
    assert sum(one.selected is not None for one in found) > 300
    assert {reason for one in found for reason in one.rejected.values()} == {
        *("modality_mismatch", "context_too_small", "tools_required", "json_required"),
        *("license_not_allowed", "residency_mismatch"),
    }


def test_without_the_differences_the_bridge_is_the_original(compared: list[tuple[Case, Result]]) -> None:
    for case, theirs in compared:
        assert bridge.decide(case, frozenset()) == theirs, case


def test_with_all_differences_the_bridge_is_ours(compared: list[tuple[Case, Result]], figure: Record) -> None:
    equal = 0
    for case, theirs in compared:
        mine = ours(case)
        assert bridge.decide(case, ALL) == mine, case
        equal += mine == theirs
    figure("decisions that are the original's to the last point", equal, f"of {len(compared)}")
    assert sum(ours(case).selected is not None for case, _ in compared) > CASES / 3


def test_every_difference_is_one(compared: list[tuple[Case, Result]]) -> None:
    counts = Counter(
        name
        for case, _ in compared
        for name in DIFFERENCES
        if bridge.decide(case, ALL - {name}) != bridge.decide(case, ALL)
    )
    assert {name: counts[name] for name in DIFFERENCES if counts[name] < 5} == {}
