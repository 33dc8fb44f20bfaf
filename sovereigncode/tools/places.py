"""Which paths a tool call may change: in the workspace, not in `.sovereigncode`; by their text alone."""

from __future__ import annotations

import re
import unicodedata
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import Final, Iterable

from sovereigncode.tools.classes import Write

PROTECTED: Final = ".sovereigncode"
# What Windows calls it in eight letters: the first six letters and a number, or two letters and a sum of
# the name.
_SHORT_NAME: Final = re.compile(r"(?:sover[e]?|so[0-9a-f]{4})~\d+", re.ASCII)
# HFS+ leaves these out when it compares names (git's utf8.c, CVE-2014-9390, has the list).
_IGNORED: Final = dict.fromkeys(
    [*range(0x200C, 0x2010), *range(0x202A, 0x202F), *range(0x206A, 0x2070), 0xFEFF], None
)
_DRIVE: Final = re.compile(r"[A-Za-z]:")
_GIT_BASH_DRIVE: Final = re.compile(r"^/([A-Za-z])(?=/|$)")
# Without one of these no part of an ASCII text can be the name.
_HINTS: Final = re.compile(r"sov|so\w{4}~|[*?\[]", re.IGNORECASE)
_LONGEST_SHOWN: Final = 200
_WILDCARDS: Final = re.compile(r"[*?\[]")
# What may stand around a path in an argument: `--output=PATH`, `open('PATH')`, `user@host:PATH`.
_AROUND: Final = re.compile(r"[\0\s/\\'\"`=:,;()\[\]{}<>|&]+")


def is_protected(part: str, *, pattern: bool = False) -> bool:
    """Whether some file system may take this part of a path for `.sovereigncode`."""
    name = unicodedata.normalize("NFKC", part.translate(_IGNORED)).casefold()
    name = name.partition(":")[0].strip().rstrip(". ")
    if name == PROTECTED or _SHORT_NAME.fullmatch(name):
        return True
    return pattern and name.startswith(".") and bool(_WILDCARDS.search(name)) and fnmatchcase(PROTECTED, name)


def parts_of(path: str) -> list[str]:
    """The parts of a path, split where any system splits it."""
    return [part for part in re.split(r"[/\\]", path) if part not in ("", ".")]


def mentions_protected(text: str, *, pattern: bool = False) -> bool:
    """Whether an argument has the folder's name anywhere in it as a part of a path."""
    if text.isascii() and not _HINTS.search(text):
        return False
    return any(is_protected(part, pattern=pattern) for part in _AROUND.split(text))


def plain_path(path: str, root: PurePosixPath) -> PurePosixPath:
    """A path as its text says: absolute, without `.` and `..`; relative ones begin at the root."""
    if _DRIVE.match(str(root)):
        # A workspace on Windows: `C:\\x`, `c:/x` and Git Bash's `/c/x` are the same.
        path = path.replace("\\", "/")
        path = _GIT_BASH_DRIVE.sub(lambda found: f"{found[1]}:", path, count=1)
    whole = PurePosixPath(path) if path.startswith("/") or _DRIVE.match(path) else root / path
    parts: list[str] = []
    for part in whole.parts:
        if part == ".." and parts and parts[-1] not in ("/", "//"):
            parts.pop()
        elif part != "..":
            parts.append(part)
    return PurePosixPath(*parts)


def inside(path: PurePosixPath, root: PurePosixPath) -> bool:
    """Whether the path is the root or below it; drives are compared without their case."""
    if _DRIVE.match(str(root)):
        path, root = PurePosixPath(str(path).casefold()), PurePosixPath(str(root).casefold())
    return path == root or root in path.parents


def wrong_with(write: Write, root: PurePosixPath) -> str | None:
    """Why this path may not be changed, or None; links are not followed here."""
    if any(is_protected(part, pattern=write.pattern) for part in parts_of(write.path)):
        return _protected(write)
    for folder in write.folders or ():
        place = plain_path(str(folder / write.path) if not _absolute(write.path) else write.path, root)
        if any(is_protected(part) for part in place.parts):
            return _protected(write)
        if not inside(place, root):
            return f"{shown(write.path)} is outside the workspace"
        if write.whole and inside(root, place):
            return f"{shown(write.path)} is the workspace itself, with its {PROTECTED}"
    if not write.folders and _absolute(write.path) and not inside(plain_path(write.path, root), root):
        return f"{shown(write.path)} is outside the workspace"
    return None


def _protected(write: Write) -> str:
    if write.path == PROTECTED:
        return f"no tool call may change {PROTECTED}"
    return f"{shown(write.path)} is in {PROTECTED}, which no tool call may change"


def shown(text: str, longest: int = _LONGEST_SHOWN) -> str:
    """A text from a call on one line: without control characters, and not longer than `longest`."""
    line = "".join(char if char.isprintable() else "?" for char in text[: longest + 1])
    return line if len(line) <= longest else f"{line[: longest - 3]}..."


def _absolute(path: str) -> bool:
    return path.startswith(("/", "\\")) or bool(_DRIVE.match(path))


def wrong_with_any(writes: Iterable[Write], root: PurePosixPath) -> list[str]:
    """What is wrong with each of these, once."""
    return list(dict.fromkeys(why for write in writes if (why := wrong_with(write, root))))
