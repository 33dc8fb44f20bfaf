"""Everything that has to hold: lint, types, and every test, each against what it is pinned to.

    python3 scripts/test.py                  the whole thing
    python3 scripts/test.py --deep           with the tests that take minutes; --figures prints numbers
    python3 scripts/test.py tests/unit -x    any other arguments go to pytest, and nothing but pytest runs,
                                             under the Python that started it

`--deep --built dist tests/e2e/test_native.py` runs the tests of the native binary on the one in dist/.
Needs Python 3.9 or newer, git, node and npm; gets everything else into .cache. The whole thing also runs the
unit tests and a smoke test under every other Python from 3.9 on this machine. pytest's own closing line of
the full suite comes last.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Final, Sequence

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts.lib import cache, opencode_versions, pythons

_WHOLE_RUN: Final = {"--deep", "--figures"}
# A worker that has nothing left takes over from the other: tests that start opencode come in clusters.
_PARALLEL: Final = ("-n", "2", "--dist", "worksteal")
# Below this the pins of test.txt name older tools.
_CURRENT_TOOLS: Final = (3, 11)
_LEG_TESTS: Final = ("tests/unit", "tests/e2e/test_smoke.py")


def main(arguments: Sequence[str]) -> int:
    """Run what was asked for; 0 when all of it held."""
    if set(arguments) & {"-h", "--help"}:
        print(__doc__)
        return 0
    try:
        return _run(arguments)
    except cache.PreparationError as error:
        print(f"test.py: {error}", file=sys.stderr)
        return 1


def _run(arguments: Sequence[str]) -> int:
    interpreters = pythons.find()
    if not interpreters:
        raise cache.PreparationError(
            "no Python here can make a virtual environment: install one with venv and ensurepip"
            " (Debian and Ubuntu: python3-venv)"
        )
    whole = set(arguments) <= _WHOLE_RUN
    chosen = choose(interpreters, sys.version_info[:2], whole=whole)
    started = time.monotonic()
    python = cache.python_environment(chosen.path, "test.txt")
    for version in (*opencode_versions.SUPPORTED, opencode_versions.TOO_OLD):
        opencode_versions.executable(version)
    print(f"prepared Python {chosen} and opencode in {time.monotonic() - started:.0f} s", flush=True)
    failed: list[str] = []
    if whole:
        failed = _lint(python) + _legs([one for one in interpreters if one != chosen])
    if failed:
        print(f"\nFAILED before the full suite: {', '.join(failed)}", flush=True)
    tests = _step(f"every test, Python {chosen}", [str(python), "-m", "pytest", *_PARALLEL, *arguments])
    return 0 if tests and not failed else 1


def choose(
    interpreters: Sequence[pythons.Interpreter], running: tuple[int, int], *, whole: bool
) -> pythons.Interpreter:
    """The Python that pytest runs under.

    The whole run wants the current tools, which need 3.11; tests that were named run where they were started.
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
        "workflows and install scripts": [str(python), "scripts/lint.py"],
    }
    return [name for name, command in steps.items() if not _step(name, command)]


def _legs(interpreters: Sequence[pythons.Interpreter]) -> list[str]:
    failed = []
    for interpreter in interpreters:
        python = cache.python_environment(interpreter.path, "legs.txt")
        name = f"unit tests and smoke test, Python {interpreter}"
        if not _step(name, [str(python), "-m", "pytest", "-q", *_PARALLEL, *_LEG_TESTS]):
            failed.append(name)
    return failed


def _step(name: str, command: Sequence[str]) -> bool:
    print(f"\n## {name}", flush=True)
    environ = {**os.environ, "PYTHONPATH": str(cache.ROOT)}
    return subprocess.run(command, cwd=cache.ROOT, env=environ, check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
