"""A launcher that starts opencode, read if it is a small script."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from opencode_config.launcher import Launcher, settings, started
from opencode_config.program.find import Executable

_SCRIPT_BYTES: Final = 64 * 1024
_HOPS: Final = 4


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
