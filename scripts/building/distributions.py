"""The wheel and the sdist, for `pipx run` and `uvx`: hatchling, over a stamped copy of the sources.

The package is copied as it is, like in every artefact; apart from it, only what git tracks.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

from scripts.building.stage import copy_sources, stage
from scripts.lib import cache


def build(output: Path) -> Path:
    """Make both in `output`; the path of the wheel. The same bytes from the same sources."""
    python = cache.python_environment(sys.executable, "hatchling.txt")
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        tree.mkdir()
        stage(tree)
        copy_sources(tree)
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
