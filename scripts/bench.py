"""The numbers that the product promises, measured in one run on one machine.

    python3 scripts/bench.py [SECTION ...] [--runs N]

Each number is the median of several runs, taken in turn, and a ratio wherever another machine would give
another number. Ends with status 1 when a target is missed. Needs Python 3.9 or newer, git and npm.
"""

from __future__ import annotations

import argparse
import importlib
import platform
import subprocess
import sys
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts import cache
from scripts.benchmarks import BenchmarkError, Row

_SECTIONS: Final = {
    "setup": "setup_time",
    "start": "start_time",
    "memory": "memory",
    "jsonc": "jsonc",
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
        python = cache.python_environment(sys.executable, "service.txt")
        if Path(sys.executable) != python:
            return subprocess.call([str(python), __file__, *arguments])
        return _measure(options.section or list(_SECTIONS), options.runs)
    except (cache.PreparationError, BenchmarkError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1


def _measure(sections: list[str], runs: int) -> int:
    print(f"Python {platform.python_version()}, {platform.system()}, medians of {runs} runs", flush=True)
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


def _line(row: Row) -> str:
    target = ""
    if row.target is not None:
        target = f"target {row.target:g} {row.unit}, {'met' if row.met else 'MISSED'}"
    return f"{row.name:<48} {row.value:9.2f} {row.unit:<4} {target:<24} {row.note}".rstrip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
