"""A workspace with a capsule, and how many examples a property gets: 100, with --deep 2,000."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

FAST, DEEP = 100, 2_000


def pytest_configure(config: pytest.Config) -> None:
    slow = list(HealthCheck)
    settings.register_profile("tools", max_examples=FAST, deadline=None, suppress_health_check=slow)
    settings.register_profile("tools-deep", max_examples=DEEP, deadline=None, suppress_health_check=slow)
    settings.load_profile("tools-deep" if config.getoption("--deep") else "tools")


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path.resolve() / "shop"
    (folder / ".sovereigncode").mkdir(parents=True)
    (folder / ".sovereigncode" / "capsule.json").write_text("{}\n")
    (folder / "src").mkdir()
    (folder / "src" / "a.py").write_text("one\ntwo\nthree\n")
    return folder
