"""The changes that a transaction makes, as values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Union

from foundation.errors import Refusal, Where
from foundation.files.snapshot import Snapshot


class Role(str, Enum):
    """The role of a file; its value is in the journal and in the names of copies."""

    SECRET = "secret"  # noqa: S105  # a name, not a password
    USER_CONFIG = "user_config"
    PROJECT_CONFIG = "project_config"
    STATE = "state"
    NOTE = "note"

    def failure(self, step: str) -> str:
        """The kind of refusal for a failed `step`, "backup" or "write"."""
        what = {Role.SECRET: "secret", Role.STATE: "state", Role.NOTE: "state"}.get(self, "config")
        return f"{what}_{step}_failed"

    @property
    def backed_up(self) -> bool:
        """Whether a copy of the former content is kept after success."""
        return self in (Role.USER_CONFIG, Role.PROJECT_CONFIG)


@dataclass(frozen=True)
class Write:
    """Create or replace the snapshot's real file; `private` means 0600 in one of our 0700 folders.

    `keep_copy` False: no copy of a config is kept, because nothing is lost that does not exist elsewhere.
    """

    snapshot: Snapshot
    data: bytes
    role: Role
    private: bool = False
    keep_copy: bool = True


@dataclass(frozen=True)
class Delete:
    """Remove the snapshot's real file; `keep_copy` as for Write."""

    snapshot: Snapshot
    role: Role
    keep_copy: bool = True


@dataclass(frozen=True)
class Protect:
    """Repair who may use a private file and its folder, without rewriting the file."""

    path: Path


Change = Union[Write, Delete, Protect]


class TargetChanged(Refusal):  # it says what happened
    """Somebody else wrote a target since it was read; everything was put back, and the caller reads again."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            "targets_keep_changing",
            "another program changed this file since it was read",
            where=Where(str(path)),
            next_step="close the program that writes it, then run this command again",
        )
        self.path = path
