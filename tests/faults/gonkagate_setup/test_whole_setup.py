"""Whole setups, killed and broken at every filesystem call of theirs.

opencode's answers are recorded once from the real one and replayed, so that a point costs no second. What the
program does in threads of its own is done right where it starts them, so that every call has the same number
in every run; test_strace.py holds those that change the disk against what the kernel saw.
"""

from __future__ import annotations

import dataclasses
import io
import json
import os
import pickle
import re
import shutil
import signal
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Iterator, Sequence
from unittest import mock

import pytest

from foundation import background
from foundation import host as hosts
from foundation.processes import Output
from gonkagate_setup import cli
from gonkagate_setup.catalog import GONKAGATE
from opencode_config.jsonc import crosscheck  # noqa: F401  # loaded before the sweep, as all else
from opencode_config.program import opencode
from opencode_config.program.run import run as real_run
from scripts.lib import opencode_versions
from tests.faults.foundation.test_failing_calls import NUMBERS, assert_said, without_lock
from tests.faults.foundation.test_kill import run_killed, without_empty_folders_of_ours
from tests.faults.foundation.test_strace import changes_seen, needs_strace
from tests.faults.gonkagate_setup.test_starts import really_starts
from tests.faults.homes import BINDING, MADE, NEW_KEY, NOW, OLD_KEY, Home, Tree, put
from tests.faults.interception import CHANGING, Counter, failing, intercepted, spread
from tests.support import watching

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL and fork are POSIX"),
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded"),
]

# A question would be asked at the terminal that the tests were started from.
USER = ("--scope", "user", "--model", "kimi-k2.6", "--yes", "--json", "--no-input")
PROJECT = ("--scope", "project", "--model", "minimax-m2.7", "--yes", "--json", "--no-input")


@dataclass(frozen=True)
class Whole:
    """`earlier` setups make the home that `arguments` then runs in, with `key` in the environment.

    `asks_again`: what it writes depends on opencode's answer, so configs that somebody else has changed are
    asked about again, of the real one.
    """

    name: str
    arguments: tuple[str, ...]
    status: int = 0
    earlier: tuple[tuple[str, ...], ...] = ()
    key: bytes | None = None
    files: tuple[tuple[str, bytes], ...] = ()
    asks_again: bool = False


SETUPS = (
    Whole("first setup", USER, key=NEW_KEY),
    Whole("first setup beside own settings", USER, key=NEW_KEY, files=(
        ("home/.config/opencode/opencode.json", b'// mine\n{\n\t"theme": "dark", /* yes */\n}\n'),
        ("project/opencode.json", b'{"permission": {"bash": "ask"}}\n'),
    )),
    Whole("rerun", USER, earlier=(USER,)),
    Whole("scope switch", PROJECT, earlier=(USER,)),
    Whole("key rotation", USER, earlier=(USER,), key=NEW_KEY),
    Whole("blocked and put back", USER, status=6, key=NEW_KEY, files=(
        ("project/opencode.json", b'{"disabled_providers": ["gonkagate"]}\n'),
    )),
    Whole("what is in the way is changed", (*USER, "--on-blocked", "fix"), key=NEW_KEY, files=(
        ("home/.config/opencode/opencode.json", b'{\n\t"default_agent": "nobody", // mine\n}\n'),
        ("project/opencode.json", b'{"model": "other/model"}\n'),
    ), asks_again=True),
    Whole("available only", (*USER, "--on-blocked", "available"), key=NEW_KEY, files=(
        ("home/.config/opencode/opencode.json", b'{"model": "a/b", "disabled_providers": ["gonkagate"]}\n'),
    ), asks_again=True),
)  # fmt: skip


