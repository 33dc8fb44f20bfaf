"""Who may read the key: set and read back, one module per family of systems."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from gonkagate_setup.system.host import Host


@dataclass(frozen=True)
class Status:
    """Whether a file or folder is for its user alone, as read back from the system.

    `detail` is for a report, half sentences with "; " between them, empty where all is well. `repairable`
    says whether `apply` can help with any of it; it cannot where the file system keeps no modes or another
    user owns the folder above.
    """

    ok: bool
    detail: str = ""
    repairable: bool = False


class Protection(Protocol):
    """What a family of systems can do for a private file."""

    def inspect(self, path: Path) -> Status:
        """Read back who may use the file or folder. Never raises; a missing one is not ok."""

    def apply(self, path: Path) -> Status:
        """Make the file or folder its user's alone, and read back whether that held. Raises OSError."""

    def record(self, path: Path) -> str:
        """The present state, for `restore`. Raises OSError."""

    def restore(self, path: Path, recorded: str) -> None:
        """Put a recorded state back. Raises OSError."""


def for_host(host: Host) -> Protection:
    """The protection that this machine has."""
    if host.windows:
        from gonkagate_setup.system.protection.windows import WindowsProtection

        return WindowsProtection()
    from gonkagate_setup.system.protection.posix import PosixProtection

    return PosixProtection(host)
