"""Makes the artefacts, each in a private environment with pinned, hash-checked tools.

    python3 scripts/build.py pyz       the packed file, for every system with Python 3.9 or newer
    python3 scripts/build.py native    the binary for this machine, by PyInstaller
    python3 scripts/build.py nuitka    the binary for this machine, by Nuitka (needs a C compiler)
    python3 scripts/build.py wheel     wheel and sdist
    python3 scripts/build.py sbom      the software bill of materials
    python3 scripts/build.py mmi-cli   the packed file and the wheel of mmi-cli
    python3 scripts/build.py sovereigncode    sovereigncode.pyz, for every system with Python 3.10 or newer
    python3 scripts/build.py marama-route     marama-route.pyz likewise, and the wheel of both programs
    python3 scripts/build.py all       all of them; Nuitka only with a C compiler, else it says so

They are written to dist/, which git ignores, or to --output.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Callable, Final, Mapping

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts.building import bundle, distributions, native, nuitka, pyz, sbom
from scripts.building.stage import GATEWAY, OVERLORD
from scripts.lib import cache


def _overlord(output: Path) -> Path:
    distributions.build_wheel(OVERLORD, output)
    return pyz.build_program(OVERLORD, output)


def _gateway(output: Path) -> Path:
    distributions.build_wheel(GATEWAY, output)
    return bundle.build(bundle.GATEWAY_PYZ, output)


_RECIPES: Final[Mapping[str, Callable[[Path], Path]]] = {
    "pyz": pyz.build,
    "native": native.build,
    "nuitka": nuitka.build,
    "wheel": distributions.build,
    "sbom": sbom.build,
    "mmi-cli": _overlord,
    "sovereigncode": lambda output: bundle.build(bundle.SOVEREIGNCODE_PYZ, output),
    "marama-route": _gateway,
}
# Released by themselves.
_APART: Final = ("sovereigncode", "marama-route")


def main(arguments: list[str]) -> int:
    """Exit status 0, or 1 with a sentence on standard error."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("artefact", choices=[*_RECIPES, "all"])
    parser.add_argument("--output", type=Path, default=cache.ROOT / "dist", help="folder; default: dist/")
    options = parser.parse_args(arguments)
    everything = [name for name in _RECIPES if name not in _APART]
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
