"""The program's own folder in the user's home: the journal of a change that is being made, and its lock."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Iterable

from foundation.host import Host
from foundation.secrets import Secret
from foundation.workspace import Workspace
from opencode_config import schema_line
from opencode_config.places import JSON_NAMES
from sovereigncode import gateway_provider as provider
from sovereigncode import shown


@dataclass(frozen=True)
class Store(Workspace):
    """Beside the remembered ends of the audit chains, in the user's state folder."""

    platform: str

    @classmethod
    def at(cls, host: Host) -> Store:
        """The store of this machine's user."""
        return cls(Path(os.path.realpath(host.home)), host.home, host.platform)

    @property
    def parts(self) -> tuple[str, ...]:
        """`~/.local/state/sovereigncode/init` on Linux."""
        places = {"win32": ("AppData", "Local"), "darwin": ("Library", "Application Support")}
        return (*places.get(self.platform, (".local", "state")), "sovereigncode", "init")

    @property
    def program(self) -> str:
        """Part of the names of temporary files."""
        return "sovereigncode"

    @property
    def config_names(self) -> tuple[str, ...]:
        """What opencode reads in a project's folder."""
        return JSON_NAMES

    def also_ours(self, data: bytes) -> tuple[bytes, ...]:
        """The same with the `$schema` line that opencode adds when it starts."""
        return (schema_line.as_opencode_leaves_it(data),)

    def kept_copy(self, data: bytes, secrets: Iterable[Secret]) -> bytes:
        """The config with values masked that may be secrets."""
        del secrets
        return shown.masked(data.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")

    def needs_secret(self, text: bytes) -> bool:
        """No file of this program is named in a config."""
        del text
        return False

    def has_traces(self, text: bytes) -> bool:
        """Whether it names the provider."""
        return b'"%s"' % provider.ID.encode() in text
