"""A file as it was read once: the value that planning, previewing and re-checking all use."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath


@dataclass(frozen=True)
class Snapshot:
    """One file at one instant.

    `path` is the given name, `real` the file with every symbolic link resolved (the one that a
    write replaces). `data` is None if there is no file; then `mode` (permission bits), `owner`
    ((uid, gid), None on Windows) and `identity` ((device, inode, size, mtime in ns)) are None too. `links`
    is how many names the file has.
    """

    path: PurePath
    real: PurePath
    data: bytes | None
    mode: int | None = None
    owner: tuple[int, int] | None = None
    identity: tuple[int, int, int, int] | None = None
    links: int = 1

    @property
    def exists(self) -> bool:
        """Whether there was a file."""
        return self.data is not None

    @property
    def leads_to(self) -> str | None:
        """The real file if links lead to it, None if the name is the file itself."""
        return None if self.real == self.path else str(self.real)
