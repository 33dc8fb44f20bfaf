"""The profile's folder on this machine, the names in it, and the rules for opencode's configs."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Iterable

from foundation.secrets import Secret
from foundation.workspace import Workspace
from gonkagate_setup.catalog import Profile
from opencode_config import schema_line

if TYPE_CHECKING:
    from foundation.transaction import Role

NOTE_NAME = "opencode-executable.json"


@dataclass(frozen=True)
class OwnFile:
    """A file that this program makes for itself; `kind` is what a report calls it."""

    path: Path
    role: Role
    kind: str


@dataclass(frozen=True)
class Store(Workspace):
    """Where the profile keeps what is its own."""

    profile: Profile

    @classmethod
    def at(cls, home: Path, profile: Profile) -> Store:
        """The store under this home folder; links in the home's own path are resolved."""
        return cls(Path(os.path.realpath(home)), home, profile)

    @property
    def parts(self) -> tuple[str, ...]:
        """`~/.gonkagate/opencode`."""
        return self.profile.folder

    @property
    def program(self) -> str:
        """Part of the names of temporary files."""
        return "gonkagate-setup"

    @property
    def key(self) -> Path:
        """The one file that holds the key."""
        return self.folder / self.profile.key_file

    @property
    def state(self) -> Path:
        """`install-state.json`."""
        return self.folder / self.profile.state_file

    @property
    def note(self) -> Path:
        """Which opencode executable was used at the last success."""
        return self.folder / NOTE_NAME

    @property
    def history(self) -> Path:
        """What the last setup changed, for `undo`."""
        return self.folder / "last-change.json"

    @property
    def available(self) -> Path:
        """Exists while GonkaGate is only available: opencode starts with something else, as was chosen."""
        return self.folder / "available-only.json"

    @property
    def own_files(self) -> tuple[OwnFile, ...]:
        """All of them but the backups; the key first."""
        from foundation.transaction import Role

        roles = {
            self.key: Role.SECRET,
            self.state: Role.STATE,
            self.available: Role.STATE,
            self.note: Role.NOTE,
            self.history: Role.NOTE,
        }
        return tuple(OwnFile(path, role, role.value) for path, role in roles.items())

    @property
    def config_names(self) -> tuple[str, ...]:
        """What opencode reads in a folder."""
        from opencode_config.places import USER_NAMES

        return USER_NAMES

    def also_ours(self, data: bytes) -> tuple[bytes, ...]:
        """The same with the `$schema` line that opencode adds when it starts."""
        return (schema_line.as_opencode_leaves_it(data),)

    def kept_copy(self, data: bytes, secrets: Iterable[Secret]) -> bytes:
        """The config without a key; bytes that are not UTF-8 stay what they are."""
        from gonkagate_setup.masking import without_key

        text = data.decode("utf-8", "surrogateescape")
        return without_key.without_key(text, self.profile, secrets).encode("utf-8", "surrogateescape")

    def needs_secret(self, text: bytes) -> bool:
        """Whether it names the key file: without that, opencode would not start."""
        return "/".join((*self.profile.folder, self.profile.key_file)).encode() in text

    def has_traces(self, text: bytes) -> bool:
        """Whether it names the key file or the provider."""
        return self.needs_secret(text) or b'"%s' % self.profile.id.encode() in text
