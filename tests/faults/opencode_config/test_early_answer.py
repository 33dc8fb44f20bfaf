"""A rerun asks opencode while it still reads all else; the answer counts only where nothing changed."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path
from typing import Any, Callable, Iterator
from unittest import mock

import pytest

from foundation.processes import Output
from opencode_config.program import early
from opencode_config.program import opencode as program
from opencode_config.program import surveying as surveys
from opencode_config.program.find import Executable
from opencode_config.program.opencode import Opencode
from tests.faults.gonkagate_setup.test_whole_setup import (
    PROJECT,
    REAL_RUN,
    SETUPS,
    USER,
    Replay,
    bare,
    set_up,
)
from tests.faults.homes import NEW_KEY, Home

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="nothing is asked early on Windows")
# The kernel stamps files with the time of its last tick, which is up to 10 ms ago.
COARSE_CLOCK_NS = 20_000_000
CONFIG = ("debug", "config", "--pure")


class Recorded:
    """Recorded answers; `meanwhile` happens while the config is asked for the first time."""

    def __init__(self, replay: Replay) -> None:
        self.replay = replay
        self.asked = threading.Event()
        self.stops: list[threading.Event | None] = []
        self.arguments: list[tuple[str, ...]] = []
        self.meanwhile: Callable[[], object] = lambda: None

    def run(self, *positional: Any, **named: Any) -> Output:
        self.arguments.append(tuple(positional[1]))
        if self.arguments[-1] == CONFIG:
            self.stops.append(named["stop"])
            self.asked.set()
            if len(self.stops) == 1:
                self.meanwhile()
        return self.replay.play(*positional, **named)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Replay:
    home = bare(SETUPS[0], tmp_path_factory.mktemp("recorded") / "machine")
    replay = Replay(home)
    assert set_up(home, replay.record, USER, NEW_KEY) == 0
    return replay


@pytest.fixture
def home(tmp_path: Path, recorded: Replay) -> Iterator[Home]:
    """Set up already, by answers of the real opencode; its files are seconds older than the rerun."""
    made = bare(SETUPS[0], tmp_path / "machine")
    assert set_up(made, recorded.play, USER, NEW_KEY) == 0
    with mock.patch.object(early, "_GRANULARITY_NS", COARSE_CLOCK_NS):
        time.sleep(4 * COARSE_CLOCK_NS / 1e9)
        yield made


def test_it_counts_only_where_nothing_is_written(tmp_path: Path) -> None:
    host = Home.empty(tmp_path / "machine").host
    asked = Opencode(Executable(tmp_path, native=True, size=1, mtime_ns=1), host.cwd, host.hidden)
    survey = surveys.take_survey(host, host.cwd, "gonkagate")
    answer = early.EarlyAnswer()
    assert answer.valid(survey, writes=False) is None, "nothing was asked"
    with mock.patch.object(program, "run", return_value=Output(0, b'{"model": "a/b"}', b"")):
        answer.ask(asked, {}, "gonkagate")
        valid = answer.valid(survey, writes=False)
    assert valid is not None
    assert valid.config == {"model": "a/b"}
    assert answer.valid(survey, writes=True) is None
    answer.stop()


def test_a_rerun_asks_before_it_has_read_anything_and_only_once(home: Home, recorded: Replay) -> None:
    opencode, real = Recorded(recorded), surveys.take_survey

    def survey_after_the_question(*arguments: Any) -> Any:
        assert opencode.asked.wait(20), "opencode was not asked early"
        return real(*arguments)

    with mock.patch("gonkagate_setup.commands.setup.planning.take_survey", survey_after_the_question):
        assert set_up(home, opencode.run, USER, None) == 0
    assert opencode.arguments == [CONFIG]


def test_an_answer_older_than_a_config_does_not_count(home: Home, recorded: Replay) -> None:
    opencode = Recorded(recorded)
    opencode.meanwhile = lambda: home.user_config.write_bytes(home.user_config.read_bytes())
    assert set_up(home, opencode.run, USER, None) == 0
    assert opencode.arguments == [CONFIG, CONFIG]


def test_a_replaced_link_makes_the_answer_old_too(home: Home, recorded: Replay) -> None:
    opencode = Recorded(recorded)
    target = home.user_config.rename(home.user_config.with_name("elsewhere.json"))
    home.user_config.symlink_to(target)

    def link_again() -> None:
        home.user_config.unlink()
        home.user_config.symlink_to(target)

    opencode.meanwhile = link_again
    assert set_up(home, opencode.run, USER, None) == 0
    assert opencode.arguments == [CONFIG, CONFIG]


def test_what_has_just_been_written_is_too_near_to_tell(home: Home, recorded: Replay) -> None:
    opencode = Recorded(recorded)
    with mock.patch.object(early, "_GRANULARITY_NS", 3600 * 1_000_000_000):
        assert set_up(home, opencode.run, USER, None) == 0
    assert opencode.arguments == [CONFIG, CONFIG]


def test_the_question_is_given_up_before_anything_is_written(home: Home, recorded: Replay) -> None:
    opencode = Recorded(recorded)
    states: list[bool] = []

    def wait_for_the_end() -> None:
        stop = opencode.stops[0]
        assert stop is not None
        states.append(stop.wait(20))
        states.append(home.project_config.exists())

    opencode.meanwhile = wait_for_the_end
    set_up(home, opencode.run, PROJECT, None)  # blocked, for the recorded answer is that of user scope
    assert states == [True, False]
    assert opencode.arguments == [CONFIG, CONFIG]


def test_a_failed_early_question_is_asked_again(home: Home, recorded: Replay) -> None:
    opencode = Recorded(recorded)

    def once_broken(*positional: Any, **named: Any) -> Output:
        answer = opencode.run(*positional, **named)
        return Output(1, b"", b"") if len(opencode.arguments) == 1 else answer

    assert set_up(home, once_broken, USER, None) == 0
    assert opencode.arguments == [CONFIG, CONFIG]


@pytest.mark.parametrize("more", ["--dry-run", None], ids=["dry run", "first setup"])
def test_nothing_is_asked_early_where_nothing_is_proved_or_known(
    tmp_path: Path, recorded: Replay, more: str | None
) -> None:
    opencode = Recorded(recorded)
    fresh = bare(SETUPS[0], tmp_path / "machine")
    if more is None:
        assert set_up(fresh, opencode.run, USER, NEW_KEY) == 0
        assert opencode.arguments == [("--version",), CONFIG]
    else:
        assert set_up(fresh, recorded.play, USER, NEW_KEY) == 0
        assert set_up(fresh, opencode.run, (*USER, more), None) == 0
        assert opencode.arguments == []


def test_the_real_opencode_on_a_rerun(tmp_path: Path) -> None:
    calls: list[tuple[str, ...]] = []

    def counted(*positional: Any, **named: Any) -> Output:
        calls.append(tuple(positional[1]))
        return REAL_RUN(*positional, **named)

    home = bare(SETUPS[0], tmp_path / "machine")
    assert set_up(home, counted, USER, NEW_KEY) == 0
    calls.clear()
    with mock.patch.object(early, "_GRANULARITY_NS", COARSE_CLOCK_NS):
        assert set_up(home, counted, USER, None) == 0
    assert calls == [CONFIG]
