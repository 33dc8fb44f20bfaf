"""Who may use a file, as read back from the system."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Status:
    """Whether only its user may use a file or folder, as read back from the system.

    `detail` is for a report: half sentences with "; " between them, empty if all is well. `repairable`
    says whether `apply` can help with any of it; it cannot if the file system keeps no modes or another
    user owns the folder above.
    """

    ok: bool
    detail: str = ""
    repairable: bool = False
