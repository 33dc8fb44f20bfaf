"""Makes the artefacts, each in a private environment with pinned, hash-checked tools.

python3 scripts/build.py pyz [--output dist]
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts import cache
from scripts.building import native, nuitka, pyz

_RECIPES = {"pyz": pyz.build, "native": native.build, "nuitka": nuitka.build}


def main(arguments: list[str]) -> int:
    """Exit status 0, or 1 with a sentence on standard error."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("artefact", choices=_RECIPES)
    parser.add_argument("--output", type=Path, default=cache.ROOT / "dist", help="folder; default: dist/")
    options = parser.parse_args(arguments)
    try:
        made = _RECIPES[options.artefact](options.output.resolve())
    except cache.PreparationError as error:
        print(f"build: {error}", file=sys.stderr)
        return 1
    print(f"{made} ({made.stat().st_size} bytes)")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
