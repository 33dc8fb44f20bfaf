"""The fixture of a home with marama-route in it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.unit.marama_route.counter import Counter


@pytest.fixture
def counter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Counter:
    """A throw-away home and project; the places are those of Linux on every system."""
    monkeypatch.setattr(sys, "platform", "linux")
    return Counter(tmp_path, monkeypatch, capsys)
