"""Other programs: where they are on the PATH (only there), and the environment that they get.

`shutil.which` begins in the working folder on Windows, in which a cloned repository may have a git.exe.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final, Iterator, Mapping

from foundation.host import Host

# What CreateProcess can start; PATHEXT also names scripts that only a shell can.
_STARTABLE: Final = (".com", ".exe", ".bat", ".cmd")


def find(name: str, host: Host) -> Path | None:
    """The first program of that name on the PATH."""
    return next(on_path(name, host), None)


def on_path(name: str, host: Host) -> Iterator[Path]:
    """Every program of that name on the PATH, in order; on Windows one per folder, as PATHEXT orders them."""
    seen = set()
    for entry in host.environ.get("PATH", "").split(os.pathsep):
        # cmd.exe accepts quoted folders, and installers have added such ones.
        folder = entry.strip('"') if host.windows else entry
        if not folder or folder in seen:
            continue
        seen.add(folder)
        candidates = (host.cwd / folder / file for file in _files(name, host))
        hit = next((path for path in candidates if startable(path)), None)
        if hit is not None:
            yield hit


def startable(path: Path) -> bool:
    """Whether there is a file that may be started; False if it cannot be accessed."""
    try:
        return os.access(path, os.X_OK) and path.is_file()
    except OSError:
        return False


def _files(name: str, host: Host) -> list[str]:
    if not host.windows:
        return [name]
    extensions = host.environ.get("PATHEXT", ";".join(_STARTABLE)).lower().split(";")
    return [name + extension for extension in extensions if extension in _STARTABLE]


def environment(environ: Mapping[str, str], hidden: Mapping[str, str]) -> dict[str, str]:
    """The environment for any child: without what is `hidden`, and without a trace of our own packaging.

    A hidden variable that is set gets the other value that `hidden` has for it.
    """
    cleaned = {
        name: value
        for name, value in environ.items()
        if not name.startswith(("_PYI_", "_MEIPASS", "NUITKA_ONEFILE_", "SHIV_"))
    }
    for name in ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"):
        # PyInstaller points the loader to its own folder and keeps the user's value in another variable.
        original = cleaned.pop(f"{name}_ORIG", None)
        if original is not None:
            cleaned[name] = original
        elif "_MEI" in cleaned.get(name, ""):
            del cleaned[name]
    return {name: hidden.get(name, value) for name, value in cleaned.items()}
