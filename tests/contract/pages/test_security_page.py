"""docs/security.md names tests that exist and numbers that are the code's."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

from foundation.transaction import backups, lock
from gonkagate_setup.catalog import GONKAGATE
from gonkagate_setup.store import Store

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")


def test_every_test_on_the_page_exists() -> None:
    named = re.findall(r"`((?:\w+/)*\w+\.py)`", PAGE)
    assert len(named) > 10
    assert [name for name in named if not (ROOT / "tests" / name).is_file()] == []


def test_the_numbers_are_the_codes() -> None:
    assert f"the newest {backups.KEPT} are kept" in PAGE
    seconds = inspect.signature(lock).parameters["wait_seconds"].default
    assert f"waits {seconds:g} s" in PAGE


def test_the_places_are_the_codes() -> None:
    store = Store.at(Path("/h"), GONKAGATE)
    for path in (store.key, store.lock, store.journal, store.backups):
        assert f"~/{path.relative_to(store.home).as_posix()}" in PAGE
