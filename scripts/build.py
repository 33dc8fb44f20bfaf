"""Makes the artefacts, each in a private environment with pinned, hash-checked tools.

    python3 scripts/build.py pyz       the packed file, for every system with Python 3.9 or newer
    python3 scripts/build.py native    the binary for this machine, by PyInstaller
    python3 scripts/build.py nuitka    the binary for this machine, by Nuitka (needs a C compiler)
    python3 scripts/build.py wheel     wheel and sdist
    python3 scripts/build.py sbom      the software bill of materials
    python3 scripts/build.py mmi-cli   the packed file and the wheel of mmi-cli
    python3 scripts/build.py sovereigncode    sovereigncode.pyz, for every system with Python 3.10 or newer
    python3 scripts/build.py all       all of them; Nuitka only with a C compiler, else it says so

They are written to dist/, which git ignores, or to --output.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Callable, Final, Mapping

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts.building import distributions, native, nuitka, pyz, sbom, sovereign
from scripts.building.stage import OVERLORD, Program
from scripts.lib import cache

_RECIPES: Final[Mapping[str, Callable[[Path], Path]]] = {
    "pyz": pyz.build,
    "native": native.build,
    "nuitka": nuitka.build,
    "wheel": distributions.build,
    "sbom": sbom.build,
    "mmi-cli": lambda output: _both(OVERLORD, output),
    "sovereigncode": sovereign.build,
}


def _both(program: Program, output: Path) -> Path:
    distributions.build_wheel(program, output)
    return pyz.build_program(program, output)


def main(arguments: list[str]) -> int:
    """Exit status 0, or 1 with a sentence on standard error."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("artefact", choices=[*_RECIPES, "all"])
    parser.add_argument("--output", type=Path, default=cache.ROOT / "dist", help="folder; default: dist/")
    options = parser.parse_args(arguments)
    # The other program is released by itself.
    everything = [name for name in _RECIPES if name != "sovereigncode"]
    for name in everything if options.artefact == "all" else [options.artefact]:
        if name == "nuitka" and options.artefact == "all" and not nuitka.has_compiler():
            print("nuitka: skipped, because it needs a C compiler and neither cc, gcc nor clang is on PATH")
            continue
        try:
            made = _RECIPES[name](options.output.resolve())
        except cache.PreparationError as error:
            print(f"build: {error}", file=sys.stderr)
            return 1
        print(f"{made} ({made.stat().st_size} bytes)", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
