"""Each filesystem call fails in turn; afterwards the tree is as before or as after, never between."""

from __future__ import annotations

import errno
import re
import sys
from pathlib import Path
from typing import Callable, Iterator

import pytest

from foundation.errors import Refusal
from gonkagate_setup.errors import code_of
from tests.faults.foundation.test_kill import recovered
from tests.faults.homes import SCENARIOS, Home, Scenario, Tree
from tests.faults.interception import Action, Counter, failing, failing_afterwards, intercepted, points

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the calls and errors are those of POSIX")

NUMBERS = (errno.EACCES, errno.ENOSPC, errno.EIO, errno.EROFS)


def broken(scenario: Scenario, home: Home, at: int, act: Action) -> Refusal | None:
    """The refusal that the setup ends with when call number `at` fails; None where it ends well."""
    try:
        with intercepted(Counter(at, act)):
            scenario.run(home)
    except Refusal as refusal:
        return refusal
    return None


def settled(home: Home, before: Tree, after: Tree, refusal: Refusal | None) -> str:
    """ "before" or "after"; where putting back is said to be incomplete, the next run completes it."""
    if refusal is not None and code_of(refusal) == "managed_rollback_failed":
        assert home.would_start() is None
        assert_said(refusal.message, home, before)
        recovered(home)
        assert without_lock(home.tree()) == without_lock(before)
        return "put back by the next run"
    if refusal is None and without_lock(home.tree()) == without_lock(after):
        return "as after"
    return "as before" if without_lock(home.tree()) == without_lock(before) else "between"


def assert_said(message: str, home: Home, before: Tree) -> None:
    """Whoever is told that not everything could be put back is told of everything, and of nothing else."""
    named = [
        Path(said).relative_to(home.root)
        for said in re.findall(r"(/[^;]*?) (?:could not be|was changed by|was kept)", message)
    ]
    assert named, message
    now = home.tree()
    journal = Path("home/.gonkagate/opencode/journal")
    changed = {Path(path) for path in now.keys() | before.keys() if now.get(path) != before.get(path)}
    for path in changed:
        ours = path.name == "lock" or path in (journal, journal / "entries")
        beside = path.name.endswith(".tmp") and any(one.parent == path.parent for one in named)
        # A folder that holds what is left is left too, and what is in a folder is told with it.
        told = any(one == path or path in one.parents or one in path.parents for one in named)
        assert ours or beside or told or path in journal.parents, (path, message)
    # A step that the system refused is tried again by the next run, so what is told is kept for it.
    assert all(path in changed or journal in changed for path in named), message


def without_lock(tree: Tree) -> Tree:
    """The lock file, and the folders made for it, stay where the very call that removes them fails; the next
    run takes them over.
    """
    store = "home/.gonkagate/opencode"
    rest = {path: entry for path, entry in tree.items() if path != f"{store}/lock"}
    if any(path.startswith(f"{store}/") for path in rest):
        return rest
    return {path: entry for path, entry in rest.items() if not path.startswith("home/.gonkagate")}


@pytest.mark.parametrize("how", [failing, failing_afterwards], ids=["fails", "done but says it failed"])
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_every_call_fails(
    scenario: Scenario,
    how: Callable[[int], Action],
    roots: Iterator[Path],
    deep: bool,
    figure: Callable[[str, float, str], None],
) -> None:
    before = scenario.make(next(roots)).tree()
    done = scenario.make(next(roots))
    calls, chosen = points(lambda: scenario.run(done), every=deep)
    after = done.tree()
    ends: dict[str, int] = {}
    for at in chosen:
        for number in NUMBERS if deep else (NUMBERS[at % len(NUMBERS)],):
            home = scenario.make(next(roots))
            refusal = broken(scenario, home, at, how(number))
            end = settled(home, before, after, refusal)
            assert end != "between", (at, number, refusal)
            ends[end] = ends.get(end, 0) + 1
    for end, times in ends.items():
        figure(f"calls failed, of {calls}, {end}", times, "times")
