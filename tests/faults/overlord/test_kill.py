"""Commands killed at every call: no answer lost that was reported, none doubled, and the next command works.

Between two calls nothing changes, so a kill before each one is a kill in every state.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Callable, Sequence

import pytest

from tests.faults.interception import spread
from tests.faults.overlord.scenarios import SCENARIOS, Scenario, Stage
from tests.faults.overlord.sweeping import Sweep

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL and fork are POSIX")

Figure = Callable[[str, float, str], None]
_IN_SAMPLE = 4


@pytest.fixture(params=SCENARIOS, ids=[scenario.name for scenario in SCENARIOS])
def scenario(request: pytest.FixtureRequest) -> Scenario:
    found: Scenario = request.param
    return found


def test_killed(scenario: Scenario, stage: Stage, base: Path, deep: bool, figure: Figure) -> None:
    sweep = Sweep(scenario, stage, base / "template")
    points = range(1, len(sweep.calls) + 1)
    chosen: Sequence[int] = points if deep else spread(points, _IN_SAMPLE)
    bad = [text for at in chosen for text in sweep.point(at, "kill")]
    figure(f"{scenario.name}: points", len(chosen), f"of {len(points)} calls")
    figure(f"{scenario.name}: killed", sweep.hit, f"times, {sweep.commands} commands")
    figure(f"{scenario.name}: bad ends", len(bad), "")
    assert not bad, "\n".join(bad[:20])


def test_killed_within_a_write(
    scenario: Scenario, stage: Stage, base: Path, deep: bool, figure: Figure
) -> None:
    sweep = Sweep(scenario, stage, base / "template")
    points = [at for at, name in enumerate(sweep.calls, 1) if name == "write"]
    chosen = points if deep else spread(points, 1)
    bad = [text for at in chosen for text in sweep.point(at, "half")]
    figure(f"{scenario.name}: killed within a write", sweep.hit, f"times, {sweep.commands} commands")
    assert not bad, "\n".join(bad[:20])
