"""What is known about a process."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Process:
    """A process at one moment.

    `start_time` is the same at each reading and differs across reboots; it and `executable` are None if the
    system does not tell them.
    """

    pid: int
    parent: int
    start_time: str | None
    executable: str | None
    name: str
