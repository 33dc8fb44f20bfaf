"""A launcher that starts opencode, read if it is a small script, and the folders that opencode uses."""

from __future__ import annotations

import re
import threading
from pathlib import Path
from typing import Final, Mapping

from foundation.errors import Refusal
from opencode_config.launcher import Folders, Launcher, settings, started
from opencode_config.program.answers import lines
from opencode_config.program.child import TIMEOUT, run
from opencode_config.program.opencode import Executable

_SCRIPT_BYTES: Final = 64 * 1024
_HOPS: Final = 4
_FOLDER: Final = re.compile(r"(home|config)\s{2,}((?:/|[A-Za-z]:[\\/]|\\\\).*)")


def read(executable: Executable) -> Launcher | None:
    """What starts opencode; None if the file on the PATH is opencode itself.

    A script that replaces itself with another one (`exec "/nix/store/…/.opencode-wrapped"`) is followed, a
    few times.
    """
    if executable.native:
        return None
    path, found = executable.path, []
    text = _script(path)
    readable = text is not None
    seen = {path}
    while text is not None:
        found += list(settings(text, path))
        following = started(text)
        path = Path(following or path)
        if path in seen or len(seen) > _HOPS:
            break
        seen.add(path)
        text = _script(path)
    return Launcher(executable.path, readable, tuple(found))


def _script(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            data = file.read(_SCRIPT_BYTES + 1)
    except (OSError, ValueError):
        return None
    script = data.startswith(b"#!") or path.suffix.lower() in (".cmd", ".bat")
    if len(data) > _SCRIPT_BYTES or not script or b"\0" in data:
        return None
    return data.decode("utf-8", "replace").replace("\r\n", "\n")


def folders(
    executable: Executable,
    environ: Mapping[str, str],
    cwd: Path,
    *,
    timeout: float = TIMEOUT,
    scratch: Path | None = None,
    stop: threading.Event | None = None,
) -> Folders | None:
    """What `opencode debug paths` says, the same on 1.14.34, 1.17.19 and 1.18.33; None if it fails."""
    try:
        output = run(
            executable.path, ["debug", "paths"], environ, cwd, timeout=timeout, scratch=scratch, stop=stop
        )
    except Refusal:
        return None
    found = {match[1]: match[2] for match in map(_FOLDER.fullmatch, lines(output.stdout)) if match}
    if output.status != 0 or "home" not in found or "config" not in found:
        return None
    return Folders(Path(found["home"]), Path(found["config"]))
