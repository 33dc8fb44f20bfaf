"""The wheel and the sdist, for `pipx run` and `uvx`: hatchling, over a stamped copy of the sources.

The package is copied as it is, like in every artefact; apart from it, only what git tracks.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Final, Sequence

from scripts.building.stage import SETUP, Program, copy_sources, stage
from scripts.lib import cache

_RECIPES: Final = cache.ROOT / "build" / "wheels"


def build(output: Path) -> Path:
    """Make the setup's wheel and sdist in `output`; the path of the wheel."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        tree.mkdir()
        stage(SETUP, tree)
        copy_sources(tree)
        return _built(tree, [], output)


def build_wheel(program: Program, output: Path) -> Path:
    """Make the wheel of another program, by its recipe in build/wheels/; its path."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        tree.mkdir()
        stage(program, tree)
        for name in program.licences:
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(cache.ROOT / name, tree / name)
        shutil.copyfile(cache.ROOT / program.page, tree / "README.md")
        shutil.copyfile(_RECIPES / f"{program.name}.toml", tree / "pyproject.toml")
        return _built(tree, ["-t", "wheel"], output)


def _built(tree: Path, targets: Sequence[str], output: Path) -> Path:
    """What hatchling makes of the tree, in `output`: the same bytes from the same sources."""
    python = cache.python_environment(sys.executable, "hatchling.txt")
    made_in = tree.parent / "out"
    cache.run(
        [str(python), "-I", "-m", "hatchling", "build", *targets, "-d", str(made_in)],
        cwd=tree,
        environ={**os.environ, "SOURCE_DATE_EPOCH": "315532800"},
        what="building a wheel",
    )
    output.mkdir(parents=True, exist_ok=True)
    made = sorted(made_in.iterdir())
    for path in made:
        shutil.copyfile(path, output / path.name)
    (wheel,) = (output / path.name for path in made if path.suffix == ".whl")
    return wheel
