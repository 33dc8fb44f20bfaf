"""A store of each kind for a test."""

from __future__ import annotations

from pathlib import Path
from typing import Iterator

import pytest

from marama_route.store.store import Store
from tests.faults.marama_route.store.shelves import KINDS, Shelf, SqliteShelf


@pytest.fixture(params=KINDS)
def shelf(request: pytest.FixtureRequest, roots: Iterator[Path]) -> Iterator[Shelf]:
    """A place for a store of each kind in turn, in memory: nothing here needs a disk."""
    made = KINDS[request.param](next(roots))
    yield made
    made.close()


@pytest.fixture
def store(shelf: Shelf) -> Store:
    """A store of each kind in turn."""
    return shelf.opened()


@pytest.fixture
def sqlite(roots: Iterator[Path]) -> Iterator[SqliteShelf]:
    """A place for a SQLite file."""
    made = SqliteShelf(next(roots))
    yield made
    made.close()
