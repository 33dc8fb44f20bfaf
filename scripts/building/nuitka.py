"""The second builder of native binaries: Nuitka onefile, from the same entry with the same smoke tests."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Final

from scripts.building import native
from scripts.building.stage import SETUP, stage
from scripts.lib import cache

# What the standard library pulls in for features that the program does not use.
_NOT_FOLLOWED: Final = (
    "asyncio,bz2,concurrent,curses,decimal,doctest,ensurepip,lib2to3,lzma,multiprocessing,optparse,pdb,pickle,pip,"
    "pydoc,setuptools,sqlite3,statistics,test,tkinter,unittest,xmlrpc"
)
_NOT_INCLUDED: Final = ("libbz2*", "liblzma*")


def has_compiler() -> bool:
    """Whether Nuitka finds a C compiler here; on Windows it gets one itself."""
    return sys.platform == "win32" or any(map(shutil.which, ("cc", "gcc", "clang")))


def build(output: Path) -> Path:
    """Make the binary for this machine in `output`; PreparationError without a C compiler."""
    if not has_compiler():
        raise cache.PreparationError("Nuitka needs a C compiler, and neither cc, gcc nor clang is on PATH")
    python = _environment()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        staged = work / "stage"
        staged.mkdir()
        stage(SETUP, staged)
        native.collect_licences(staged / "LICENSES", python)
        entry = shutil.copyfile(cache.ROOT / "build" / "native" / "start.py", staged / f"{SETUP.name}.py")
        target = native.name("-nuitka")
        options = [
            "--onefile",
            "--assume-yes-for-downloads" if sys.platform == "win32" else "--lto=no",
            "--python-flag=no_docstrings,no_asserts,no_site",
            f"--include-package={SETUP.package}",
            f"--nofollow-import-to={_NOT_FOLLOWED}",
            *(f"--noinclude-dlls={pattern}" for pattern in _NOT_INCLUDED),
            f"--include-data-dir={staged / 'LICENSES'}=LICENSES",
            f"--output-dir={work / 'out'}",
            f"--output-filename={target}",
        ]
        cache.run(
            [str(python), "-m", "nuitka", *options, str(entry)],
            cwd=staged,
            environ={
                **native.environment(work),
                "PYTHONPATH": str(staged),
                "PATH": f"{python.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
                "NUITKA_CACHE_DIR": str(cache.folder() / "nuitka"),
            },
            what="building with Nuitka",
            timeout=1800,
        )
        output.mkdir(parents=True, exist_ok=True)
        return Path(shutil.copy(work / "out" / target, output / target))


def _environment() -> Path:
    """A Python with Nuitka, which comes as an sdist: built with the pinned tools that are already there."""
    python = cache.python_environment(sys.executable, "nuitka-tools.txt")
    marker = python.parents[1] / "nuitka-installed-from"
    pins = cache.REQUIREMENTS / "nuitka.txt"
    if not marker.is_file() or marker.read_bytes() != pins.read_bytes():
        pip = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
        options = ["--no-deps", "--no-build-isolation", "--require-hashes", "-r", str(pins)]
        cache.run([*pip, *options], cwd=cache.ROOT, what="preparing Nuitka")
        marker.write_bytes(pins.read_bytes())
    return python
