"""Installs a wheel or an sdist into a private environment, as pipx and uvx do, but from the file alone."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from scripts.lib import cache

_PIP: Final = ("-m", "pip", "--disable-pip-version-check", "--quiet")
_FILE_ONLY: Final = ("--no-index", "--no-deps")


def install(artefact: Path, folder: Path) -> Path:
    """The installed program, in a new environment below `folder`; the pinned hatchling builds an sdist."""
    wheel = artefact if artefact.suffix == ".whl" else _build(artefact, folder / "built")
    environment = folder / "environment"
    cache.run(
        [sys.executable, "-m", "venv", str(environment)], cwd=cache.ROOT, what=f"installing {artefact.name}"
    )
    python = install_into(folder, wheel)
    return python.with_name("gonkagate-setup.exe" if sys.platform == "win32" else "gonkagate-setup")


def install_into(folder: Path, wheel: Path) -> Path:
    """The Python of the environment that `install` made below `folder`, now with that wheel too."""
    python = cache.executable(folder / "environment")
    command = [str(python), *_PIP, "install", *_FILE_ONLY, str(wheel)]
    cache.run(command, cwd=cache.ROOT, what=f"installing {wheel.name}")
    return python


def _build(sdist: Path, folder: Path) -> Path:
    python = cache.python_environment(sys.executable, "hatchling.txt")
    command = [str(python), *_PIP, "wheel", *_FILE_ONLY, "--no-build-isolation", "--wheel-dir", str(folder)]
    cache.run([*command, str(sdist)], cwd=cache.ROOT, what=f"building {sdist.name}")
    (wheel,) = folder.glob("*.whl")
    return wheel
