"""The sessions that docs/ux.md shows, and the objects that docs/json.md shows: real runs, told in order."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.sessions.desk import Desk
    from tests.sessions.screen import Screen

PROMPT = "]: "


@dataclass(frozen=True)
class Story:
    """A transcript: `command` as it is typed, `text` as the screen then shows it."""

    name: str
    command: str
    text: str


def tell(desk: Desk) -> list[Story]:
    """First setup, rerun, undone, blocked, fixed, uninstalled, one after the other on one machine."""
    machine = desk.machine
    stories = [
        _session(desk, "first", (), "", "", machine.key, "y", ends=0),
        _session(desk, "rerun", (), "", "", ends=0),
        _session(desk, "undone", ("undo",), "y", ends=0),
    ]
    machine.project_config.write_text(
        '{\n  "$schema": "https://opencode.ai/config.json",\n  "model": "other/model"\n}\n', encoding="utf-8"
    )
    stories.append(_session(desk, "blocked", ("--scope", "user"), "1", "y", "5", ends=6))
    stories.append(_session(desk, "fixed", ("--scope", "user"), "1", "y", "2", "y", ends=0))
    machine.project_config.unlink()
    done = machine.run_setup("--scope", "user", "--yes")
    assert done.status == 0, done.output
    stories.append(_session(desk, "uninstalled", ("uninstall",), "y", ends=0))
    return stories


def _session(desk: Desk, name: str, arguments: tuple[str, ...], *answers: str, ends: int) -> Story:
    screen: Screen = desk.sit(*arguments)
    for answer in answers:
        screen.answer(PROMPT, answer)
    assert screen.end() == ends, screen.text
    return Story(name, " ".join(("gonkagate-setup", *arguments)), desk.homely(screen).strip("\n"))


def objects(desk: Desk) -> list[Story]:
    """A success, a block and a refusal with --json."""
    machine = desk.machine
    chosen = ("--model", "kimi-k2.6", "--scope", "user", "--json")
    blocking = {"OPENCODE_CONFIG_CONTENT": '{"disabled_providers": ["gonkagate"]}'}
    found = []
    for name, arguments, environ in (
        ("success", chosen, {"GONKAGATE_API_KEY": machine.key}),
        ("session", chosen, blocking),
        ("refused", ("--model", "kimi-k2.6", "--json"), {}),
    ):
        done = machine.run_setup(*arguments, env=environ)
        text = json.dumps(json.loads(done.stdout), indent=2)
        text = re.sub(r'("(?:productVersion|version)": )"[^"]+"', r'\1"<version>"', desk.at_home(text))
        found.append(Story(name, " ".join(("gonkagate-setup", *arguments)), text))
    return found
