"""Time to `--help` and to the first question, as a multiple of `python3 -c pass`."""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
import sys
import time
from collections import defaultdict
from functools import partial
from pathlib import Path
from statistics import median
from typing import Callable, Final, Mapping, Sequence

from scripts.benchmarks import BenchmarkError, Row, npm_tool
from scripts.benchmarks.subjects import binaries, forms, machine, packed, service, succeeded
from scripts.benchmarks.usage import usage
from scripts.lib import cache, opencode_versions
from tests.support.machine import Machine

TITLE: Final = "start"
# For the median. The .pyz has to keep its target at every run.
_HELP: Final = {"python -m": 10.0, ".pyz": 13.0, "native": 16.0}
_EVERY: Final = ".pyz"
_FRESH: Final = ".pyz, first run of a fresh copy"
_FIRST_QUESTION_TARGETS: Final = {"python -m": 10.0}
_STARTS_PER_RUN: Final = 4
# Other work on the machine changes CPU time much less than it changes the time that passes.
_CPU: Final = "CPU time of "
_FLOOR: Final = "python3 -c pass"
# The recommended model, which the first question offers.
_FIRST_QUESTION: Final = b"Kimi K2.6"
_PATIENCE: Final = 20.0


def measure(runs: int) -> list[Row]:
    """Medians over `runs` rounds of several starts each, every kind in turn, and the slowest of each."""
    seconds: dict[str, list[float]] = defaultdict(list)
    with service() as (root, running):
        on = machine(root / "machine", running)
        for number in range(runs * _STARTS_PER_RUN):
            for name, start in _starts(on, root / str(number)).items():
                seconds[name].append(start())
    floor = median(seconds[_FLOOR])
    rows = [Row(_FLOOR, floor * 1000, "ms")]
    for form in (*_HELP, "nuitka", _FRESH):
        name = f"--help: {form}"
        if name in seconds:
            rows += _help_rows(form, seconds[name], floor)
    rows += [Row(f"--help: {one.name}", None, "x", None, one.missing) for one in binaries() if one.missing]
    for name, values in seconds.items():
        if name.startswith("first question: "):
            target = _FIRST_QUESTION_TARGETS.get(name.partition(": ")[2])
            rows.append(_ratio(name, median(values), floor, target))
    others = [name for name in seconds if ": " not in name and name != _FLOOR]
    cpu_floor = median(seconds.pop(_CPU + _FLOOR))
    for name in others:
        against = cpu_floor if name.startswith(_CPU) else floor
        rows += [_ratio(name, median(seconds[name]), against, None)] if name in seconds else []
    return rows


def _help_rows(form: str, values: Sequence[float], floor: float) -> list[Row]:
    target = _HELP[_EVERY] if form == _FRESH else _HELP.get(form)
    slowest = target if form.startswith(_EVERY) else None
    return [
        _ratio(f"--help: {form}", median(values), floor, target),
        _ratio(f"--help: {form}, slowest of {len(values)}", max(values), floor, slowest),
    ]


def _ratio(name: str, taken: float, floor: float, target: float | None) -> Row:
    return Row(name, taken / floor, "x", target, f"{taken * 1000:.0f} ms to python3 -c pass")


def _starts(on: Machine, folder: Path) -> Mapping[str, Callable[[], float]]:
    """Everything that is started once a round; each call gives its seconds."""
    tool = npm_tool.installed()
    bare = [sys.executable, "-c", "pass"]
    node = [opencode_versions.tool("node"), "-e", "0"]
    help_of = partial(_seconds, on, cwd=on.project)
    starts: dict[str, Callable[[], float]] = {
        _FLOOR: partial(help_of, bare),
        _CPU + _FLOOR: partial(_cpu, on, bare),
        f"--help: {_FRESH}": partial(_first_run, on, folder),
        "node -e 0": partial(help_of, node),
        _CPU + "node -e 0": partial(_cpu, on, node),
        "npm tool's stand-in, by node": partial(_seconds, on, tool.by_node, cwd=tool.folder),
        "npm tool's stand-in, by npx, installed": partial(_seconds, on, tool.by_npx, cwd=tool.folder),
    }
    for form in forms():
        starts[f"--help: {form.name}"] = partial(help_of, [*form.command, "--help"])
        starts[f"{_CPU}--help, {form.name}"] = partial(_cpu, on, [*form.command, "--help"])
        starts[f"first question: {form.name}"] = partial(_first_question, on, form.command)
    return starts


def _seconds(on: Machine, command: Sequence[str], *, cwd: Path) -> float:
    # npm looks for its own updates once a day; that is not part of a start.
    environ = {**on.environment, "PYTHONPATH": str(cache.ROOT), "npm_config_update_notifier": "false"}
    return succeeded(on.run(command, cwd=cwd, environ=environ)).seconds


def _cpu(on: Machine, command: Sequence[str]) -> float:
    return usage(on, command).cpu


def _first_run(on: Machine, folder: Path) -> float:
    folder.mkdir()
    copy = shutil.copyfile(packed(), folder / "gonkagate-setup.pyz")
    return _seconds(on, [sys.executable, str(copy), "--help"], cwd=on.project)


def _first_question(on: Machine, command: Sequence[str]) -> float:
    """Seconds until the first question is on a terminal; the program is ended then."""
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
