"""Whether git ignores a path."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

from foundation.host import Host
from foundation.programs import environment, find

_SECONDS: Final = 5.0


def ignores(host: Host, worktree: Path, path: Path) -> bool:
    """Whether git ignores the path in that work tree; False also without git or without an answer in time."""
    git = find("git", host)
    if git is None:
        return False
    environ = {
        name: value for name, value in environment(host.environ).items() if not name.startswith("GIT_")
    }
    # A repository may name a program to run at core.fsmonitor; it must not be started.
    command = [str(git), "-c", "core.fsmonitor=false", "check-ignore", "--quiet", "--", str(path)]
    try:
        answer = subprocess.run(
            command,
            cwd=worktree,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return answer.returncode == 0
