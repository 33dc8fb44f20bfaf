"""The fixture of a desk with the program on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.sovereigncode.folders import Desk


@pytest.fixture
def sov(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Desk:
    """A throw-away home and project."""
    return Desk(tmp_path, monkeypatch, capsys)
