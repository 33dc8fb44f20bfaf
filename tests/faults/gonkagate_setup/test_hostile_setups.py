"""Whole setups through the command line in hostile homes: no hang, no fault of ours, no write elsewhere, and
no control byte on the terminal.
"""

from __future__ import annotations

import io
import json
import re
import shutil
import signal
import sys
from collections import Counter as Numbers
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Callable, Iterator
from unittest import mock

import pytest

from foundation import background
from foundation.processes import Output
from gonkagate_setup import cli
from tests.faults.foundation.test_failing_calls import assert_said, without_lock
from tests.faults.gonkagate_setup.test_whole_setup import Whole, at_once, bare, on
from tests.faults.homes import NEW_KEY, PLANTED, Home, Tree, put
from tests.faults.hostile_cases import Case, make
from tests.faults.interception import Counter, intercepted

resource = pytest.importorskip("resource", reason="memory is bounded by a call of POSIX")
pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="FIFOs, devices and alarms are those of POSIX"
)

# Seconds of work, and of waiting: the machine may be busy with something else.
WORK, WAIT = 10, 60
MEMORY = 4 * 1024**3
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029]")


@contextmanager
def no_longer() -> Iterator[list[int]]:
    """Raises in what hangs or eats the memory; the context's value tells of it where that is caught."""
    hung: list[int] = []
    memory = resource.getrlimit(resource.RLIMIT_AS)

    def stop(number: int, _frame: object) -> None:
        hung.append(number)
        raise AssertionError("it hung")

    old = [signal.signal(number, stop) for number in (signal.SIGPROF, signal.SIGALRM)]
    signal.setitimer(signal.ITIMER_PROF, WORK)
    signal.alarm(WAIT)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, memory[1]))
    try:
        yield hung
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.alarm(0)
        resource.setrlimit(resource.RLIMIT_AS, memory)
        for number, handler in zip((signal.SIGPROF, signal.SIGALRM), old):
            signal.signal(number, handler)


def set_up(home: Home, case: Case, scope: str, more: list[str]) -> tuple[int, str]:
    """The status and all that was said."""

    def answer(*positional: Any, **_named: Any) -> Output:
        if list(positional[1]) == ["--version"]:
            return Output(0, b"1.18.33\n", b"")
        return Output(0, json.dumps(case.answer).encode(), b"\x1b[2J")

    arguments = ["--scope", scope, "--model", "kimi-k2.6", "--yes", "--no-input", *case.arguments, *more]
    if case.cwd is not None:
        arguments += ["--cwd", str(case.cwd)]
    with ExitStack() as stack:
        stack.enter_context(on(home, answer, NEW_KEY))
        stack.enter_context(mock.patch.dict("os.environ", case.environ))
        stack.enter_context(mock.patch.object(background, "start", at_once))
        if case.swap is not None:
            stack.enter_context(intercepted(Counter(case.at, case.swap)))
        status = cli.main(arguments)
        assert isinstance(sys.stdout, io.StringIO)
        assert isinstance(sys.stderr, io.StringIO)
        return status, sys.stdout.getvalue() + sys.stderr.getvalue()


def without_litter(tree: Tree) -> Tree:
    """A folder where the journal belongs is one of a setup that was killed, and goes."""
    journal = "home/.gonkagate/opencode/journal"
    if tree.get(journal, ("",))[0].startswith("d"):
        tree = {path: entry for path, entry in tree.items() if path != journal}
    return without_lock(tree)


def check(home: Home, before: Tree, status: int, said: str, *, swapped: bool) -> None:
    assert CONTROL.search(said) is None, said
    assert status != 1, said
    now = home.tree()
    for path in {path for path in before if path.startswith("victim")}:
        assert now[path] == before[path]
    assert {path for path in now if path.startswith("victim")} <= before.keys()
    if swapped:
        return
    changed = {path for path in now.keys() | before.keys() if now.get(path) != before.get(path)}
    if status in (0, 7, 8):
        ours = ("home/.gonkagate", "home/.config", "project/opencode.json")
        assert all(path.startswith(ours) for path in changed), changed
    elif status == 9:
        assert_said(said, home, before)
    else:
        assert without_litter(now) == without_litter(before), (status, said)


def test_generated_hostile_setups(
    tmp_path: Path, deep: bool, figure: Callable[[str, float, str], None]
) -> None:
    number = 1200 if deep else 60
    ends: Numbers[str] = Numbers()
    kinds: Numbers[str] = Numbers()
    for seed in range(number):
        home = bare(Whole("", ()), tmp_path / "machine")
        put(home.root / "victim" / "file", b'{"precious": true}', 0o600)
        case = make(seed, home)
        before = home.tree()
        scope, more = ("user", "project")[seed // 6 % 2], [[], ["--json"]][seed // 12 % 2]
        with no_longer() as hung:
            status, said = set_up(home, case, scope, more)
        try:
            assert hung == []
            check(home, before, status, said, swapped=case.swap is not None)
        except AssertionError as error:
            raise AssertionError(f"case {seed}, {case}: status {status}\n{said[-2000:]}\n{error}") from None
        ends[str(status)] += 1
        kinds[case.kind] += 1
        shutil.rmtree(home.root)
    PLANTED.add(tmp_path)
    assert len(kinds) == 6
    figure("hostile setups", number, f"ended {dict(ends)}; of {len(kinds)} kinds: {', '.join(kinds)}")
