"""A setup is killed, something happens, and the next run comes: nobody is left in a dead end.

Every kill point with everything of meddling.py. In the normal run each meddling has its own part of the
points; with --deep each has all that change the disk.
"""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from typing import Callable, Iterator
from unittest import mock

import pytest

from foundation import background
from foundation.transaction import Recovery, Role, Transaction, lock, recover
from gonkagate_setup import cli
from tests.faults.foundation.test_kill import run_killed
from tests.faults.gonkagate_setup.test_starts import really_starts
from tests.faults.gonkagate_setup.test_whole_setup import SETUPS, Sweep, at_once, on, recorded
from tests.faults.homes import BINDING, NEW_KEY, OLD_KEY, SCENARIOS, Home, Scenario, config
from tests.faults.interception import points
from tests.faults.meddling import MARK, MEDDLINGS, Meddling

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL and fork are POSIX"),
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded"),
]
Figure = Callable[[str, float, str], None]
each_meddling = pytest.mark.parametrize("meddling", MEDDLINGS, ids=lambda meddling: meddling.name)


# Each is recorded with the real opencode, so the normal run has those that differ most.
NORMALLY = ("first setup beside own settings", "blocked and put back")


@pytest.fixture(scope="module", params=SETUPS, ids=[whole.name for whole in SETUPS])
def sweep(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sweep]:
    """As in test_whole_setup.py."""
    if request.param.name not in NORMALLY and not request.config.getoption("--deep"):
        pytest.skip("two whole setups are enough: run with --deep")
    yield from recorded(request.param, tmp_path_factory)


def edited(home: Home) -> set[str]:
    """The configs with the user's edit in them, also where a link leads; not the copies of them."""
    return {path for path, entry in home.tree().items() if MARK in (entry[3] or b"") and ".bak-" not in path}


def keys_left(home: Home) -> set[str]:
    return {
        path
        for path, entry in home.tree().items()
        if any(key in (entry[3] or b"") for key in (OLD_KEY, NEW_KEY))
    }


def key_is_named(home: Home) -> bool:
    return any(BINDING.encode() in (entry[3] or b"") for entry in home.tree().values() if entry[3])


def put_back(home: Home) -> Recovery | None:
    with lock(home.store, home.host, wait_seconds=0):
        return recover(home.store, home.host)


@pytest.mark.parametrize("scenario", [one for one in SCENARIOS if one.commits], ids=lambda one: one.name)
def test_k0_putting_back_after_a_kill_and_something_else(
    scenario: Scenario, roots: Iterator[Path], deep: bool, figure: Figure
) -> None:
    tried = left = 0
    home = scenario.make(next(roots))
    had_key = home.store.key.exists()
    calls, chosen = points(lambda: scenario.run(home), every=False)
    for number, meddling in enumerate(MEDDLINGS):
        for at in chosen if deep else chosen[number % 9 :: 9]:
            home = scenario.make(next(roots))
            assert os.WIFSIGNALED(run_killed(at, lambda home=home: scenario.run(home)))  # type: ignore[misc]
            meddling.act(home)
            mine = edited(home)
            recovery = put_back(home)
            why = (meddling.name, at, recovery)
            assert recovery is None or recovery.failures == (), why
            assert not home.store.journal.exists(), why
            assert edited(home) == mine, why
            assert meddling.removes_key or home.would_start() is None, why
            assert recovery is None or had_key or key_is_named(home) or not keys_left(home), why
            assert put_back(home) is None, why
            tried += 1
            left += bool(recovery and recovery.left)
    figure("killed, meddled with and put back", tried, f"times; {calls} calls, {left} with a config left")


def test_k0_a_config_that_was_edited_since_is_named_with_its_copy(
    roots: Iterator[Path],
) -> None:
    scenario = next(one for one in SCENARIOS if one.name == "rerun with changes")
    home = scenario.make(next(roots))
    before = home.user_config.read_bytes()
    with lock(home.store, home.host):
        Transaction(home.store, home.host).apply(scenario.changes(home))
    home.user_config.write_bytes(config(model="gonkagate/new", username="mine"))
    recovery = put_back(home)
    assert recovery is not None
    assert recovery.failures == ()
    (left,) = recovery.left
    assert (left.path, left.role) == (home.user_config, Role.USER_CONFIG)
    assert left.copy is not None
    assert left.copy.read_bytes() == before
    assert MARK in home.user_config.read_bytes()
    assert home.store.key.read_bytes() == OLD_KEY


