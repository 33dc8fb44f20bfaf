"""docs/layers.md shows the places in opencode's order, each by a path that a person can follow."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[3] / "docs" / "layers.md"

# Written by hand from what opencode 1.18.33 does; neither the generator nor places.py has a part in it.
EVERY = "durable, fresh, session"
PLACES = [
    ("well_known", "auth.json", EVERY),
    ("user_config", "~/.config/opencode/config.json", EVERY),
    ("user_config", "~/.config/opencode/opencode.json", EVERY),
    ("user_config", "~/.config/opencode/opencode.jsonc", EVERY),
    ("OPENCODE_CONFIG", "$OPENCODE_CONFIG", "durable, session"),
    ("project_config", "<work tree>/opencode.json", EVERY),
    ("project_config", "<work tree>/opencode.jsonc", EVERY),
    ("project_config", "<work tree>/nested/opencode.json", EVERY),
    ("project_config", "<work tree>/nested/opencode.jsonc", EVERY),
    ("agent_markdown", "~/.config/opencode", EVERY),
    ("dot_opencode", "<work tree>/nested/.opencode/opencode.json", EVERY),
    ("dot_opencode", "<work tree>/nested/.opencode/opencode.jsonc", EVERY),
    ("agent_markdown", "<work tree>/nested/.opencode", EVERY),
    ("dot_opencode", "<work tree>/.opencode/opencode.json", EVERY),
    ("dot_opencode", "<work tree>/.opencode/opencode.jsonc", EVERY),
    ("agent_markdown", "<work tree>/.opencode", EVERY),
    ("home_dot_opencode", "~/.opencode/opencode.json", EVERY),
    ("home_dot_opencode", "~/.opencode/opencode.jsonc", EVERY),
    ("agent_markdown", "~/.opencode", EVERY),
    ("OPENCODE_CONFIG_DIR", "$OPENCODE_CONFIG_DIR/opencode.json", "durable, session"),
    ("OPENCODE_CONFIG_DIR", "$OPENCODE_CONFIG_DIR/opencode.jsonc", "durable, session"),
    ("agent_markdown", "$OPENCODE_CONFIG_DIR", "durable, session"),
    ("OPENCODE_CONFIG_CONTENT", None, "session"),
    ("organisation_account", None, EVERY),
    ("system_managed_config", "/Library/Application Support/opencode/opencode.json", EVERY),
    ("system_managed_config", "/Library/Application Support/opencode/opencode.jsonc", EVERY),
    ("managed_preferences", "/Library/Managed Preferences/<user>/ai.opencode.managed.plist", EVERY),
    ("managed_preferences", "/Library/Managed Preferences/ai.opencode.managed.plist", EVERY),
    ("plugin", "config", EVERY),
]
AGENTS = "`{0}/{{agent,agents,command,commands}}/**/*.md`, `{0}/{{mode,modes}}/*.md`"


def rows() -> list[tuple[str, str, str]]:
    text = PAGE.read_text(encoding="utf-8")
    found = re.findall(r"^\| \d+ \| `(\w+)` \| (.+) \| ([a-z, ]+) \|$", text, flags=re.MULTILINE)
    assert len(found) == text.split("<!-- end of table -->")[0].count("\n| ") - 2
    return found


def test_no_row_has_a_root_twice() -> None:
    for _, where, _ in rows():
        for path in re.findall(r"`([^`]+)`", where):
            roots = re.findall(r"~|<work tree>|\$OPENCODE_CONFIG(?:_DIR)?|/Library", path)
            assert len(roots) <= 1, path
            assert not roots or path.startswith(roots[0]), path


def test_the_places_are_opencodes() -> None:
    assert [(layer, read) for layer, _, read in rows()] == [(layer, read) for layer, _, read in PLACES]
    for (layer, shown, _), (_, place, _) in zip(rows(), PLACES):
        if layer == "agent_markdown":
            assert shown == AGENTS.format(place)
        elif place is not None and "/" in place:
            assert shown == f"`{place}`"
        else:
            assert place is None or f"`{place}`" in shown
