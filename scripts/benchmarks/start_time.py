"""Time to `--help` and to the first question, as a multiple of `python3 -c pass`."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import time
from collections import defaultdict
from statistics import median
from typing import Final, Sequence

from scripts import cache
from scripts.benchmarks import BenchmarkError, Row
from scripts.benchmarks.subjects import machine, service, subjects, succeeded
from tests.machine import Machine

TITLE: Final = "start"
_TARGET: Final = 10.0
_STARTS_PER_RUN: Final = 4
# The recommended model, which the first question offers.
_FIRST_QUESTION: Final = b"Kimi K2.6"
_PATIENCE: Final = 20.0


def measure(runs: int) -> list[Row]:
    """Medians over `runs` rounds of several starts each, every kind in turn."""
    seconds: dict[str, list[float]] = defaultdict(list)
    with service() as (root, running):
        on = machine(root / "machine", running)
        for _ in range(runs * _STARTS_PER_RUN):
            bare = succeeded(on.run([sys.executable, "-c", "pass"]))
            seconds["pass"].append(bare.seconds)
            for subject in subjects():
                on.python = list(subject.command)
                seconds[f"--help: {subject.name}"].append(succeeded(on.run_setup("--help")).seconds)
                seconds[f"first question: {subject.name}"].append(_first_question(on, subject.command))
    floor = median(seconds.pop("pass"))
    rows = [Row("python3 -c pass", floor * 1000, "ms")]
    for name, values in sorted(seconds.items()):
        target = None if name.endswith(".pyz") else _TARGET
        taken = median(values)
        rows.append(Row(name, taken / floor, "x", target, f"{taken * 1000:.0f} ms to python3 -c pass"))
    return rows


def _first_question(on: Machine, command: Sequence[str]) -> float:
    """Seconds until the first question stands on a terminal; the program is ended there."""
    controller, terminal = pty.openpty()
    environ = {**on.environment, "PYTHONPATH": str(cache.ROOT), "TERM": "xterm"}
    start = time.monotonic()
    child = subprocess.Popen(
        command,
        cwd=on.project,
        env=environ,
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
    )
    os.close(terminal)
    seen = b""
    try:
        while _FIRST_QUESTION not in seen:
            if time.monotonic() - start > _PATIENCE:
                raise BenchmarkError(
                    f"no question within {_PATIENCE:.0f} s, but: {seen.decode(errors='replace')}"
                )
            seen += _read(controller)
        return time.monotonic() - start
    finally:
        child.kill()
        child.wait()
        os.close(controller)


def _read(controller: int) -> bytes:
    try:
        return os.read(controller, 65536)
    except OSError as error:  # Linux: the other end is closed
        raise BenchmarkError("the program ended before its first question") from error