def test_k0_a_key_that_another_config_names_by_now_stays(roots: Iterator[Path]) -> None:
    """A first setup is killed, and its opencode.json becomes opencode.jsonc before the next run."""
    home = SCENARIOS[0].make(next(roots))
    with lock(home.store, home.host):
        Transaction(home.store, home.host).apply(SCENARIOS[0].changes(home))
    home.user_config.rename(home.user_config.with_suffix(".jsonc"))
    recovery = put_back(home)
    assert recovery is not None
    assert recovery.failures == ()
    assert home.store.key.read_bytes() == NEW_KEY
    assert home.would_start() is None


def test_k0_a_pipe_beside_a_config_does_not_block(roots: Iterator[Path]) -> None:
    home = SCENARIOS[0].make(next(roots))
    with lock(home.store, home.host):
        Transaction(home.store, home.host).apply(SCENARIOS[0].changes(home))
    os.mkfifo(home.user_config.with_suffix(".jsonc"))
    recovery = put_back(home)
    assert recovery is not None
    assert recovery.failures == ()
    assert not home.store.key.exists()


@each_meddling
def test_k0_the_next_setup_after_a_kill_and_something_else(
    meddling: Meddling, sweep: Sweep, deep: bool, figure: Figure
) -> None:
    tried = noticed = 0
    number = MEDDLINGS.index(meddling)
    for at in sweep.changing if deep else sweep.changing[number % 13 :: 13]:
        home = sweep.again()
        assert os.WIFSIGNALED(run_killed(at, sweep.work))
        meddling.act(home)
        mine = edited(home)
        no_key = meddling.removes_key and sweep.whole.key is None
        why = (sweep.whole.name, meddling.name, at)
        assert sweep.work() == (4 if no_key else sweep.whole.status), (*why, sweep.said)
        assert edited(home) == mine, why
        if no_key:
            continue
        assert home.would_start() is None, why
        assert key_is_named(home) == bool(keys_left(home)), why
        assert keys_left(home) <= {"home/.gonkagate/opencode/api-key"}, why
        assert not home.store.journal.exists(), why
        noticed += "interrupted_setup_left" in sweep.said
        tried += 1
        assert sweep.work() == sweep.whole.status, (*why, "again")
    figure("set up after a kill and " + meddling.name, tried, f"times; {noticed} with a notice")


@each_meddling
def test_k0_the_other_verbs_after_a_kill_and_something_else(
    meddling: Meddling, sweep: Sweep, deep: bool, figure: Figure
) -> None:
    """`verify` says what to run, `undo` and `uninstall` put back and go on; none ends with 9."""
    number = MEDDLINGS.index(meddling)
    tried = 0
    for at in sweep.changing[number % 7 :: 7] if deep else sweep.changing[number::41]:
        for verb in ("verify", "undo", "uninstall"):
            home = sweep.again()
            assert os.WIFSIGNALED(run_killed(at, sweep.work))
            meddling.act(home)
            mine = edited(home)
            if verb == "verify" and not home.store.journal.exists():
                continue  # nothing was interrupted
            status, said = run_verb(sweep, verb)
            why = (sweep.whole.name, meddling.name, at, verb, said)
            assert status in {"verify": (6,), "undo": (0, 5), "uninstall": (0,)}[verb], why
            assert edited(home) == mine, why
            assert meddling.removes_key or home.would_start() is None, why
            if verb == "uninstall":
                assert not keys_left(home), why
                assert not key_is_named(home), why
            tried += 1
    figure("verbs run after a kill and " + meddling.name, tried, "times")


def run_verb(sweep: Sweep, verb: str) -> tuple[int, str]:
    sweep.replay.counts.clear()
    with on(sweep.home, sweep.replay.play, sweep.whole.key), mock.patch.object(background, "start", at_once):
        options = [] if verb == "verify" else ["--yes"]
        status = cli.main([verb, *options, "--json"])
        assert isinstance(sys.stdout, io.StringIO)
        return status, sys.stdout.getvalue()


def test_k0_the_real_opencode_starts_in_between(sweep: Sweep, deep: bool, figure: Figure) -> None:
    """The very case: killed between the journal and the first config, then opencode adds `$schema`."""
    if not deep and sweep.whole.name != "first setup beside own settings":
        pytest.skip("one real opencode a point: run with --deep")
    at_replace = [at for at in sweep.changing if sweep.names[at - 1] == "replace"]
    tried = at_replace[1:] if deep else at_replace[2:3]
    for at in tried:
        home = sweep.again()
        assert os.WIFSIGNALED(run_killed(at, sweep.work))
        assert really_starts(home), at
        assert sweep.work() == sweep.whole.status, (at, sweep.said)
        assert really_starts(home), at
    figure("real opencode started between a kill and a setup", len(tried), "times")
