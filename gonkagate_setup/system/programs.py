"""Programs on the PATH, and only there.

`shutil.which` begins in the working folder on Windows, where a cloned repository can have put a git.exe.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final, Iterator

from gonkagate_setup.system.host import Host

# What CreateProcess starts; PATHEXT also names scripts that only a shell does.
_STARTABLE: Final = (".com", ".exe", ".bat", ".cmd")


def find(name: str, host: Host) -> Path | None:
    """The first program of that name on the PATH."""
    return next(on_path(name, host), None)


def on_path(name: str, host: Host) -> Iterator[Path]:
    """Every program of that name on the PATH, in order; on Windows one per folder, as PATHEXT orders them."""
    seen = set()
    for entry in host.environ.get("PATH", "").split(os.pathsep):
        # cmd.exe takes quoted folders, and installers have put them there.
        folder = entry.strip('"') if host.windows else entry
        if not folder or folder in seen:
            continue
        seen.add(folder)
        candidates = (host.cwd / folder / file for file in _files(name, host))
        hit = next((path for path in candidates if os.access(path, os.X_OK) and path.is_file()), None)
        if hit is not None:
            yield hit


def _files(name: str, host: Host) -> list[str]:
    if not host.windows:
        return [name]
    extensions = host.environ.get("PATHEXT", ";".join(_STARTABLE)).lower().split(";")
    return [name + extension for extension in extensions if extension in _STARTABLE]
