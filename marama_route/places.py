"""Where the configuration and the data of the gateway are: never in the current folder."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from foundation.errors import Refusal, Where
from foundation.host import Host

VARIABLE: Final = "MARAMA_ROUTE_CONFIG"
FOLDER: Final = "marama-route"
CONFIG: Final = "config.yaml"
DATABASE: Final = "gateway.sqlite3"
# What gonkagate-setup stores, below the home.
GONKAGATE_KEY: Final = (".gonkagate", "opencode", "api-key")


def config_file(host: Host, named: str | None) -> Path:
    """The file that `--config` names, else MARAMA_ROUTE_CONFIG, else the one in the user's config folder.

    What was typed is relative to the current folder; a variable must not be, because a file of a clone must
    not redirect traffic. Raises Refusal config_invalid for a variable that names no absolute path.
    """
    if named is not None:
        return host.cwd / expanded(named, host)
    variable = host.environ.get(VARIABLE, "")
    if not variable.strip():
        return config_folder(host) / CONFIG
    path = expanded(variable, host)
    if not path.is_absolute():
        raise Refusal(
            "config_invalid",
            "this variable names a file by a relative path, which means another file in each folder",
            where=Where(VARIABLE),
            next_step="set it to an absolute path, or name the file with --config",
        )
    return path


def config_folder(host: Host) -> Path:
    """`~/.config/marama-route` on Linux."""
    if host.windows:
        base = _named(host, "APPDATA") or host.home / "AppData" / "Roaming"
    elif host.platform == "darwin":
        base = host.home / "Library" / "Application Support"
    else:
        base = _named(host, "XDG_CONFIG_HOME") or host.home / ".config"
    return base / FOLDER


def data_folder(host: Host) -> Path:
    """`~/.local/share/marama-route` on Linux."""
    if host.windows:
        base = _named(host, "LOCALAPPDATA") or host.home / "AppData" / "Local"
    elif host.platform == "darwin":
        base = host.home / "Library" / "Application Support"
    else:
        base = _named(host, "XDG_DATA_HOME") or host.home / ".local" / "share"
    return base / FOLDER


def database(host: Host) -> Path:
    """The file of `store: sqlite`."""
    return data_folder(host) / DATABASE


def editing_folder(host: Host) -> Path:
    """The folder with the lock that whoever changes a configuration holds."""
    return data_folder(host) / "editing"


def gonkagate_key(host: Host) -> Path:
    """The file in which gonkagate-setup stores its key."""
    return host.home.joinpath(*GONKAGATE_KEY)


def expanded(path: str, host: Host) -> Path:
    """A path of the configuration; `~` is the home of this user."""
    if path == "~":
        return host.home
    if path.startswith(("~/", "~\\")):
        return host.home / path[2:]
    return Path(path)


def _named(host: Host, variable: str) -> Path | None:
    """The XDG Base Directory Specification: a relative path is ignored."""
    value = host.environ.get(variable, "")
    return Path(value) if value and Path(value).is_absolute() else None
