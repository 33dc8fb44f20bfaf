"""`init` killed, or with a failing call, at every filesystem call: each file is the old one or the new one.

opencode's answers are made up here, so that a point costs no second; the real one answers in tests/e2e.
"""

from __future__ import annotations

import argparse
import dataclasses
import errno
import io
import secrets
import signal
import sys
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Iterator
from unittest import mock

import pytest

from foundation import background
from foundation.errors import Refusal
from foundation.host import Host
from foundation.terminal.terminal import Terminal
from opencode_config.jsonc import crosscheck  # noqa: F401  # loaded before the sweep, as all else
from sovereigncode import workspace as workspaces
from sovereigncode.commands import init
from sovereigncode.commands.init import proof
from sovereigncode.errors import KINDS, NAMES
from tests.faults.foundation.test_failing_calls import without_lock
from tests.faults.foundation.test_kill import run_killed
from tests.faults.homes import Home, Tree, put
from tests.faults.interception import Counter, failing, failing_afterwards, intercepted, points

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL and fork are POSIX"),
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded"),
]
THEIRS = b'// the team\'s\n{\n\t"model": "acme/large", // keep\n\t"permission": {"edit": "deny"},\n}\n'
BEFORE = b'{"permission": {"bash": "ask"}}\n'
NEW = ("capsule.json", "tenant-policy.yaml")


@dataclass(frozen=True)
class Case:
    """The `files` of the project, an `earlier` init or not, and what opencode says `wrong` in the end."""

    name: str
    files: tuple[tuple[str, bytes], ...] = ()
    earlier: bool = False
    wrong: tuple[str, ...] = ()
    sensitivity: str | None = "restricted"


CASES = (
    Case("new"),
    Case("beside a config", (("opencode.jsonc", THEIRS),)),
    Case("again", (("opencode.json", BEFORE),), earlier=True, sensitivity="health"),
    Case("put back", (("opencode.json", BEFORE),), wrong=("opencode does not know the provider",)),
)
each = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


class Project:
    """A project in a home of its own, made anew for each point."""

    def __init__(self, case: Case, root: Path) -> None:
        self.case = case
        self.home = Home.empty(root)
        for name, data in case.files:
            put(self.home.project / name, data, 0o644)
        if case.earlier:
            assert self.init("internal") is None

    @property
    def host(self) -> Host:
        return dataclasses.replace(self.home.host, environ={"PATH": "/nowhere"}, hidden={})

    def init(self, sensitivity: str | None = None) -> Refusal | None:
        """One `init --yes`; why it was refused."""
        arguments = argparse.Namespace(
            sensitivity=sensitivity or self.case.sensitivity,
            jurisdiction="NZ",
            purpose=["code_review"],
            tenant="acme",
            key_file=None,
            yes=True,
        )
        wrong = () if sensitivity else self.case.wrong
        with answered(list(wrong)):
            try:
                init.run(arguments, self.host, _terminal())
            except Refusal as refusal:
                return refusal
        return None

    def tree(self) -> Tree:
        """What the user has: without our own folder in the state folder, which a killed run may leave."""
        return {
            path: entry
            for path, entry in without_lock(self.home.tree()).items()
            if not path.startswith("home/.local")
        }

    def assert_whole(self, before: Tree, written: Tree) -> None:
        """Every file is one of the two, and what is there can be read as what it is."""
        now = self.tree()
        for path in (before.keys() | now.keys() | written.keys()) - temporary(now):
            assert now.get(path) in (before.get(path), written.get(path)), path
        assert self.home.would_start() is None
        for fault in workspaces.read(self.home.project).faults:
            assert fault.code == "capsule_missing", fault


def temporary(tree: Tree) -> set[str]:
    return {path for path in tree if path.endswith(".tmp")}


def _terminal() -> Terminal:
    streams = (io.StringIO(), io.StringIO(), io.StringIO())
    return Terminal.from_streams(*streams, {}, json=True, quiet=True, platform=sys.platform, names=NAMES)


@contextmanager
def answered(wrong: list[str]) -> Iterator[None]:
    """What the program has done in a thread is done at once, and its opencode says this."""
    asked = proof.Asked(mock.sentinel.opencode, "1.18.33")
    with ExitStack() as stack:
        stack.enter_context(mock.patch.object(background, "start", at_once))
        stack.enter_context(mock.patch.object(proof.Asked, "on", return_value=asked))
        stack.enter_context(mock.patch.object(proof, "wrong", return_value=wrong))
        # Part of the capsule's id, which is in two files.
        stack.enter_context(mock.patch.object(secrets, "token_hex", return_value="c0ffee00"))
        yield


def at_once(call: Callable[[], Any], *, deep: bool = False) -> background.Task[Any]:
    task = background.Task(call)
    task.run()
    return task


@dataclass(frozen=True)
class Sweep:
    """A case with the trees before and after it, what it writes meanwhile, and the calls to act at."""

    case: Case
    before: Tree
    written: Tree
    after: Tree
    calls: int
    at: list[int]


def swept(case: Case, roots: Iterator[Path], *, every: bool) -> Sweep:
    project = Project(case, next(roots))
    before = project.tree()
    # What is written before opencode is asked, if it is put back afterwards.
    kept = Project(dataclasses.replace(case, wrong=()), next(roots))
    assert kept.init() is None
    written = kept.tree()
    ran = Project(case, next(roots))
    calls, at = points(lambda: _refused(ran, bool(case.wrong)), every=every)
    after = ran.tree()
    assert (after == before) is bool(case.wrong)
    assert all(f"project/.sovereigncode/{name}" in written for name in NEW)
    return Sweep(case, before, written, after, calls, at)


def _refused(project: Project, expected: bool) -> None:
    refusal = project.init()
    assert (refusal is not None) is expected, refusal


@each
def test_killed_at_every_call(
    case: Case, roots: Iterator[Path], deep: bool, figure: Callable[[str, float, str], None]
) -> None:
    sweep = swept(case, roots, every=deep)
    for at in sweep.at:
        project = Project(case, next(roots))
        status = run_killed(at, project.init)
        assert status == signal.SIGKILL, f"call {at} was not reached"
        project.assert_whole(sweep.before, sweep.written)
        _refused(project, bool(case.wrong))
        assert project.tree() == sweep.after, f"the next init after a kill before call {at}"
    figure("init killed", len(sweep.at), f"of {sweep.calls} calls")


@each
def test_every_call_fails_once(
    case: Case, roots: Iterator[Path], deep: bool, figure: Callable[[str, float, str], None]
) -> None:
    """A refusal of the table, and nothing was changed; or the call was not needed. The next init works."""
    sweep = swept(case, roots, every=deep)
    refused = 0
    for at in sweep.at:
        for act in (failing(errno.ENOSPC), failing_afterwards(errno.EIO)):
            project = Project(case, next(roots))
            with intercepted(Counter(at, act)):
                refusal = project.init()
            project.assert_whole(sweep.before, sweep.written)
            if refusal is not None:
                refused += 1
                assert refusal.kind in KINDS, refusal
            elif not case.wrong:
                assert project.tree() == sweep.after, at
            _refused(project, bool(case.wrong))
            assert project.tree() == sweep.after, f"the next init after call {at} failed"
    figure("init with a failing call", 2 * len(sweep.at), f"of {sweep.calls} calls; {refused} times refused")
