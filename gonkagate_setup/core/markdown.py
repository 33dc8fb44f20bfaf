"""Agents in Markdown files: the few lines of front matter that decide which model an agent uses.

opencode reads the front matter as YAML; the value that it made of it comes from opencode. Here it only
serves to name the file and the line, so plain `key: value` lines are enough.
"""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import Any, Final

_LINE: Final = re.compile(r"^(model|mode|disable|hidden|name)\s*:\s*(.*?)\s*(?:\s#.*)?$")
_FOLDERS: Final = {"agent", "agents", "mode", "modes"}


def agent_entry(relative: PurePath, text: str) -> tuple[str, dict[str, Any], dict[str, int]]:
    """The agent that the file defines: its name, its entry under `agent`, and the line of each key.

    `relative` is the path below the config folder, for example `agents/team/review.md`, whose agent is
    `team/review`.
    """
    lines = text.lstrip("\ufeff").splitlines()
    entry: dict[str, Any] = {}
    numbers: dict[str, int] = {}
    name = "/".join(relative.with_suffix("").parts[1:])
    if lines and lines[0].rstrip() == "---":
        for number, line in enumerate(lines[1:], start=2):
            if line.rstrip() == "---":
                break
            match = _LINE.match(line)
            if match:
                entry[match.group(1)] = _scalar(match.group(2))
                numbers[match.group(1)] = number
    name = str(entry.pop("name", name))
    if relative.parts[0] in {"mode", "modes"}:
        entry["mode"] = "primary"
    return name, entry, numbers


def entry_path(name: str, key: str) -> tuple[str, ...]:
    """Where opencode puts a key of the agent."""
    return ("agent", name, key)


def is_agent_file(relative: PurePath) -> bool:
    """Whether opencode takes the file for an agent: any depth below `agent(s)`, one below `mode(s)`."""
    parts = relative.parts
    if relative.suffix != ".md" or len(parts) < 2 or parts[0] not in _FOLDERS:  # noqa: PLR2004
        return False
    return parts[0] in {"agent", "agents"} or len(parts) == 2  # noqa: PLR2004


def _scalar(text: str) -> Any:
    if text in {"true", "false"}:
        return text == "true"
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1]
    return text
