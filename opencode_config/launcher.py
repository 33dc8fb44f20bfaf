"""What a launcher that starts opencode changes: the variables that it sets, and opencode's folders."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePath
from typing import Final, Iterator

# Variables that decide which config opencode resolves; those of the second kind contain no path.
_WITH_PATH: Final = ("OPENCODE_CONFIG", "OPENCODE_CONFIG_DIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "HOME")
_WITHOUT: Final = (
    *("OPENCODE_CONFIG_CONTENT", "OPENCODE_AUTH_CONTENT", "OPENCODE_PERMISSION"),
    *("OPENCODE_DISABLE_PROJECT_CONFIG", "OPENCODE_PURE", "USERPROFILE"),
)
_NAME: Final = "|".join(sorted((*_WITH_PATH, *_WITHOUT), key=len, reverse=True))
_SETS: Final = re.compile(
    # sh, bash, zsh and cmd (`export A='b'`, `A=b exec x`, `set "A=b"`), then fish and csh, Python and node.
    rf"(?:^|[\s;&(\"'])(?P<sh>{_NAME})=(?=(?P<a>.*))"
    rf"|\b(?:set\s+-\w+|setenv)\s+(?P<fish>{_NAME})\s+(?=(?P<b>.*))"
    rf"|\benv(?:iron)?(?:\.|\[[\"'])(?P<other>{_NAME})(?:[\"']\])?\s*=(?!=)\s*(?=(?P<c>.*))"
)
_COMMENT: Final = re.compile(r"\s*(?:#|//|rem\b|::)", re.IGNORECASE)
# A whole path with or without quotes, also as makeWrapper writes a default: `${NAME-'/path'}`.
_PATH: Final = re.compile(
    r"""["']?(?:\$\{\w+:?-)?["']?((?:/|~/|[A-Za-z]:\\)[\w./\\@+~-]*)["']?\}?["']?(?=[\s;&)]|$)"""
)
_NEXT: Final = re.compile(r"""^\s*(?:exec|&|command)\b.*?(?<![\w.$}~])["']?(/[^\s"'$]+)""")


@dataclass(frozen=True)
class Setting:
    """A variable that a launcher sets, and where; `value` is None if it is not a plain path."""

    name: str
    value: str | None
    file: PurePath
    line: int

    def __str__(self) -> str:
        value = f" to {self.value}" if self.value else ""
        return f"line {self.line} of {self.file} sets {self.name}{value}"


@dataclass(frozen=True)
class Launcher:
    """What starts opencode, if that is not opencode itself; `settings` are those found in its text."""

    path: PurePath
    readable: bool
    settings: tuple[Setting, ...] = ()

    def sets(self, *names: str) -> tuple[Setting, ...]:
        """The settings of these variables."""
        return tuple(setting for setting in self.settings if setting.name in names)


@dataclass(frozen=True)
class Folders:
    """The home and the global config folder that opencode itself names (`opencode debug paths`)."""

    home: PurePath
    config: PurePath


def settings(text: str, file: PurePath) -> Iterator[Setting]:
    """The variables that a script sets for the opencode that it starts, in order."""
    for number, line in enumerate(text.split("\n"), start=1):
        if len(line) > 4000 or _COMMENT.match(line):  # noqa: PLR2004 - not a line that somebody typed
            continue
        for match in _SETS.finditer(line):
            name = match["sh"] or match["fish"] or match["other"]
            path = _PATH.match((match["a"] or match["b"] or match["c"] or "").strip())
            yield Setting(name, path[1] if path and name in _WITH_PATH else None, file, number)


def started(text: str) -> str | None:
    """The program that the script replaces itself with (exec), if a whole path names it."""
    found = [match[1] for match in map(_NEXT.match, text.split("\n")) if match]
    return found[-1] if found else None
