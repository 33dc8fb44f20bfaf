"""Ctrl-C, SIGTERM and SIGHUP at every call: the command itself settles what waited for an answer."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Callable, Final, Sequence

import pytest

from tests.faults.interception import spread
from tests.faults.overlord.scenarios import SCENARIOS, Scenario, Stage
from tests.faults.overlord.sweeping import Sweep
from tests.faults.overlord.victims import Fate
from tests.support.overlord_records import lost, reported

if sys.platform == "win32":
    pytest.skip("signals are POSIX", allow_module_level=True)

Figure = Callable[[str, float, str], None]
ENDS: Final = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
_IN_SAMPLE = 2


@pytest.fixture(params=SCENARIOS, ids=[scenario.name for scenario in SCENARIOS])
def scenario(request: pytest.FixtureRequest) -> Scenario:
    found: Scenario = request.param
    return found


def test_cancelled(scenario: Scenario, stage: Stage, base: Path, deep: bool, figure: Figure) -> None:
    sweep = Sweep(scenario, stage, base / "template")
    points = range(1, len(sweep.calls) + 1)
    chosen: Sequence[int] = points if deep else spread(points, _IN_SAMPLE)
    bad = []
    # `stop` finds what a killed command has left, and may be cancelled before it looks at it.
    alone = scenario.argv[0] != "stop"

    def look(fate: Fate) -> list[str]:
        return _settled(stage, fate, alone=alone)

    for at in chosen:
        number = list(ENDS)[at % len(ENDS)]
        # Before and after the command as such, a signal does what it does to any program.
        ends = (ENDS[number], -number)
        bad += sweep.point(at, f"signal:{int(number)}", ends=ends, look=look)
    figure(f"{scenario.name}: cancelled", sweep.hit, f"times of {len(chosen)}")
    assert not bad, "\n".join(bad[:20])


@pytest.mark.parametrize("number", list(ENDS))
def test_while_the_result_is_shown(number: signal.Signals, stage: Stage) -> None:
    """It is shown whole: the command has ended, and all is stored."""
    stage.do("start")
    calls = stage.do("status", "--no-liveness", "--json").calls
    shown = calls.index("screen") + 1
    fate = stage.run("status", "--no-liveness", "--json", how={"at": shown, "act": f"signal:{int(number)}"})
    assert (fate.status, fate.stderr) == (0, "")
    assert fate.report["ok"]


def _settled(stage: Stage, fate: Fate, *, alone: bool) -> list[str]:
    """Nothing is open, without the help of another command."""
    found = [f"a report about a fault: {text}" for text in stage.place.crash_reports()]
    if "Traceback" in fate.stderr:
        found.append(fate.stderr)
    for run in stage.place.runs():
        if fate.status in ENDS.values() and alone:
            found += [f"at once: {text}" for text in run.problems()]
        found += lost(run, reported(fate.stdout, fate.stderr))
    return found
