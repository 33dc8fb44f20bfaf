"""The process is killed at every filesystem call; what it leaves is whole, and the next run ends right."""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Callable, Iterator

import pytest

from foundation.transaction import Transaction, lock, recover
from tests.faults.homes import SCENARIOS, Home, Scenario, Tree
from tests.faults.interception import Counter, intercepted, kill, points

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL and fork are POSIX"),
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded"),
]

_LITTER_FOLDERS = {"home/.gonkagate", "home/.gonkagate/opencode"}


def run_killed(at: int | None, work: Callable[[], object]) -> int:
    """Run in a child that dies right before filesystem call number `at`; its wait status."""
    child = os.fork()
    if child == 0:
        try:
            with intercepted(Counter(at, kill)):
                work()
            os._exit(0)
        finally:
            os._exit(99)
    return os.waitpid(child, 0)[1]


def recovered(home: Home) -> None:
    with lock(home.store, home.host, wait_seconds=0):
        recover(home.store, home.host)


def assert_whole(home: Home, before: Tree, after: Tree) -> None:
    """Every file is the old one or the new one, and opencode would start."""
    assert home.would_start() is None
    now = home.tree()
    for path in (before.keys() | after.keys()) - _temporary(now):
        versions = [tree.get(path) for tree in (before, after)]
        if any(version is not None and version[3] is not None for version in versions):
            assert now.get(path) in versions, path


def _temporary(tree: Tree) -> set[str]:
    return {path for path in tree if path.endswith((".tmp", "/lock")) or "/journal" in path}


def without_empty_folders_of_ours(tree: Tree, like: Tree) -> Tree:
    """A process killed between making its folder and noting so in it leaves it empty."""
    if any(path.startswith("home/.gonkagate/opencode/") for path in tree):
        return tree
    return {path: entry for path, entry in tree.items() if path in like or path not in _LITTER_FOLDERS}


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_killed_at_every_call(
    scenario: Scenario, roots: Iterator[Path], deep: bool, figure: Callable[[str, float, str], None]
) -> None:
    before = scenario.make(next(roots)).tree()
    committed = scenario.make(next(roots))
    replace(scenario, commits=True).run(committed)
    written = committed.tree()
    done = scenario.make(next(roots))
    calls, chosen = points(lambda: scenario.run(done), every=deep)
    after = done.tree()
    assert (after == before) is not scenario.commits
    ends = {"before": 0, "after": 0}
    for at in chosen:
        home = scenario.make(next(roots))
        status = run_killed(at, lambda home=home: scenario.run(home))  # type: ignore[misc]
        assert os.WIFSIGNALED(status), f"call {at} was not reached"
        assert os.WTERMSIG(status) == signal.SIGKILL
        assert_whole(home, before, written)
        recovered(home)
        now = without_empty_folders_of_ours(home.tree(), before)
        assert now in (before, after), f"killed before call {at}"
        ends["before" if now == before else "after"] += 1
        if now == before:
            scenario.run(home)
            assert without_empty_folders_of_ours(home.tree(), after) == after
    assert ends["before"] > 0
    assert ends["after"] > 0 or not scenario.commits
    figure("points killed", len(chosen), f"of {calls} calls")
    figure("ended as before", ends["before"], "points")
    figure("ended as after", ends["after"], "points")


@pytest.mark.parametrize(
    "scenario", [one for one in SCENARIOS if one.commits], ids=lambda scenario: scenario.name
)
def test_recovery_killed_at_every_call(
    scenario: Scenario, roots: Iterator[Path], deep: bool, figure: Callable[[str, float, str], None]
) -> None:
    """A setup dies while opencode is asked; the run that puts it back dies too, at each of its calls."""
    before = scenario.make(next(roots)).tree()

    def interrupted(root: Path) -> Home:
        home = scenario.make(root)
        assert run_killed(None, lambda: _die_while_asking(scenario, home)) == signal.SIGKILL
        return home

    home = interrupted(next(roots))
    applied = home.tree()
    assert applied != before
    calls, chosen = points(lambda: recovered(home), every=deep)
    assert home.tree() == before
    for at in chosen:
        home = interrupted(next(roots))
        status = run_killed(at, lambda home=home: recovered(home))  # type: ignore[misc]
        assert os.WIFSIGNALED(status)
        assert_whole(home, before, applied)
        recovered(home)
        now = without_empty_folders_of_ours(home.tree(), before)
        assert now == before, f"killed before call {at}"
    figure("points killed during recovery", len(chosen), f"of {calls} calls")


def _die_while_asking(scenario: Scenario, home: Home) -> None:
    with lock(home.store, home.host, wait_seconds=0):
        transaction = Transaction(home.store, home.host)
        transaction.apply(scenario.changes(home))
        os.kill(os.getpid(), signal.SIGKILL)
