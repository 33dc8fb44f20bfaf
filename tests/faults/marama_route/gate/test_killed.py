"""Killed at every step up to passing on: no approval is used twice, and what passed is on record."""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Callable, Iterator

import pytest

from marama_route.core.tool_calls import Call
from tests.faults.interception import Counter, intercepted, kill, points
from tests.faults.sovereigncode.scenarios import fork
from tests.unit.marama_route.gate.scene import PUSH, Scene, bash
from tests.unit.sovereigncode.records import Place

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL and fork are POSIX"),
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded"),
]
Figure = Callable[[str, float, str], None]
READ = Call(0, 0, "call_0", "read", '{"filePath": "a.txt"}')
ANSWERS = {
    "one": (PUSH,),
    "several": (READ, PUSH, bash("git commit -m x", "call_2"), replace(PUSH, id="call_3")),
}


def approved(root: Path, answer: tuple[Call, ...]) -> Scene:
    """A workspace in which every approval of the answer is given."""
    root.mkdir(parents=True)
    scene = Scene(Place(root))
    assert not scene.judge(*answer).passed
    for one in scene.approvals.listed():
        scene.approvals.approve(one.id, "ada")
    return scene


def passes(scene: Scene, answer: tuple[Call, ...]) -> int:
    """How often the answer passes from now on, in new processes as it were."""
    count = 0
    while Scene(scene.place).judge(*answer).passed:
        count += 1
        assert count < 5
    return count


@pytest.mark.parametrize("name", ANSWERS)
def test_killed_before_it_is_passed_on(
    name: str, roots: Iterator[Path], deep: bool, figure: Figure, tmp_path: Path
) -> None:
    """The marker stands for the bytes to the client: it is made when `judge` has returned."""
    answer = ANSWERS[name]
    done = approved(next(roots), answer)

    def judge() -> None:
        assert done.judge(*answer).passed

    calls, chosen = points(judge, every=deep)
    burnt = 0
    for at in chosen:
        scene, marker = approved(next(roots), answer), tmp_path / f"passed-{at}"

        def work(scene: Scene = scene, marker: Path = marker, at: int = at) -> None:
            with intercepted(Counter(at, kill)):
                verdict = scene.judge(*answer)
            if verdict.passed:
                marker.touch()

        assert fork(work) == signal.SIGKILL, f"call {at} was not reached"
        later = passes(scene, answer)
        assert not marker.exists()
        assert later <= 1, f"killed before call {at}: an approval was used twice"
        burnt += not later
        assert scene.place.log.verify().holds
    figure("points killed", len(chosen), f"of {calls} calls; {burnt} left an approval used for nothing")
    assert 0 < burnt < len(chosen)


@pytest.mark.parametrize("name", ANSWERS)
def test_killed_after_it_was_passed_on(name: str, roots: Iterator[Path]) -> None:
    """What passed is used up and on record, whenever the process ends."""
    answer = ANSWERS[name]
    scene = approved(next(roots), answer)

    def work() -> None:
        assert scene.judge(*answer).passed
        os.kill(os.getpid(), signal.SIGKILL)

    assert fork(work) == signal.SIGKILL
    assert {tag for _, _, tag in scene.tools()[-len(answer) :]} == {"passed"}
    assert passes(scene, answer) == 0
    assert "approved" not in scene.states()


def test_the_uses_are_recorded_before_what_passed(roots: Iterator[Path]) -> None:
    """So that half an append never says that a call passed whose approval can still be used."""
    scene = approved(next(roots), ANSWERS["several"])
    before = len(list(scene.log.read()))
    assert scene.judge(*ANSWERS["several"]).passed
    kinds = [record.entry.kind for record in scene.log.read(before)]
    assert kinds == ["approval"] * 3 + ["tool"] * 4
