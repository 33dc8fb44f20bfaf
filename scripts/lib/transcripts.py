"""What the docs show of real runs: docs/ux.md, docs/session.svg and the examples in docs/json.md.

scripts/write_docs.py writes them. Every session is held on a pseudo-terminal of a throw-away machine with the
newest supported opencode and the stand-in service.
"""

from __future__ import annotations

import re
import tempfile
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Final, Sequence

from scripts.lib import cache

if TYPE_CHECKING:
    from tests.sessions.stories import Story

DOCS: Final = cache.ROOT / "docs"
_PICTURE_COLUMNS: Final = 82
_TEXT_STYLE: Final = "font:14px ui-monospace,Menlo,Consolas,monospace;fill:#e6e6e6;white-space:pre"
_CELL_WIDTH, _LINE_HEIGHT, _MARGIN = 8.4, 19, 16


def pages(sessions: Sequence[Story], objects: Sequence[Story]) -> dict[Path, str]:
    """Each file of the docs as it has to be, given these runs."""
    ux, contract = DOCS / "ux.md", DOCS / "json.md"
    return {
        ux: _filled(ux.read_text(encoding="utf-8"), sessions, "console"),
        contract: _filled(contract.read_text(encoding="utf-8"), objects, "json"),
        DOCS / "session.svg": picture(sessions[0]),
    }


def _filled(page: str, stories: Sequence[Story], language: str) -> str:
    """`page` with each story in the block after its mark, `<!-- story: NAME -->`."""
    for story in stories:
        shown = f"$ {story.command}\n{story.text}" if language == "console" else story.text
        block = f"<!-- story: {story.name} -->\n```{language}\n{shown}\n```\n"
        pattern = rf"<!-- story: {story.name} -->\n(```\w+\n.*?\n```\n)?"
        page, count = re.subn(pattern, lambda _, block=block: block, page, flags=re.DOTALL)  # type: ignore[misc]
        if count != 1:
            raise ValueError(f"the page has {count} places for the story {story.name!r}")
    return page


def picture(story: Story) -> str:
    """The session as SVG: text on a dark ground, readable by a screen reader and in any width."""
    lines = [f"$ {story.command}", *story.text.split("\n")]
    width = round(_PICTURE_COLUMNS * _CELL_WIDTH + 2 * _MARGIN)
    height = len(lines) * _LINE_HEIGHT + 2 * _MARGIN
    rows = "\n".join(
        f'<text x="{_MARGIN}" y="{_MARGIN + _LINE_HEIGHT * number - 5}">{escape(line, quote=False)}</text>'
        for number, line in enumerate(lines, 1)
        if line
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'xml:space="preserve">\n'
        f"<title>A first setup, as recorded by scripts/write_docs.py</title>\n"
        f"<style>text{{{_TEXT_STYLE}}}</style>\n"
        f'<rect width="100%" height="100%" rx="8" fill="#1b1f24"/>\n{rows}\n</svg>\n'
    )


def record() -> tuple[list[Story], list[Story]]:
    """The sessions and the JSON objects that the docs show, from real runs; needs the tests' packages."""
    from tests.sessions.desk import desk_with
    from tests.sessions.stories import objects, tell
    from tests.stand_in import HOST, Authority, StandIn

    with tempfile.TemporaryDirectory() as folder, StandIn(Authority(Path(folder), HOST)) as service:
        with desk_with(service) as desk:
            sessions = tell(desk)
        with desk_with(service) as desk:
            return sessions, objects(desk)
