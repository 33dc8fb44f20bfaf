"""Ctrl-C, a kill, a closed terminal: whatever the moment, everything is put back and the status says why."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Callable, Iterator

import pytest

from foundation import signals
from foundation.errors import Refusal
from foundation.signals import cancellation
from gonkagate_setup.errors import Exit, code_of, status_of
from tests.faults.homes import SCENARIOS, Scenario
from tests.faults.interception import Counter, intercepted, points

if sys.platform == "win32":
    pytest.skip("these signals are POSIX; test_windows_child.py has Ctrl-Break", allow_module_level=True)

ROOT = Path(__file__).resolve().parents[3]
CASES = [
    (signal.SIGINT, "cancelled", 130),
    (signal.SIGTERM, "terminated", 143),
    (signal.SIGHUP, "hung_up", 129),
]


@pytest.mark.parametrize(("number", "code", "status"), CASES)
def test_raises_with_its_status(number: signal.Signals, code: str, status: int) -> None:
    with pytest.raises(Refusal) as caught, cancellation():
        os.kill(os.getpid(), number)
    assert code_of(caught.value) == code
    assert status_of(caught.value) == status
    assert status in set(Exit)


def test_interrupts_a_wait() -> None:
    began = time.monotonic()
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    old = signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    try:
        with pytest.raises(Refusal), cancellation():
            time.sleep(30)
    finally:
        signal.signal(signal.SIGALRM, old)
    assert time.monotonic() - began < 10


def test_handlers_are_put_back() -> None:
    before = [signal.getsignal(number) for number, _, _ in CASES]
    with cancellation():
        assert [signal.getsignal(number) for number, _, _ in CASES] != before
    assert [signal.getsignal(number) for number, _, _ in CASES] == before


def test_an_ignored_signal_stays_ignored() -> None:
    old = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with cancellation():
            os.kill(os.getpid(), signal.SIGHUP)
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, old)


def test_only_the_first_raises() -> None:
    with cancellation():
        with pytest.raises(signals.Cancelled):
            os.kill(os.getpid(), signal.SIGINT)
        for _ in range(5):
            os.kill(os.getpid(), signal.SIGINT)


@signals.uninterrupted
def _long_work(steps: list[int]) -> None:
    for step in range(5):
        os.kill(os.getpid(), signal.SIGINT)
        steps.append(step)


def test_noted_where_it_must_not_interrupt_and_raised_later() -> None:
    steps: list[int] = []
    with cancellation():
        _long_work(steps)
        assert steps == [0, 1, 2, 3, 4]
        with pytest.raises(signals.Cancelled):
            signals.check()
        signals.check()


def sending(number: int) -> Callable[[str, Callable[[], object]], object]:
    def act(_name: str, do: Callable[[], object]) -> object:
        os.kill(os.getpid(), number)
        os.kill(os.getpid(), number)
        return do()

    return act


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_at_every_call(
    scenario: Scenario, roots: Iterator[Path], deep: bool, figure: Callable[[str, float, str], None]
) -> None:
    """Two signals right before a filesystem call: as before with the signal's error, or as after."""
    before = scenario.make(next(roots)).tree()
    done = scenario.make(next(roots))
    calls, chosen = points(lambda: scenario.run(done), every=deep)
    after = done.tree()
    ends = {"before": 0, "after": 0}
    for at in chosen:
        number, code, _ = CASES[at % 3]
        home = scenario.make(next(roots))
        refusal = None
        try:
            with cancellation(), intercepted(Counter(at, sending(number))):
                scenario.run(home)
        except Refusal as error:
            refusal = error
        if refusal is not None:
            assert code_of(refusal) == code
        now = home.tree()
        assert now in ((before, after) if refusal is None else (before,)), at
        ends["before" if now == before else "after"] += 1
    figure("signals sent", len(chosen), f"of {calls} calls; put back {ends['before']}, done {ends['after']}")


PROGRAM = """
import os, sys, time
from pathlib import Path
from foundation.errors import Refusal
from gonkagate_setup.errors import status_of
from foundation.signals import cancellation
from foundation.transaction import Transaction, lock
from tests.faults.homes import SCENARIOS
from tests.faults.homes import Home
home = Home(Path(sys.argv[1]))
try:
    with cancellation(), lock(home.store, home.host), Transaction(home.store, home.host) as transaction:
        transaction.apply(SCENARIOS[0].changes(home))
        print("applied", flush=True)
        time.sleep(60)
except Refusal as error:
    try:
        print(error.kind, flush=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sys.exit(int(status_of(error)))
"""


@pytest.mark.parametrize(("number", "code", "status"), CASES)
def test_a_process_ends_with_the_status(number: int, code: str, status: int, tmp_path: Path) -> None:
    home = SCENARIOS[0].make(tmp_path / "machine")
    before = home.tree()
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(home.root)],
        cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "applied\n"
    assert home.tree() != before
    for _ in range(3):
        process.send_signal(number)
    assert process.communicate(timeout=30)[0] == f"{code}\n"
    assert process.returncode == status
    assert home.tree() == before


def test_a_closed_terminal_still_rolls_back(tmp_path: Path) -> None:
    """The terminal goes away: SIGHUP arrives and nothing can be printed any more."""
    import pty

    home = SCENARIOS[0].make(tmp_path / "machine")
    before = home.tree()
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(ROOT)
        os.execv(sys.executable, [sys.executable, "-c", PROGRAM, str(home.root)])
    said = b""
    while b"applied" not in said:
        said += os.read(terminal, 1000)
    os.close(terminal)
    deadline = time.monotonic() + 30
    ended = (0, 0)
    while ended[0] == 0:
        assert time.monotonic() < deadline, "it did not end"
        time.sleep(0.05)
        ended = os.waitpid(child, os.WNOHANG)
    assert os.WEXITSTATUS(ended[1]) == 129
    assert home.tree() == before
