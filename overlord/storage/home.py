"""The folder that holds all runs, and which systems keep it where."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NoReturn

from foundation.errors import Refusal, Where
from foundation.files.reading import reason
from foundation.files.writable import advice
from foundation.host import Host
from foundation.protection import for_host
from overlord.settings import Settings

VARIABLE = "MMI_OVERLORD_HOME"


def state_folder(host: Host, settings: Settings) -> Path:
    """The folder for the state, links resolved; it need not exist. Refusal state_unusable."""
    named = host.environ.get(VARIABLE, "")
    if named.strip():
        if not Path(named).is_absolute():
            _refuse(
                Where(VARIABLE),
                "this variable is not an absolute path",
                settings.how_to_set(VARIABLE, "an absolute path"),
            )
        return _resolved(Path(named), settings)
    if host.windows:
        local = host.environ.get("LOCALAPPDATA") or str(host.home / "AppData" / "Local")
        return _resolved(Path(local) / "mmi-cli" / "overlord", settings)
    # The XDG Base Directory Specification: a relative path is ignored.
    base = host.environ.get("XDG_STATE_HOME", "")
    folder = Path(base) if base and Path(base).is_absolute() else host.home / ".local" / "state"
    return _resolved(folder / "mmi-cli" / "overlord", settings)


def _resolved(path: Path, settings: Settings) -> Path:
    try:
        return Path(os.path.realpath(path))
    except (OSError, ValueError):
        _refuse(
            Where(VARIABLE), "this folder cannot be used", settings.how_to_set(VARIABLE, "another folder")
        )


def make_private(folder: Path, host: Host) -> None:
    """Make the folder and those above it that are missing, for this user only; Refusal state_unusable."""
    try:
        missing = [folder]
        while not missing[-1].parent.exists():
            missing.append(missing[-1].parent)
        for one in reversed(missing):
            one.mkdir(mode=0o700, exist_ok=True)
        for_host(host).apply(folder)
    except OSError as problem:
        why, next_step = advice(folder, problem)
        _refuse(Where(str(folder)), f"this folder cannot be used ({why})", next_step)
    if not folder.is_dir():
        _refuse(
            Where(str(folder)), "this is not a folder", "move it out of the way, then run this command again"
        )


def names_in(folder: Path) -> list[str]:
    """What is in the folder, sorted; empty if there is no such folder. Refusal state_unusable."""
    try:
        return sorted(entry.name for entry in folder.iterdir())
    except FileNotFoundError:
        return []
    except OSError as problem:
        _refuse(
            Where(str(folder)),
            f"this folder cannot be read ({reason(problem)})",
            "make it readable for your user, then run this command again",
        )


def _refuse(where: Where, message: str, next_step: str) -> NoReturn:
    raise Refusal("state_unusable", message, where=where, next_step=next_step) from None
