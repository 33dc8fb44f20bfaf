"""A workspace with a capsule and a file."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path.resolve() / "shop"
    (folder / ".sovereigncode").mkdir(parents=True)
    (folder / ".sovereigncode" / "capsule.json").write_text("{}\n")
    (folder / "src").mkdir()
    (folder / "src" / "a.py").write_text("one\ntwo\nthree\n")
    return folder
