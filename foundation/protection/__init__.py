"""Who may read the key: set and read back, one module per family of systems."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from foundation.host import Host
from foundation.protection.status import Status


class Protection(Protocol):
    """What a family of systems can do for a private file."""

    def inspect(self, path: Path) -> Status:
        """Read back who may use the file or folder. Never raises; a missing one is not ok."""

    def apply(self, path: Path) -> Status:
        """Restrict the file or folder to its user, and read back whether that worked. Raises OSError."""

    def record(self, path: Path) -> str:
        """The current state, for `restore`. Raises OSError."""

    def restore(self, path: Path, recorded: str) -> None:
        """Put a recorded state back. Raises OSError."""


def for_host(host: Host) -> Protection:
    """The protection that this machine has."""
    if host.windows:
        from foundation.protection.windows import WindowsProtection

        return WindowsProtection()
    from foundation.protection.posix import PosixProtection

    return PosixProtection(host)
