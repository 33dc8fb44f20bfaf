"""Mutation testing of the JSONC editor, with its golden files and unit tests.

    python3 scripts/mutants.py            about ten minutes on one core; by hand, not in CI
    python3 scripts/mutants.py FOLDER     the same, and FOLDER keeps the mutants: `mutmut show NAME` in it

mutmut (configured in pyproject.toml) changes the functions that read and edit JSONC, one way at a time;
it does not change module constants and properties. The last lines name and count the survivors by function.
Needs Python 3.11 or newer, Linux or macOS; gets mutmut into .cache. docs/lossless.md lists
the survivors.
"""

from __future__ import annotations

import argparse
import collections
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final, Sequence

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts.lib import cache, pythons

_COPIED: Final = (
    *("foundation", "opencode_config", "gonkagate_setup"),
    *(
        "tests/__init__.py",
        "tests/golden",
        "tests/unit/__init__.py",
        "tests/unit/opencode_config/__init__.py",
    ),
)
_TESTS: Final = "tests/unit/opencode_config/test_jsonc.py"


def main(arguments: Sequence[str]) -> int:
    """Run it; 0 whatever survives, 1 if it could not be run."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", nargs="?", type=Path, metavar="FOLDER", help="where to keep the mutants")
    kept = parser.parse_args(arguments).folder
    try:
        python = _python()
        if kept is not None:
            return _run(python, kept.resolve())
        with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
            return _run(python, Path(folder))
    except cache.PreparationError as error:
        print(f"mutants.py: {error}", file=sys.stderr)
        return 1


def _python() -> Path:
    modern = [one for one in pythons.find() if one.version >= (3, 11)]
    if not modern:
        raise cache.PreparationError("needs Python 3.11 or newer")
    return cache.python_environment(modern[0].path, "mutants.txt")


def _run(python: Path, folder: Path) -> int:
    """Only what is needed is copied: the suite's own conftest would want opencode's stand-ins."""
    for name in (*_COPIED, _TESTS, "pyproject.toml"):
        source, target = cache.ROOT / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
        else:
            shutil.copy(source, target)
    environ = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    mutmut = [str(python), "-m", "mutmut"]
    subprocess.run([*mutmut, "run", "--max-children", "1"], cwd=folder, env=environ, check=False)
    done = subprocess.run(
        [*mutmut, "results", "--all", "true"],
        cwd=folder,
        env=environ,
        check=True,
        capture_output=True,
        text=True,
    )
    print(_summary(done.stdout))
    return 0


def _summary(results: str) -> str:
    """mutmut's lines `name: status`, as what survived, then counts by status and by function."""
    lines = [line.strip().rpartition(": ") for line in results.splitlines() if ": " in line]
    statuses = collections.Counter(status for _, _, status in lines)
    alive = [name for name, _, status in lines if status not in ("killed", "timeout")]
    functions = collections.Counter(name.rpartition("__mutmut_")[0] for name in alive)
    counted = [f"{count:4} {name}" for name, count in sorted(functions.items())]
    total = ", ".join(f"{count} {status}" for status, count in sorted(statuses.items()))
    return "\n".join([*alive, "", *counted, "", f"{len(lines)} mutants: {total}"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
