"""The values of verification: a line, the end of a chain, and the verdict."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

from foundation.errors import Where


class Why(str, Enum):
    """What is wrong with a line."""

    CHANGED = "changed"
    MISSING = "missing"
    OUT_OF_ORDER = "out of order"
    CUT_OFF = "cut off"
    MADE_TWICE = "made twice"


@dataclass(frozen=True)
class End:
    """The newest record of a chain: its `seq` (0: there is none) and its `hash`."""

    seq: int = 0
    hash: str | None = None


@dataclass(frozen=True)
class Known:
    """What is remembered outside about the end of a chain.

    The chain ends at `end`; while `upcoming` is set, records up to that one are being written, so it ends
    somewhere between the two. What is up to the record `since` was found when remembering began: whoever
    brought the workspace here may have written it.
    """

    end: End
    upcoming: End | None = None
    since: int = 0

    @property
    def last(self) -> End:
        """The furthest end that is possible."""
        return self.upcoming or self.end


@dataclass(frozen=True)
class Line:
    """One line. `name` is its file, `number` counts from 1 in it; `ended` is whether a line end follows."""

    name: str
    number: int
    data: bytes
    ended: bool = True


@dataclass(frozen=True)
class Fault:
    """The first line that does not hold: where, which `seq` should be there, why, and a sentence about it."""

    where: Where
    seq: int
    why: Why
    message: str


@dataclass(frozen=True)
class Verdict:
    """`fault` is None if the chain holds.

    `end` is the last record that holds. `remembered` is whether the end was known outside; without that, a
    cut end cannot be noticed. `unfinished` is whether half a line follows, left by a process that was killed.
    """

    end: End
    fault: Fault | None = None
    remembered: bool = False
    unfinished: bool = False

    @property
    def holds(self) -> bool:
        """Whether every line is as it was written, and none is missing."""
        return self.fault is None

    def as_json(self) -> dict[str, Any]:
        """For `--json`: `holds`, `records`, `head`, `remembered`, `unfinished`, and the fault or null."""
        fault = self.fault
        return {
            "holds": self.holds,
            "records": self.end.seq,
            "head": self.end.hash,
            "remembered": self.remembered,
            "unfinished": self.unfinished,
            "fault": None
            if fault is None
            else {
                "file": fault.where.name,
                "line": fault.where.line,
                "seq": fault.seq,
                "why": fault.why.value,
                "message": fault.message,
            },
        }
