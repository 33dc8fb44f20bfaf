"""The sweeps judge by `Home.would_start` whether opencode would start; here the real one is asked."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Callable, Iterator

import pytest

from scripts.lib import opencode_versions
from tests.faults.foundation.test_kill import recovered, run_killed
from tests.faults.homes import NEW_KEY, SCENARIOS, Home, Scenario, config, put
from tests.faults.interception import points, spread

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL and fork are POSIX"),
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded"),
]


def really_starts(home: Home) -> bool:
    done = subprocess.run(
        [str(opencode_versions.executable(opencode_versions.NEWEST)), "debug", "config", "--pure"],
        cwd=home.project, env={"PATH": os.environ["PATH"], "HOME": str(home.folder), "TERM": "dumb"},
        stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    return done.returncode == 0


def commented(home: Home) -> None:
    SCENARIOS[0].run(home)
    text = home.user_config.read_bytes()
    home.user_config.write_bytes(b"// mine {\n" + text[:-1] + b", /* } */ }\n")


def broken_states() -> Iterator[tuple[str, Callable[[Home], None]]]:
    yield "a key file that is not there", lambda home: put(home.user_config, config(), 0o644)
    yield "half a file", lambda home: put(home.user_config, b"// mine\n" + config()[:-9], 0o644)
    yield (
        "the same in the other name",
        lambda home: put(home.user_config.with_suffix(".jsonc"), config(), 0o644),
    )
    yield "an array", lambda home: put(home.project_config, b"[]", 0o644)


def good_states() -> Iterator[tuple[str, Callable[[Home], None]]]:
    yield "nothing", lambda home: None
    yield "an empty file", lambda home: put(home.user_config, b"", 0o644)
    yield "a key without a config", lambda home: put(home.store.key, NEW_KEY, 0o600)
    yield "all, with comments and a comma too many", commented


@pytest.mark.parametrize(("name", "make"), list(broken_states()))
def test_both_say_no(name: str, make: Callable[[Home], None], roots: Iterator[Path]) -> None:
    home = SCENARIOS[0].make(next(roots))
    make(home)
    assert home.would_start() is not None, name
    assert not really_starts(home), name


@pytest.mark.parametrize(("name", "make"), list(good_states()))
def test_both_say_yes(name: str, make: Callable[[Home], None], roots: Iterator[Path]) -> None:
    home = SCENARIOS[0].make(next(roots))
    make(home)
    assert home.would_start() is None, name
    assert really_starts(home), name


# One point of each of these in the normal run, four of all with --deep; the same in test_whole_setup.py.
NORMALLY = ("rerun with changes", "drifted modes", "way out", "roll back of a first setup")


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_the_real_one_starts_after_kills(
    scenario: Scenario, roots: Iterator[Path], deep: bool, figure: Callable[[str, float, str], None]
) -> None:
    if not deep and scenario.name not in NORMALLY:
        pytest.skip("one real opencode a point: run with --deep")
    home = scenario.make(next(roots))
    _, chosen = points(lambda: scenario.run(home), every=deep)
    tried = spread(chosen, 4 if deep else 1)
    for at in tried:
        home = scenario.make(next(roots))
        status = run_killed(at, lambda home=home: scenario.run(home))  # type: ignore[misc]
        assert os.WIFSIGNALED(status), f"call {at} was not reached"
        assert os.WTERMSIG(status) == signal.SIGKILL
        assert home.would_start() is None
        assert really_starts(home), at
        recovered(home)
    figure("started for real after a kill", len(tried), "points")
