"""The numbers that the product promises, measured in one run on one machine.

    python3 scripts/bench.py [SECTION ...] [--runs N]

Each number is the median of several runs, taken in turn, and a ratio if another machine would give
another number. The native binaries are measured if they are in dist/, where `scripts/build.py native` and
`nuitka` put them. Exit status: 1 if a target is missed. Needs Python 3.9 or newer, git and npm.
"""

from __future__ import annotations

import argparse
import importlib
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts.benchmarks import BenchmarkError, Row
from scripts.lib import cache

_SECTIONS: Final = {
    "size": "size",
    "setup": "setup_time",
    "start": "start_time",
    "memory": "memory",
    "jsonc": "jsonc",
    "overlord": "overlord",
    "content": "content",
    "gateway": "gateway",
}


def main(arguments: list[str]) -> int:
    """Exit status 0 when every target was met."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("section", nargs="*", help=f"any of: {', '.join(_SECTIONS)} (default: all)")
    parser.add_argument("--runs", type=int, default=5, metavar="N", help="how often (default: 5)")
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.section) - set(_SECTIONS))
    if unknown:
        parser.error(f"there is no section {', '.join(unknown)}")
    if options.runs < 1:
        parser.error("--runs takes a number from 1")
    try:
        python = cache.python_environment(sys.executable, "test.txt")
        if Path(sys.executable) != python:
            return subprocess.call([str(python), __file__, *arguments])
        return _measure(options.section or list(_SECTIONS), options.runs)
    except (cache.PreparationError, BenchmarkError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1


def _measure(sections: list[str], runs: int) -> int:
    print(f"Python {platform.python_version()}, {_machine()}, medians of {runs} runs", flush=True)
    missed = []
    for section in sections:
        module = importlib.import_module(f"scripts.benchmarks.{_SECTIONS[section]}")
        print(f"\n## {module.TITLE}", flush=True)
        rows: list[Row] = module.measure(runs)
        for row in rows:
            print(_line(row), flush=True)
        missed += [f"{section}, {row.name}" for row in rows if not row.met]
    print("\nEvery target was met." if not missed else f"\nTargets missed: {'; '.join(missed)}")
    return 1 if missed else 0


def _machine() -> str:
    """The machine, and how busy it is with other work, which is what spoils a measurement."""
    cpus = Path("/proc/cpuinfo")
    names = cpus.read_text(encoding="utf-8", errors="replace").splitlines() if cpus.exists() else []
    model = next((line.partition(":")[2].strip() for line in names if line.startswith("model name")), "")
    parts = [platform.system(), platform.machine(), model, f"{os.cpu_count()} CPUs"]
    if hasattr(os, "getloadavg"):
        parts.append(f"load {os.getloadavg()[0]:.1f}")
    return ", ".join(part for part in parts if part)


def _line(row: Row) -> str:
    value, target = "-" if row.value is None else f"{row.value:.2f}", ""
    if row.target is not None and row.value is not None:
        least = "at least " if row.at_least else ""
        target = f"target {least}{row.target:g} {row.unit}, {'met' if row.met else 'MISSED'}"
    return f"{row.name:<54} {value:>9} {row.unit:<4} {target:<33} {row.note}".rstrip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
