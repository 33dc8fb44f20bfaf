"""The machine as one value: environment, home, platform, clock. The only reader of `os.environ`."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Callable, Mapping, NoReturn

from foundation.errors import Refusal, Where


def _utc_now() -> datetime:
    return datetime.now(timezone.utc)


@dataclass(frozen=True)
class Host:
    """What the program knows about the machine.

    `environ` is a copy; `home` is what Node's `os.homedir()` answers, see `home_folder`; `platform` is
    "linux", "darwin" or "win32"; `user_id` is None on Windows. `hidden` are the variables that no other
    program is given, each with what it is given instead.
    """

    environ: Mapping[str, str] = field(repr=False)
    home: Path
    cwd: Path
    platform: str
    wsl: bool = False
    user_id: int | None = None
    now: Callable[[], datetime] = _utc_now
    hidden: Mapping[str, str] = field(default_factory=dict)

    @property
    def windows(self) -> bool:
        """Native Windows; WSL is Linux."""
        return self.platform == "win32"


def environment() -> Mapping[str, str]:
    """A copy of this process's environment."""
    return dict(os.environ)


def protect_new_files() -> None:
    """No other user can write what this process, and what it starts, makes.

    Some shells have the umask 000 (WSL). Whoever can write a config decides where the key is sent.
    """
    os.umask(os.umask(0o077) | 0o022)


def current(hidden: Mapping[str, str]) -> Host:
    """The machine that this process runs on; Refusal without a working folder or a home."""
    platform = "linux" if sys.platform.startswith("linux") else sys.platform
    environ = environment()
    return Host(
        environ=environ,
        home=home_folder(environ),
        cwd=_working_folder(),
        platform=platform,
        wsl=platform == "linux" and _is_wsl(),
        user_id=os.getuid() if hasattr(os, "getuid") else None,
        hidden=hidden,
    )


def home_folder(environ: Mapping[str, str]) -> Path:
    """The home as Node's `os.homedir()` names it: HOME, or the account's own folder without HOME.

    On Windows USERPROFILE instead of HOME. Places are joined to it as text, as Node's `path.join` does:
    `..` removes the name before it, even the name of a link. Raises Refusal own_files_unusable
    if there is none, and for a relative one, which means a different place in each folder.
    """
    variable = "USERPROFILE" if os.name == "nt" else "HOME"
    named = environ.get(variable) or _account_home()
    if not named:
        _refuse_home(f"there is no home folder: {variable} is not set, and your account has none")
    home = Path(os.path.normpath(named))
    if not home.is_absolute():
        source = variable if environ.get(variable) else "your account's entry"
        _refuse_home(f"{source} is not an absolute path, so it means a different place in each folder")
    # Linux and macOS treat two slashes as one; normpath keeps them, `path.join` does not.
    return Path("/", *home.parts[1:]) if home.anchor == "//" else home


def _account_home() -> str | None:
    if os.name == "nt":
        return None
    import pwd

    try:
        return pwd.getpwuid(os.geteuid()).pw_dir
    except KeyError:
        return None


def _refuse_home(message: str) -> NoReturn:
    variable = "USERPROFILE" if os.name == "nt" else "HOME"
    raise Refusal(
        "own_files_unusable",
        message,
        where=Where(variable),
        next_step=f"set {variable} to your home folder, for example: "
        + ("$env:USERPROFILE = 'C:\\Users\\you'" if os.name == "nt" else "export HOME=/home/you"),
    )


def _working_folder() -> Path:
    try:
        return Path.cwd()
    except OSError:
        raise Refusal(
            "working_directory_unusable",
            "The current folder no longer exists",
            next_step="change to an existing folder, or name one with --cwd",
        ) from None


def _is_wsl() -> bool:
    # Microsoft's kernels name themselves in the release, for example "5.15.167.4-microsoft-standard-WSL2".
    return "microsoft" in os.uname().release.lower()
