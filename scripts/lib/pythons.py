"""The Python interpreters of this machine. Standard library only."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Iterator

OLDEST: Final = (3, 9)
_NAME: Final = re.compile(r"python3(\.\d+)?(\.exe)?")
_PROBE: Final = "import sys, venv, ensurepip; print(sys.implementation.name, *sys.version_info[:2])"


@dataclass(frozen=True)
class Interpreter:
    """One CPython: where it is and its (major, minor)."""

    path: str
    version: tuple[int, int]

    def __str__(self) -> str:
        return ".".join(map(str, self.version))


def find() -> list[Interpreter]:
    """One usable CPython per minor version from 3.9, newest first; for its own version the running one.

    Usable: it starts and can make a virtual environment (some systems leave `ensurepip` out).
    """
    found: dict[tuple[int, int], Interpreter] = {}
    for path in _candidates():
        interpreter = _probe(path)
        if interpreter and interpreter.version >= OLDEST:
            found.setdefault(interpreter.version, interpreter)
    return sorted(found.values(), key=lambda interpreter: interpreter.version, reverse=True)


def _candidates() -> Iterator[str]:
    yield sys.executable
    folders = [Path(folder) for folder in os.environ.get("PATH", "").split(os.pathsep) if folder]
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    folders += sorted(pyenv.glob("versions/*/bin"), reverse=True)
    for folder in folders:
        if folder.is_dir():
            yield from sorted(str(path) for path in folder.iterdir() if _NAME.fullmatch(path.name))


def _probe(path: str) -> Interpreter | None:
    try:
        asked = subprocess.run(
            [path, "-c", _PROBE],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
        name, major, minor = asked.stdout.split()
    except (OSError, ValueError, subprocess.SubprocessError):
        return None  # a shim without a Python behind it, or one that cannot make environments
    return Interpreter(path, (int(major), int(minor))) if name == "cpython" else None