class Replay:
    """opencode's answers, each to the same question about the same configs in the same order.

    Configs that somebody else has changed meanwhile get the answer to the same question alone, or
    (`asks_again`) the one that the real opencode gives now.
    """

    def __init__(self, home: Home, *, asks_again: bool = False) -> None:
        self.home = home
        self.asks_again = asks_again
        self.answers: dict[tuple[object, ...], list[Output]] = {}
        self.counts: dict[tuple[object, ...], int] = {}

    def record(self, *positional: Any, **named: Any) -> Output:
        answer = REAL_RUN(*positional, **named)
        for question in {self._question(positional[1]), tuple(positional[1])}:
            self.answers.setdefault(question, []).append(answer)
        return answer

    def play(self, *positional: Any, **named: Any) -> Output:
        question = self._question(positional[1])
        if self.asks_again and question not in self.answers:
            self.answers[question] = [REAL_RUN(*positional, **named)]
        question = question if question in self.answers else tuple(positional[1])
        answers, count = self.answers[question], self.counts.get(question, 0)
        self.counts[question] = count + 1
        return answers[min(count, len(answers) - 1)]

    def _question(self, arguments: Sequence[str]) -> tuple[object, ...]:
        configs = (self.home.user_config, self.home.project_config)
        texts = [read(path.read_text()) for path in configs if path.exists()]
        return tuple(arguments) if arguments[0] == "--version" else (*arguments, *texts)


def read(text: str) -> str:
    """The text without the line that opencode adds when it starts."""
    return re.sub(r'\s*"\$schema": "[^"]*",?', "", text)


REAL_RUN = real_run


def at_once(call: Callable[[], Any], *, deep: bool = False) -> background.Task[Any]:
    """In place of `background.start`: the call is made before the caller goes on."""
    task = background.Task(call)
    task.run()
    return task


@contextmanager
def on(home: Home, run: Callable[..., Output], key: bytes | None) -> Iterator[None]:
    """This process believes that it runs on that machine."""
    binary = home.root / "bin"
    environ = {"HOME": str(home.folder), "PATH": f"{binary}:{os.environ['PATH']}", "TERM": "dumb"}
    if key is not None:
        environ["GONKAGATE_API_KEY"] = key.decode()
    here = Path.cwd()
    with ExitStack() as stack:
        stack.enter_context(mock.patch.dict(os.environ, environ, clear=True))
        stack.enter_context(mock.patch.object(opencode, "run", run))
        for name in ("stdin", "stdout", "stderr"):
            stream = io.StringIO()
            stack.callback(lambda stream=stream: watching.say(stream.getvalue()))  # type: ignore[misc]
            stack.enter_context(mock.patch.object(sys, name, stream))
        os.chdir(home.project)
        stack.callback(os.chdir, here)
        fixed = dataclasses.replace(hosts.current(GONKAGATE.hidden), now=lambda: NOW)
        stack.enter_context(mock.patch.object(hosts, "current", return_value=fixed))
        yield


def set_up(home: Home, run: Callable[..., Output], arguments: Sequence[str], key: bytes | None) -> int:
    with on(home, run, key):
        return cli.main(list(arguments))


