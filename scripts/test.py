"""Runs lint, type checks and every test, with pinned versions of everything.

    python3 scripts/test.py                  everything
    python3 scripts/test.py --fast           ruff, types, and the tests that start no opencode: two minutes
    python3 scripts/test.py --deep           everything, with the tests that take minutes
    python3 scripts/test.py tests/unit -x    only these tests, under the Python that started it

Other arguments go to pytest: `--figures` prints numbers that tests recorded, and
`--deep --built dist tests/e2e/artefacts/test_native.py` tests the native binary in dist/.

Needs Python 3.9 or newer and git, and node and npm unless --fast; gets everything else into .cache. Without
arguments it also runs the unit tests and a smoke test under every other Python from 3.9 on this machine.
pytest's summary of the full suite comes last.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Final, Sequence

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts.lib import cache, opencode_versions, pythons

# A worker that has nothing left takes over from the other: tests that start opencode come in clusters.
_PARALLEL: Final = ("-n", "2", "--dist", "worksteal")
# Below this the pins of test.txt name older tools.
_CURRENT_TOOLS: Final = (3, 11)
# The chat service and client that others made, which tests of a client talk to, need this.
_FOREIGN_PARTS: Final = (3, 10)
# What is large takes long and gives the same result under every Python.
_LEG_TESTS: Final = ("-m", "not large", "tests/unit", "tests/e2e/test_smoke.py")
FAST_TESTS: Final = (
    *("-m", "not opencode"),
    *("tests/unit", "tests/golden", "tests/property", "tests/contract"),
)


def main(arguments: Sequence[str]) -> int:
    """Run what was asked for; 0 when all of it held."""
    parser = argparse.ArgumentParser(
        usage="test.py [-h] [--fast] [--deep] [--figures] [PYTEST ARGUMENT ...]",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "--fast", action="store_true", help="only the tests that start no opencode, in two minutes"
    )
    parser.add_argument("--deep", action="store_true", help="also the tests that take minutes")
    parser.add_argument("--figures", action="store_true", help="print the figures that tests recorded")
    options, others = parser.parse_known_args(arguments)
    if options.fast and len(arguments) > 1:
        parser.error("--fast cannot be combined with other arguments")
    try:
        if options.fast:
            return _fast()
        return _named(arguments) if others else _whole(arguments)
    except cache.PreparationError as error:
        print(f"test.py: {error}", file=sys.stderr)
        return 1


def _fast() -> int:
    chosen = choose(_interpreters(), sys.version_info[:2], whole=True)
    python = cache.python_environment(chosen.path, "test.txt")
    failed = _lint(python)
    tests = _step(f"tests without opencode, Python {chosen}", _pytest(python, *FAST_TESTS))
    if failed:
        print(f"\nFAILED before the tests: {', '.join(failed)}", flush=True)
    return 0 if tests and not failed else 1


def _named(arguments: Sequence[str]) -> int:
    # The tests that need an opencode get it.
    chosen = choose(_interpreters(), sys.version_info[:2], whole=False)
    python = cache.python_environment(chosen.path, "test.txt")
    return 0 if _step(f"tests, Python {chosen}", _pytest(python, *arguments)) else 1


def _whole(arguments: Sequence[str]) -> int:
    interpreters = _interpreters()
    chosen = choose(interpreters, sys.version_info[:2], whole=True)
    started = time.monotonic()
    python = cache.python_environment(chosen.path, "test.txt")
    if chosen.version >= _FOREIGN_PARTS:
        cache.python_environment(chosen.path, "chat.txt")
    for version in (*opencode_versions.SUPPORTED, opencode_versions.TOO_OLD):
        opencode_versions.executable(version)
    print(f"prepared Python {chosen} and opencode in {time.monotonic() - started:.0f} s", flush=True)
    failed = _lint(python)
    if not _step("workflows and install scripts", [str(python), "scripts/lint.py"]):
        failed.append("workflows and install scripts")
    failed += _legs([one for one in interpreters if one != chosen])
    if failed:
        print(f"\nFAILED before the full suite: {', '.join(failed)}", flush=True)
    tests = _step(f"every test, Python {chosen}", _pytest(python, *arguments))
    return 0 if tests and not failed else 1


def _interpreters() -> list[pythons.Interpreter]:
    found = pythons.find()
    if not found:
        raise cache.PreparationError(
            "no Python here can make a virtual environment: install one with venv and ensurepip"
            " (Debian and Ubuntu: python3-venv)"
        )
    return found


def choose(
    interpreters: Sequence[pythons.Interpreter], running: tuple[int, int], *, whole: bool
) -> pythons.Interpreter:
    """The Python that pytest runs under.

    Without run wants the current tools, which need 3.11; tests that were named run where they were started.
    """
    same = [one for one in interpreters if one.version == running]
    modern = [one for one in (*same, *interpreters) if one.version >= _CURRENT_TOOLS]
    if whole:
        return (modern or interpreters)[0]
    if not same:
        raise cache.PreparationError(
            f"this Python {'.'.join(map(str, running))} cannot make a virtual environment: install venv and"
            " ensurepip for it (Debian and Ubuntu: python3-venv), or start this script with another one"
        )
    return same[0]


def _lint(python: Path) -> list[str]:
    steps = {
        "ruff check": [str(python), "-m", "ruff", "check"],
        "ruff format": [str(python), "-m", "ruff", "format", "--check"],
        "mypy": [str(python), "-m", "mypy"],
    }
    return [name for name, command in steps.items() if not _step(name, command)]


def _legs(interpreters: Sequence[pythons.Interpreter]) -> list[str]:
    failed = []
    for interpreter in interpreters:
        python = cache.python_environment(interpreter.path, "legs.txt")
        name = f"unit tests and smoke test, Python {interpreter}"
        if not _step(name, _pytest(python, "-q", *_LEG_TESTS)):
            failed.append(name)
    return failed


def _pytest(python: Path, *arguments: str) -> list[str]:
    return [str(python), "-m", "pytest", *_PARALLEL, *arguments]


def _step(name: str, command: Sequence[str]) -> bool:
    print(f"\n## {name}", flush=True)
    environ = {**os.environ, "PYTHONPATH": str(cache.ROOT)}
    return subprocess.run(command, cwd=cache.ROOT, env=environ, check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
