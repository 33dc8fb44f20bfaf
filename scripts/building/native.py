"""The native binary: PyInstaller onefile by the recipe in `build/native/`."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Final

from scripts.building import contents, sbom
from scripts.building.compact import compact
from scripts.building.stage import SETUP, licence_text, stage, version
from scripts.lib import cache

_RECIPE = cache.ROOT / "build" / "native"
_SYSTEMS: Final = {"linux": "linux", "darwin": "macos", "win32": "windows"}
_MACHINES: Final = {"amd64": "x86_64", "x86_64": "x86_64", "arm64": "arm64", "aarch64": "arm64"}


def name(suffix: str = "") -> str:
    """The binary's name in a release, for example gonkagate-setup-linux-x86_64."""
    machine = platform.machine().lower()
    extension = ".exe" if sys.platform == "win32" else ""
    return f"{SETUP.name}-{_SYSTEMS[sys.platform]}-{_MACHINES.get(machine, machine)}{suffix}{extension}"


def build(output: Path) -> Path:
    """Make the binary for this machine, and its bill: the same bytes from the same sources and Python."""
    python = cache.python_environment(sys.executable, "pyinstaller.txt")
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        staged = work / "stage"
        staged.mkdir()
        stage(SETUP, staged)
        for path in staged.rglob("*.py"):
            # Annotations would be kept as texts in the byte code.
            path.write_text(compact(path.read_text(encoding="utf-8")), encoding="utf-8")
        collect_licences(staged / "LICENSES", python)
        contents_file = work / "contents.txt"
        options = [str(staged), str(contents_file)]
        if sys.platform == "win32":
            options.append(str(_version_resource(work)))
        places = ["--distpath", str(work / "dist"), "--workpath", str(work / "work")]
        cache.run(
            [str(python), "-m", "PyInstaller", "--noconfirm", *places, str(_recipe(work)), "--", *options],
            cwd=work,
            environ=environment(work),
            what="building the native binary",
        )
        (made,) = (work / "dist").iterdir()
        output.mkdir(parents=True, exist_ok=True)
        target = output / name()
        shutil.copyfile(made, target)
        target.chmod(0o755)
        inside = contents.components(python, contents_file)
        sbom.write(output / f"{target.name}{sbom.SUFFIX}", sbom.document(target.name, inside))
    return target


def _recipe(work: Path) -> Path:
    # PyInstaller writes into the folder of its spec.
    for file in ("gonkagate-setup.spec", "start.py"):
        shutil.copyfile(_RECIPE / file, work / file)
    return work / "gonkagate-setup.spec"


def environment(work: Path) -> dict[str, str]:
    """The builder's environment: hash order and dates fixed, its caches in `work`."""
    return {
        **os.environ,
        "PYTHONHASHSEED": "1",
        "SOURCE_DATE_EPOCH": "315532800",
        "PYINSTALLER_ZLIB_COMPRESSION_LEVEL": "9",
        "PYINSTALLER_CONFIG_DIR": str(work / "configuration"),
    }


def collect_licences(target: Path, python: Path) -> None:
    """Copy the licence of everything that a native binary contains into the new folder `target`."""
    target.mkdir()
    (target / "LICENSES.txt").write_bytes(licence_text(SETUP))
    shutil.copyfile(_python_licence(), target / "Python.txt")
    shutil.copyfile(_RECIPE / "libraries.txt", target / "Libraries.txt")
    for found in sorted(python.parents[1].rglob("pyinstaller-*.dist-info/**/COPYING.txt")):
        shutil.copyfile(found, target / "PyInstaller.txt")


def _python_licence() -> Path:
    standard_library = Path(sysconfig.get_paths()["stdlib"])
    candidates = [
        standard_library / "LICENSE.txt",
        Path(sys.base_prefix) / "LICENSE.txt",
        Path(f"/usr/share/doc/python3.{sys.version_info[1]}/copyright"),
    ]
    found = next((path for path in candidates if path.is_file()), None)
    if found is None:
        raise cache.PreparationError(
            "this Python has no licence text, which every binary must contain; looked for "
            + ", ".join(map(str, candidates))
        )
    return found


def _version_resource(work: Path) -> Path:
    """What the properties dialogue of Windows shows."""
    parts = ", ".join([*version(SETUP).split("."), "0"])
    template = (_RECIPE / "version-resource.txt").read_text(encoding="utf-8")
    target = work / "version-resource.txt"
    target.write_text(
        template.replace("@PARTS@", parts).replace("@VERSION@", version(SETUP)), encoding="utf-8"
    )
    return target
