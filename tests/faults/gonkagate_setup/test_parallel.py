"""Whole setups at once in one home, through the command line and each in its own process.

Which of them wins is the machine's choice; that one wins whole is not. opencode's answers come from the
real one (answers.py); in the last test real ones start and rewrite the configs meanwhile.
"""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Iterator
from unittest import mock

import pytest

from foundation.transaction import lock
from gonkagate_setup import cli
from tests.faults.answers import Answers, value_of
from tests.faults.gonkagate_setup.test_whole_setup import Whole, bare, on, set_up
from tests.faults.homes import BINDING
from tests.property.jsonc_tokens import tokenize
from tests.support.machine import Machine

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="fork is POSIX"),
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded"),
]
Figure = Callable[[str, float, str], None]

MODELS = ("kimi-k2.6", "minimax-m2.7")
CHOICES = [(scope, model) for model in MODELS for scope in ("user", "project")]
AT_ONCE = 8
HANG = 120.0
SCHEMA = b'"$schema": "https://opencode.ai/config.json"'
USER_TEXT = b'// mine\n{\n\t%s,\n\t"theme": "dark", /* yes */\n}\n' % SCHEMA
PROJECT_TEXT = b'{%s, "permission": {"bash": "ask"}} // ours\n' % SCHEMA
FILES = (("home/.config/opencode/opencode.json", USER_TEXT), ("project/opencode.json", PROJECT_TEXT))


def words(text: bytes) -> set[str]:
    """The comments, names and strings of a config."""
    return {token.text for token in tokenize(text.decode()) if token.kind in ("comment", "string")}


@dataclass(frozen=True)
class Setup:
    """One of those that start at once; its key tells whose key file it is in the end."""

    number: int

    @property
    def choice(self) -> tuple[str, str]:
        return CHOICES[self.number % len(CHOICES)]

    @property
    def key(self) -> bytes:
        return f"gp-parallel-{self.number}-of-the-tests".encode()

    @property
    def arguments(self) -> list[str]:
        scope, model = self.choice
        return ["--scope", scope, "--model", model, "--yes", "--json", "--no-input"]


@dataclass(frozen=True)
class Ended:
    """How one ended."""

    setup: Setup
    pid: int
    status: int
    report: dict[str, Any]

    @property
    def code(self) -> str | None:
        return None if self.status == 0 else str(self.report["errorCode"])


