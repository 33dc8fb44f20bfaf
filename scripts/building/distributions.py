"""The wheel and the sdist, for `pipx run` and `uvx`: hatchling, over a stamped copy of what git tracks."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Final

from scripts import cache
from scripts.building.stage import stage

# What an sdist needs to be built again, and to build every other artefact.
_BESIDE_THE_PACKAGE: Final = (
    *("pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE", "NOTICE", "build", "scripts", "vendor"),
)


def build(output: Path) -> Path:
    """Make both in `output`; the path of the wheel. The same bytes from the same sources."""
    python = cache.python_environment(sys.executable, "hatchling.txt")
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        tree.mkdir()
        stage(tree)
        for name in _BESIDE_THE_PACKAGE:
            _copy(cache.ROOT / name, tree / name)
        cache.run(
            [str(python), "-I", "-m", "hatchling", "build", "-d", str(Path(folder) / "out")],
            cwd=tree,
            environ={**os.environ, "SOURCE_DATE_EPOCH": "315532800"},
            what="building wheel and sdist",
        )
        output.mkdir(parents=True, exist_ok=True)
        made = sorted((Path(folder) / "out").iterdir())
        for path in made:
            shutil.copyfile(path, output / path.name)
    (wheel,) = (output / path.name for path in made if path.suffix == ".whl")
    return wheel


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copyfile(source, target)
    for path in (target, *target.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
