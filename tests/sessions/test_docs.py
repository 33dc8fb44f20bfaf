"""docs/ux.md, docs/session.svg and the examples in docs/json.md are what the program really shows."""

from __future__ import annotations

from scripts.lib import transcripts
from tests.sessions import stories
from tests.sessions.desk import desk_with
from tests.stand_in import StandIn


def test_the_docs_show_what_the_program_shows(stand_in: StandIn) -> None:
    with desk_with(stand_in) as desk:
        sessions = stories.tell(desk)
    with desk_with(stand_in) as desk:
        objects = stories.objects(desk)
    for path, text in transcripts.pages(sessions, objects).items():
        remedy = "run: python3 scripts/write_docs.py --write --only screens"
        assert path.read_text(encoding="utf-8") == text, remedy
