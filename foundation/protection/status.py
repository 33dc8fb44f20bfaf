"""What was read back about who may use a file."""

from __future__ import annotations

from dataclasses import dataclass


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
