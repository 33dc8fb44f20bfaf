"""Where opencode reads config from, in its own order: low to high, a later place wins.

Measured with opencode 1.14.34, 1.17.19 and 1.18.33 (docs/layers.md, which is generated from here).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import PurePath, PurePosixPath, PureWindowsPath
from typing import Final, Mapping

# Layer names. The first six are those of the npm tool, in the same sense.
USER: Final = "user_config"
CUSTOM: Final = "OPENCODE_CONFIG"
PROJECT: Final = "project_config"
INLINE: Final = "OPENCODE_CONFIG_CONTENT"
MANAGED: Final = "system_managed_config"
INFERRED: Final = "inferred_higher_precedence"
DOT_OPENCODE: Final = "dot_opencode"
HOME_DOT_OPENCODE: Final = "home_dot_opencode"
CONFIG_DIR: Final = "OPENCODE_CONFIG_DIR"
PREFERENCES: Final = "managed_preferences"
AGENT_MARKDOWN: Final = "agent_markdown"
WELL_KNOWN: Final = "well_known"
ORGANISATION: Final = "organisation_account"
PLUGIN: Final = "plugin"

JSON_NAMES: Final = ("opencode.json", "opencode.jsonc")
USER_NAMES: Final = ("config.json", *JSON_NAMES)
# In each folder with agents, opencode loads `{plugin,plugins}/*.{ts,js}` as plugins, links and names
# with a leading dot too (read in 1.14.34, 1.17.19 and 1.18.33, and tried).
PLUGIN_FOLDERS: Final = ("plugin", "plugins")
PLUGIN_SUFFIXES: Final = (".ts", ".js")

# Variables that the durable environment does not have: set for one command, not for the machine.
_RUNTIME_ONLY: Final = ("OPENCODE_CONFIG_CONTENT", "OPENCODE_DISABLE_PROJECT_CONFIG", "OPENCODE_PERMISSION")
_SHELL_ONLY: Final = ("OPENCODE_CONFIG", "OPENCODE_CONFIG_DIR")


class Environment(str, Enum):
    """The environments in which opencode must confirm that it uses the provider."""

    DURABLE = "durable"
    FRESH = "fresh"
    SESSION = "session"

    def select(self, environ: Mapping[str, str]) -> dict[str, str]:
        """`environ` as this environment has it."""
        dropped: tuple[str, ...] = ()
        if self is not Environment.SESSION:
            dropped = _RUNTIME_ONLY
        if self is Environment.FRESH:
            dropped = _RUNTIME_ONLY + _SHELL_ONLY
        return {name: value for name, value in environ.items() if name not in dropped}


class Kind(str, Enum):
    """What a place contains."""

    FILE = "file"  # one JSONC file
    INLINE = "inline"  # JSONC text in a variable
    AGENTS = "agents"  # a folder whose agent and mode Markdown files are merged in
    PREFERENCES = "preferences"  # a macOS property list
    REMOTE = "remote"  # not readable from here: the network, an account, a plugin


@dataclass(frozen=True)
class Place:
    """One source of config: the layer that it belongs to and where it is.

    `path` is the file, or the folder for AGENTS; None for INLINE and REMOTE.
    """

    layer: str
    kind: Kind
    path: PurePath | None = None


@dataclass(frozen=True)
class Surroundings:
    """What decides which places there are.

    `environ` is the session's; `cwd` absolute and free of symbolic links, as opencode sees it;
    `worktree` is the root of the git work tree around `cwd`, None if opencode finds none (it then
    walks up to the root of the file system). `platform` as in `Host`.
    """

    environ: Mapping[str, str]
    home: PurePath
    cwd: PurePath
    worktree: PurePath | None
    platform: str

    @property
    def user_folder(self) -> PurePath:
        """Opencode's global config folder; an empty XDG_CONFIG_HOME counts as unset."""
        base = self.environ.get("XDG_CONFIG_HOME")
        return (self.cwd / base if base else self.home / ".config") / "opencode"

    @property
    def project_root(self) -> PurePath:
        """The folder of the project's file: the work tree's root, else the working folder."""
        return self.worktree if self.worktree is not None else self.cwd

    def ascent(self) -> tuple[PurePath, ...]:
        """The working folder and its parents up to where opencode stops, innermost first."""
        folders = [self.cwd]
        while folders[-1] != self.worktree and folders[-1].parent != folders[-1]:
            folders.append(folders[-1].parent)
        return tuple(folders)