class Place:
    """One home that is made anew for each round, always at the same place."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "answers").mkdir()
        (root / "template").mkdir()
        self.home = bare(Whole("", (), files=FILES), root / "machine")
        self.answers = Answers(root / "answers", self.home)
        shutil.copytree(self.home.root, root / "template" / "machine", symlinks=True)
        # What each choice makes of the files where it runs alone.
        self.alone: dict[tuple[str, str], tuple[Any, Any]] = {}
        for number, choice in enumerate(CHOICES):
            setup = Setup(number)
            self.again()
            assert set_up(self.home, self.answers.run, setup.arguments, setup.key) == 0
            self.alone[choice] = self.values()
        self.asked = self.answers.asked()

    def again(self) -> None:
        shutil.rmtree(self.home.root)
        shutil.copytree(self.root / "template" / "machine", self.home.root, symlinks=True)

    def values(self) -> tuple[Any, Any]:
        return value_of(self.home.user_config), value_of(self.home.project_config)

    def at_once(self, wait_seconds: float, *, hold: bool) -> list[Ended]:
        """Eight setups that start together; with `hold` the first one goes on only when another has ended."""
        self.again()
        results = self.root / "results"
        shutil.rmtree(results, ignore_errors=True)
        results.mkdir()
        gate_out, gate_in = os.pipe()
        pids = [
            self._start(Setup(number), wait_seconds, hold, (gate_out, gate_in)) for number in range(AT_ONCE)
        ]
        os.close(gate_in)  # the children read its end: all at once
        os.close(gate_out)
        ended = []
        for number, pid in enumerate(pids):
            assert os.waitpid(pid, 0)[1] == 0, "a setup died"
            status, said = json.loads((results / str(number)).read_bytes())
            report = json.loads(said)
            ended.append(Ended(Setup(number), pid, status, report))
        return ended

    def _start(self, setup: Setup, wait_seconds: float, hold: bool, gate: tuple[int, int]) -> int:
        child = os.fork()
        if child != 0:
            return child
        try:
            os.close(gate[1])
            os.read(gate[0], 1)
            with (
                on(self.home, self._holding if hold else self.answers.run, setup.key),
                mock.patch.object(lock.__init__, "__defaults__", (wait_seconds,)),
            ):
                status = cli.main(setup.arguments)
                assert isinstance(sys.stdout, io.StringIO)
                said = sys.stdout.getvalue()
            fresh = self.root / "results" / f"{setup.number}.fresh"
            fresh.write_text(json.dumps([status, said]))
            fresh.rename(self.root / "results" / str(setup.number))
            os._exit(0)
        finally:
            os._exit(99)

    def _holding(self, *positional: Any, **named: Any) -> Any:
        until = time.monotonic() + HANG
        while self._mine() and not any(path.suffix == "" for path in (self.root / "results").iterdir()):
            assert time.monotonic() < until, "nobody else came to an end"
            time.sleep(0.01)
        return self.answers.run(*positional, **named)

    def _mine(self) -> bool:
        try:
            return bool(json.loads(self.home.store.lock.read_bytes())["pid"] == os.getpid())
        except (OSError, ValueError):
            return False

    def check(self, ended: list[Ended]) -> None:
        """No torn file, no lost user key, and setup record, configs and key of one and the same setup."""
        store = self.home.store
        state = json.loads(store.state.read_bytes())
        chosen = (state["selectedScope"], state["selectedModelKey"])
        (winner,) = [one for one in ended if one.setup.key == store.key.read_bytes()]
        assert winner.status == 0
        assert winner.setup.choice == chosen
        assert self.values() == self.alone[chosen]
        for path, text in zip((self.home.user_config, self.home.project_config), (USER_TEXT, PROJECT_TEXT)):
            assert words(text) <= words(path.read_bytes()), path.name
        names = [path.rpartition("/")[2] for path in self.home.tree()]
        assert [name for name in names if name in ("lock", "journal") or name.endswith(".tmp")] == []
        before = self.values(), store.key.read_bytes()
        assert set_up(self.home, self.answers.run, winner.setup.arguments, None) == 0
        assert (self.values(), store.key.read_bytes()) == before


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return Place(tmp_path_factory.mktemp("parallel"))


def test_eight_setups_at_once(place: Place, deep: bool, figure: Figure) -> None:
    """They wait as long as they do for a user: each is done, or says who was at work all the time."""
    rounds = 50 if deep else 3
    done = held = 0
    for _ in range(rounds):
        ended = place.at_once(5.0, hold=False)
        held += count_held(ended)
        done += sum(one.status == 0 for one in ended)
        place.check(ended)
    figure(
        "whole setups at once", AT_ONCE * rounds, f"in {rounds} rounds; done {done}, held by another {held}"
    )


def test_eight_setups_at_once_that_hardly_wait(place: Place, deep: bool, figure: Figure) -> None:
    """The first one goes on only when another one has given up, so both ends happen in every round."""
    rounds = 50 if deep else 1
    done = held = 0
    for _ in range(rounds):
        ended = place.at_once(0.02, hold=True)
        refused = count_held(ended)
        assert 1 <= refused < AT_ONCE
        held += refused
        done += AT_ONCE - refused
        place.check(ended)
    figure("whole setups that hardly wait", AT_ONCE * rounds, f"done {done}, held by another {held}")


def count_held(ended: list[Ended]) -> int:
    """How many say that another one holds the lock; every other one is done."""
    held = [one for one in ended if one.status != 0]
    pids = {one.pid for one in ended}
    for one in held:
        assert one.code == "setup_in_progress", one.report
        named = re.search(
            r"held by (?:process (\d+), since 2026-07-01T12:00:00Z|another process)", one.report["message"]
        )
        assert named is not None, one.report
        assert named[1] is None or int(named[1]) in pids - {one.pid}
    return len(held)


@contextmanager
def starting(machine: Machine, at_a_time: int) -> Iterator[list[int]]:
    """Opencodes that start again and again; their exit statuses, whole when the context is left."""
    statuses: list[int] = []
    stop = threading.Event()

    def again() -> None:
        while not stop.is_set():
            statuses.append(machine.opencode("debug", "config").status)

    threads = [threading.Thread(target=again) for _ in range(at_a_time)]
    for thread in threads:
        thread.start()
    try:
        yield statuses
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_a_setup_while_opencodes_start_and_rewrite(machine: Machine, deep: bool, figure: Figure) -> None:
    """Real opencodes start all the time; each adds `$schema` to configs that lack it."""
    # Two that make the database at once break each other, so it is there already.
    assert machine.opencode("debug", "config").status == 0
    texts = {machine.user_config: USER_TEXT, machine.project_config: PROJECT_TEXT}
    texts = {path: text.replace(SCHEMA + b",", b"") for path, text in texts.items()}
    rounds = 20 if deep else 1
    starts = 0
    for turn in range(rounds):
        shutil.rmtree(machine.key_file.parents[1], ignore_errors=True)
        for path, text in texts.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text)
        with starting(machine, 2 if deep else 1) as statuses:
            time.sleep(turn % 5 / 4)
            done = machine.run_setup(*Setup(turn).arguments, env={"GONKAGATE_API_KEY": machine.key})
        assert set(statuses) == {0}
        starts += len(statuses)
        assert done.status == 0, done.output
        for path, text in texts.items():
            now = path.read_bytes()
            assert words(text) <= words(now), path
            assert SCHEMA in now, path
        scope, model = Setup(turn).choice
        chosen = {"user": machine.user_config, "project": machine.project_config}[scope]
        assert value_of(chosen)["model"] == f"gonkagate/{model}"
        assert BINDING in machine.user_config.read_text()
        assert machine.key_file.read_text() == machine.key
        state = json.loads(machine.state_file.read_bytes())
        assert (state["selectedScope"], state["selectedModelKey"]) == (scope, model)
    figure("setups while opencodes rewrite configs", rounds, f"with {starts} starts of opencode")
