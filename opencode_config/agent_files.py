"""Agents and commands in Markdown files: the few lines of front matter that decide which model they use.

opencode reads the front matter as YAML, and the resolved value comes from opencode. Here it only
serves to name the file and the line, so plain `key: value` lines are enough.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Final, Mapping

# Folder names, and what their files define.
_FOLDERS: Final = {
    "agent": "agent",
    "agents": "agent",
    "mode": "agent",
    "modes": "agent",
    "command": "command",
    "commands": "command",
}
FOLDERS: Final = tuple(_FOLDERS)
_LINE: Final = re.compile(r"^(model|mode|disable|hidden|name)\s*:\s*(.*?)\s*(?:\s#.*)?$")


@dataclass(frozen=True)
class Entry:
    """What a file defines: `values` under `name` under `kind` ("agent", "command"), and each key's line."""

    kind: str
    name: str
    values: Mapping[str, Any]
    lines: Mapping[str, int]


def entry(relative: PurePath, text: str) -> Entry:
    """What the file defines.

    `relative` is the path below the config folder, for example `agents/team/review.md`, whose agent is
    `team/review`.
    """
    lines = text.lstrip("\ufeff").splitlines()
    values: dict[str, Any] = {}
    numbers: dict[str, int] = {}
    name = "/".join(relative.with_suffix("").parts[1:])
    if lines and lines[0].rstrip() == "---":
        for number, line in enumerate(lines[1:], start=2):
            if line.rstrip() == "---":
                break
            match = _LINE.match(line)
            if match:
                values[match.group(1)] = _scalar(match.group(2))
                numbers[match.group(1)] = number
    name = str(values.pop("name", name))
    if relative.parts[0] in {"mode", "modes"}:
        values["mode"] = "primary"
    return Entry(_FOLDERS[relative.parts[0]], name, values, numbers)


def is_entry_file(relative: PurePath) -> bool:
    """Whether opencode reads the file as an agent or a command: at any depth, in `mode(s)` only directly."""
    parts = relative.parts
    if relative.suffix != ".md" or len(parts) < 2 or parts[0] not in _FOLDERS:  # noqa: PLR2004
        return False
    return parts[0] not in {"mode", "modes"} or len(parts) == 2  # noqa: PLR2004


def _scalar(text: str) -> Any:
    if text in {"true", "false"}:
        return text == "true"
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1]
    return text