def places(surroundings: Surroundings, environment: Environment = Environment.SESSION) -> tuple[Place, ...]:
    """Every place that opencode reads in `environment`, low to high."""
    environ = environment.select(surroundings.environ)
    found = [Place(WELL_KNOWN, Kind.REMOTE)]
    found += [Place(USER, Kind.FILE, surroundings.user_folder / name) for name in USER_NAMES]
    custom = environ.get("OPENCODE_CONFIG")
    if custom:
        # Relative to the working folder; opencode expands neither ~ nor variables.
        found.append(Place(CUSTOM, Kind.FILE, surroundings.cwd / custom))
    if not flag(environ, "OPENCODE_DISABLE_PROJECT_CONFIG"):
        found += [
            Place(PROJECT, Kind.FILE, folder / name)
            for folder in reversed(surroundings.ascent())
            for name in JSON_NAMES
        ]
    found += _folder_places(surroundings, environ)
    if environ.get("OPENCODE_CONFIG_CONTENT"):
        found.append(Place(INLINE, Kind.INLINE))
    found.append(Place(ORGANISATION, Kind.REMOTE))
    managed = managed_folder(environ, surroundings.platform, surroundings.cwd)
    found += [Place(MANAGED, Kind.FILE, managed / name) for name in JSON_NAMES]
    if surroundings.platform == "darwin":
        found += [
            Place(PREFERENCES, Kind.PREFERENCES, path) for path in _preferences(environ, surroundings.home)
        ]
    found.append(Place(PLUGIN, Kind.REMOTE))
    return tuple(found)


def _folder_places(surroundings: Surroundings, environ: Mapping[str, str]) -> list[Place]:
    """The folders with agents: the global one, `.opencode` innermost first, the home's, the variable's.

    Compared by the text of their names, as opencode does: one that the variable spells differently is read
    a second time, at the end.
    """
    home = surroundings.cwd / (environ.get("OPENCODE_TEST_HOME") or surroundings.home) / ".opencode"
    folders = {str(surroundings.user_folder): USER}
    if not flag(environ, "OPENCODE_DISABLE_PROJECT_CONFIG"):
        for folder in surroundings.ascent():
            inner = folder / ".opencode"
            folders.setdefault(str(inner), HOME_DOT_OPENCODE if inner == home else DOT_OPENCODE)
    folders.setdefault(str(home), HOME_DOT_OPENCODE)
    named = environ.get("OPENCODE_CONFIG_DIR")
    if named:
        folders.setdefault(named, CONFIG_DIR)
    found = []
    for name, layer in folders.items():
        folder = surroundings.cwd / name
        # The global folder's JSON was read before, unless the variable names that same folder.
        if layer != USER or name == named:
            found += [Place(layer, Kind.FILE, folder / file) for file in JSON_NAMES]
        found.append(Place(AGENT_MARKDOWN, Kind.AGENTS, folder))
    return found


def flag(environ: Mapping[str, str], name: str) -> bool:
    """Whether opencode reads a switch as on: only `1` and `true`, in upper or lower case."""
    return environ.get(name, "").lower() in {"1", "true"}


def without_plugins(environ: Mapping[str, str]) -> bool:
    """Whether OPENCODE_PURE keeps opencode from loading plugins; newer ones take more words for "on"."""
    return environ.get("OPENCODE_PURE", "").lower() in {"1", "true", "yes", "on", "y"}


def managed_folder(environ: Mapping[str, str], platform: str, cwd: PurePath) -> PurePath:
    """The administrator's config folder; `cwd` is where opencode is started."""
    replaced = environ.get("OPENCODE_TEST_MANAGED_CONFIG_DIR")
    if replaced:
        return cwd / replaced
    if platform == "darwin":
        return PurePosixPath("/Library/Application Support/opencode")
    if platform == "win32":
        # Python has the names of Windows variables in capitals.
        return PureWindowsPath(environ.get("PROGRAMDATA") or "C:\\ProgramData", "opencode")
    return PurePosixPath("/etc/opencode")


def _preferences(environ: Mapping[str, str], home: PurePath) -> tuple[PurePath, ...]:
    """The property lists of a managed Mac, best first; opencode takes the first that exists."""
    root = PurePosixPath("/Library/Managed Preferences")
    user = environ.get("USER") or home.name
    name = "ai.opencode.managed.plist"
    return (root / user / name, root / name)
