"""Peak memory of our own process during a setup, opencode's left out, and of `--help` in every form."""

from __future__ import annotations

from pathlib import Path
from statistics import median
from typing import Final

from scripts.benchmarks import BenchmarkError, Row
from scripts.benchmarks.subjects import (
    Subject,
    binaries,
    forms,
    machine,
    service,
    set_up,
    subjects,
)
from scripts.benchmarks.usage import usage
from tests.support.machine import Machine

TITLE: Final = "memory"
_TARGET: Final = 40.0
_HELP_TARGET: Final = 25.0

# Runs in place of the interpreter's own start and writes the kernel's peak for this one process at its end:
# getrusage would count the process that started it as well.
_WRAPPER: Final = """
import atexit, runpy, sys
def note(to=sys.argv.pop(1)):
    with open("/proc/self/status") as status, open(to, "w") as out:
        out.write(next(line.split()[1] for line in status if line.startswith("VmHWM")))
atexit.register(note)
program = sys.argv.pop(1)
sys.argv[0] = program
if program == "-m":
    runpy.run_module(sys.argv.pop(1), run_name="__main__", alter_sys=True)
else:
    runpy.run_path(program, run_name="__main__")
"""


def measure(runs: int) -> list[Row]:
    """The median of the peaks of `runs` first setups and reruns."""
    if not Path("/proc/self/status").exists():
        raise BenchmarkError("peak memory of one process is read from /proc, which is not here")
    rows = [
        Row(f"{kind}: {subject.name}", peak, "MiB", _TARGET)
        for subject in subjects()
        for kind, peak in _peaks(subject, runs).items()
    ]
    with service() as (root, running):
        on = machine(root / "machine", running)
        rows += [
            Row(f"--help: {form.name}", _help(on, form, runs), "MB", _HELP_TARGET, "its largest process")
            for form in forms()
        ]
    missing = [one for one in binaries() if one.missing]
    return rows + [Row(f"--help: {one.name}", None, "MB", None, one.missing) for one in missing]


def _peaks(subject: Subject, runs: int) -> dict[str, float]:
    peaks: dict[str, list[float]] = {"first setup": [], "rerun": []}
    with service() as (root, running):
        for run in range(runs):
            on = machine(root / str(run), running)
            note = on.root / "peak"
            python, *rest = subject.command
            on.python = [python, "-c", _WRAPPER, str(note), *rest]
            for kind, values in peaks.items():
                set_up(on, key=kind == "first setup")
                values.append(int(note.read_text(encoding="utf-8")) / 1024)
    return {kind: median(values) for kind, values in peaks.items()}


def _help(on: Machine, form: Subject, runs: int) -> float:
    return median(usage(on, [*form.command, "--help"]).peak for _ in range(runs))
