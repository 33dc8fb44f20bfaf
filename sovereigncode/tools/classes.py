"""The classes of tool calls, in the order of strictness, and what was read from a call."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from pathlib import PurePosixPath


class ToolClass(IntEnum):
    """What a tool call does; a higher number is stricter, and of several parts the strictest counts."""

    READ = 0
    PLAN = 1
    FILE_WRITE = 2
    SHELL = 3
    NETWORK = 4
    DELETE = 5
    COMMIT = 6
    PUBLISH = 7
    UNKNOWN = 8

    @property
    def word(self) -> str:
        """The name in policies, approvals and records: `file_write`."""
        return self.name.lower()


@dataclass(frozen=True)
class Part:
    """One thing that a call does: its class, and a few words such as `git push`."""

    tool_class: ToolClass
    what: str


@dataclass(frozen=True)
class Write:
    """A path that a command writes, moves or removes.

    `folders` are those that a relative path may start from; empty if that is not known. `pattern`: the path
    has wildcards. `whole`: everything below it is affected too.
    """

    path: str
    folders: tuple[PurePosixPath, ...] = ()
    pattern: bool = False
    whole: bool = False


@dataclass(frozen=True)
class Reading:
    """What was read from a call: its parts in order, and the paths that it is known to change."""

    parts: tuple[Part, ...] = ()
    writes: tuple[Write, ...] = ()

    @property
    def tool_class(self) -> ToolClass:
        """The strictest class among the parts; unknown if there are none."""
        return max((part.tool_class for part in self.parts), default=ToolClass.UNKNOWN)

    @property
    def classes(self) -> frozenset[ToolClass]:
        """Every class that a part has: a policy may treat a milder class more strictly."""
        return frozenset(part.tool_class for part in self.parts)

    def __add__(self, other: Reading) -> Reading:
        return Reading(self.parts + other.parts, self.writes + other.writes)


NOTHING = Reading()


def one(tool_class: ToolClass, what: str, *writes: Write) -> Reading:
    """A reading with a single part."""
    return Reading((Part(tool_class, what),), writes)


def unknown(why: str) -> Reading:
    """A reading of what is not understood; `why` finishes the sentence "this is unknown: ..."."""
    return one(ToolClass.UNKNOWN, why)