def bare(whole: Whole, root: Path) -> Home:
    home = Home.empty(root)
    MADE.add(root)
    (home.project / ".git").mkdir()
    (home.project / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    (root / "bin").mkdir()
    (root / "bin" / "opencode").symlink_to(opencode_versions.executable(opencode_versions.NEWEST))
    for name, data in whole.files:
        put(root / name, data, 0o644)
    return home


class Sweep:
    """A machine that is made anew for each point, always at the same place."""

    def __init__(self, whole: Whole, root: Path, template: Path) -> None:
        self.whole = whole
        self.template = template
        self.home = bare(whole, root)
        self.replay = Replay(self.home, asks_again=whole.asks_again)
        # A rerun asks for it only where what it noted about opencode cannot be read.
        version = Output(0, f"{opencode_versions.NEWEST}\n".encode(), b"")
        self.replay.answers["--version",] = [version]
        for arguments in whole.earlier:
            assert set_up(self.home, REAL_RUN, arguments, OLD_KEY) == 0
        # opencode's own files are not ours to compare.
        for name in (".local", ".cache"):
            shutil.rmtree(self.home.folder / name, ignore_errors=True)
        shutil.copytree(self.home.root, self.template, symlinks=True)
        self.before = self.home.tree()
        assert set_up(self.home, self.replay.record, whole.arguments, whole.key) == whole.status
        self.said = ""
        self.names: list[str] = []
        for _ in range(2):  # the first one also loads what is loaded late
            self.again()
            with intercepted(Counter()) as counter:
                assert self.work() == whole.status
            self.names = counter.names
        self.after = self.home.tree()

    def again(self) -> Home:
        MADE.add(self.home.root)
        shutil.rmtree(self.home.root)
        shutil.copytree(self.template, self.home.root, symlinks=True)
        return self.home

    def work(self) -> int:
        self.replay.counts.clear()
        with on(self.home, self.replay.play, self.whole.key), mock.patch.object(background, "start", at_once):
            status = cli.main(list(self.whole.arguments))
            assert isinstance(sys.stdout, io.StringIO)
            self.said = sys.stdout.getvalue()
            return status

    def work_in_threads(self) -> int:
        self.replay.counts.clear()
        return set_up(self.home, self.replay.play, self.whole.arguments, self.whole.key)

    @property
    def changing(self) -> list[int]:
        return [at for at, name in enumerate(self.names, 1) if name in CHANGING]

    def points(self, deep: bool) -> list[int]:
        # The sweeps of single transactions take every call; here the ones that change the disk come first.
        return list(range(1, len(self.names) + 1)) if deep else self.changing[::2]


@pytest.fixture(scope="module", params=SETUPS, ids=[whole.name for whole in SETUPS])
def sweep(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sweep]:
    """Recorded once for all tests."""
    yield from recorded(request.param, tmp_path_factory)


def recorded(whole: Whole, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sweep]:
    """In memory where the machine has /dev/shm."""
    base = tmp_path_factory.mktemp("sweep")
    memory = Path("/dev/shm")
    if os.access(memory, os.W_OK):
        base = Path(tempfile.mkdtemp(dir=memory))
    yield Sweep(whole, base / "machine", base / "template")
    shutil.rmtree(base)


def test_killed(sweep: Sweep, deep: bool, figure: Callable[[str, float, str], None]) -> None:
    assert (sweep.before == sweep.after) is (sweep.whole.status == 6 or sweep.whole.name == "rerun")
    written = set(sweep.before) | set(sweep.after)
    for at in sweep.points(deep):
        home = sweep.again()
        status = run_killed(at, sweep.work)
        assert os.WIFSIGNALED(status), f"call {at} was not reached"
        assert os.WTERMSIG(status) == signal.SIGKILL
        assert home.would_start() is None
        # A blocked try leaves the text of that try, which is neither the first nor the last one.
        if sweep.whole.status == 0 and "--on-blocked" not in sweep.whole.arguments:
            assert_whole_files(sweep, written)
        assert sweep.work() == sweep.whole.status, f"the next run after a kill before call {at}"
        now = without_empty_folders_of_ours(sweep.home.tree(), sweep.before)
        assert without_stamps(now) == without_stamps(sweep.after), f"killed before call {at}"
    figure("whole setups killed", len(sweep.points(deep)), f"of {len(sweep.names)} calls")


def test_the_real_one_starts_after_kills(
    sweep: Sweep, deep: bool, figure: Callable[[str, float, str], None]
) -> None:
    if not deep and sweep.whole.name not in ("first setup beside own settings", "blocked and put back"):
        pytest.skip("one real opencode a point: run with --deep")
    tried = spread(sweep.points(deep), 3 if deep else 1)
    for at in tried:
        home = sweep.again()
        assert run_killed(at, sweep.work) == signal.SIGKILL
        assert home.would_start() is None
        assert really_starts(home), at
        sweep.again()
    figure("started for real after a kill of a whole setup", len(tried), "points")


def test_threads_make_no_difference_to_what_is_left(sweep: Sweep, deep: bool) -> None:
    """As it really runs, with its threads, killed anywhere: which call that is differs from run to run."""
    for at in spread(sweep.changing, 40 if deep else 2):
        home = sweep.again()
        status = run_killed(at, sweep.work_in_threads)
        assert status in (0, signal.SIGKILL)
        assert home.would_start() is None
        assert sweep.work() == sweep.whole.status
        now = without_empty_folders_of_ours(home.tree(), sweep.before)
        assert without_stamps(now) == without_stamps(sweep.after), at


TRACED = """
import os, pickle, sys
with open(sys.argv[1], "rb") as file:
    sweep = pickle.load(file)
for _ in range(2):
    sweep.again()
    sweep.work()
sweep.again()
os.path.exists(BEGIN)
status = sweep.work()
os.path.exists(END)
assert status == sweep.whole.status, status
"""


@needs_strace
def test_the_kernel_sees_these_changes_and_no_others(sweep: Sweep, tmp_path: Path) -> None:
    """Reading goes through calls that are not counted too; whatever changes the disk is counted, in order."""
    pickled = tmp_path / "sweep"
    pickled.write_bytes(pickle.dumps(sweep))
    kernel = changes_seen(TRACED, tmp_path / "log", str(pickled))
    assert kernel == [sweep.names[at - 1] for at in sweep.changing]
    assert {"create", "write", "fsync", "replace", "unlink"} <= set(kernel)


def without_stamps(tree: Tree) -> Tree:
    """A setup that was killed after its commit makes the next one keep one more copy."""
    return {path: entry for path, entry in tree.items() if ".bak-" not in path}


def assert_whole_files(sweep: Sweep, written: set[str]) -> None:
    now = sweep.home.tree()
    for path in written:
        if path.endswith("/lock") or "/journal" in path:
            continue
        versions = [tree.get(path) for tree in (sweep.before, sweep.after)]
        if any(version is not None and version[3] is not None for version in versions):
            assert now.get(path) in versions, path


def test_failing(sweep: Sweep, deep: bool, figure: Callable[[str, float, str], None]) -> None:
    ends = {"before": 0, "after": 0, "put back by the next run": 0}
    changing = set(sweep.changing)
    pairs = [
        (at, number)
        for at in sweep.points(deep)
        for number in (NUMBERS if deep and at in changing else (NUMBERS[at % len(NUMBERS)],))
    ]
    for at, number in pairs:
        home = sweep.again()
        with intercepted(Counter(at, failing(number))):
            status = sweep.work()
        now = without_lock(sweep.home.tree())
        if status == 9:
            assert home.would_start() is None
            assert_said(json.loads(sweep.said)["message"], home, sweep.before)
            ends["put back by the next run"] += 1
            assert sweep.work() == sweep.whole.status
            now = without_lock(sweep.home.tree())
            assert without_stamps(now) == without_stamps(without_lock(sweep.after)), at
            continue
        assert status != 1, f"call {at} made it stumble"
        expected = sweep.after if status in (0, 7) else sweep.before
        assert without_stamps(now) == without_stamps(without_lock(expected)), (at, status)
        ends["after" if status in (0, 7) else "before"] += 1
    figure("whole setups with a failing call", len(pairs), f"of {len(sweep.names)} calls; ended {ends}")


def test_the_key_is_where_it_belongs_only(sweep: Sweep) -> None:
    current = sweep.whole.key or OLD_KEY
    holding = {path for path, entry in sweep.after.items() if current in (entry[3] or b"")}
    installed = sweep.whole.status == 0
    assert holding == ({"home/.gonkagate/opencode/api-key"} if installed else set())
    former = {path for path, entry in sweep.after.items() if OLD_KEY in (entry[3] or b"")}
    assert former == (holding if current == OLD_KEY else set())
    configs = b"".join(entry[3] or b"" for path, entry in sweep.after.items() if path.endswith(".json"))
    assert (BINDING.encode() in configs) is installed
