"""The machine as one value: environment, home, platform, clock. The only reader of `os.environ`."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Callable, Mapping

from gonkagate_setup.errors import SetupError


def _utc_now() -> datetime:
    return datetime.now(timezone.utc)


@dataclass(frozen=True)
class Host:
    """What the program may know about the machine.

    `environ` is a copy; `home` is what opencode's `os.homedir()` answers (HOME, USERPROFILE on
    Windows); `platform` is "linux", "darwin" or "win32"; `user_id` is None on Windows.
    """

    environ: Mapping[str, str] = field(repr=False)
    home: Path
    cwd: Path
    platform: str
    wsl: bool = False
    user_id: int | None = None
    now: Callable[[], datetime] = _utc_now

    @property
    def windows(self) -> bool:
        """Native Windows; WSL is Linux."""
        return self.platform == "win32"


def environment() -> Mapping[str, str]:
    """A copy of this process's environment."""
    return dict(os.environ)


def current() -> Host:
    """The machine that this process runs on; SetupError where the working folder is gone."""
    platform = "linux" if sys.platform.startswith("linux") else sys.platform
    return Host(
        environ=environment(),
        home=Path.home(),
        cwd=_working_folder(),
        platform=platform,
        wsl=platform == "linux" and _is_wsl(),
        user_id=os.getuid() if hasattr(os, "getuid") else None,
    )


def _working_folder() -> Path:
    try:
        return Path.cwd()
    except OSError:
        raise SetupError(
            "working_directory_unusable",
            "The folder that this shell stands in does not exist any more",
            next_step="change to an existing folder, or name one with --cwd",
        ) from None


def _is_wsl() -> bool:
    # Microsoft's kernels name themselves in the release, for example "5.15.167.4-microsoft-standard-WSL2".
    return "microsoft" in os.uname().release.lower()
