"""What a command has stored so far, for the report of one that failed."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Changes:
    """What this command has stored: the ids of the runs that it changed, and of the run that it made."""

    changed: list[str] = field(default_factory=list)
    made: str | None = None
