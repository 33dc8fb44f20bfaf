"""A throw-away machine with a person at its terminal, and stored screens."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Callable, Iterator

import pytest

from tests.stand_in import StandIn

if TYPE_CHECKING:
    from tests.sessions.desk import Desk

EXPECTED = Path(__file__).parent / "expected"
# scripts/write_docs.py sets it; it names every file that it changed.
_UPDATE = "UPDATE_SCREENS"
_REMEDY = "if that is what you want: python3 scripts/write_docs.py --write --only stored-screens"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "matches" in getattr(item, "fixturenames", ()):
            item.add_marker("screens")


@pytest.fixture
def desk(stand_in: StandIn) -> Iterator[Desk]:
    """Somebody at the terminal of a throw-away machine with the newest opencode."""
    from tests.sessions.desk import desk_with

    with desk_with(stand_in) as made:
        yield made


@pytest.fixture
def quick_desk(stand_in: StandIn) -> Iterator[Desk]:
    """The same with an opencode that only resolves configs, for what is about the screen."""
    from tests.sessions.desk import desk_with

    with desk_with(stand_in, quick=True) as made:
        yield made


@pytest.fixture
def matches() -> Callable[[str, str], None]:
    """Compare a text with the stored one of that name; scripts/write_docs.py has it stored instead."""

    def compare(text: str, name: str) -> None:
        path = EXPECTED / f"{name}.txt"
        if os.environ.get(_UPDATE):
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
            return
        assert text == path.read_text(encoding="utf-8"), f"{name}; {_REMEDY}"

    return compare
