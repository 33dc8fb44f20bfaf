"""How many examples each property gets: a hundred in the normal run, 5,000 with --deep (four times that where asked)."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings


def pytest_configure(config: pytest.Config) -> None:
    slow = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    settings.register_profile("fast", max_examples=100, deadline=None, suppress_health_check=slow)
    settings.register_profile("deep", max_examples=5_000, deadline=None, suppress_health_check=slow)
    settings.load_profile("deep" if config.getoption("--deep") else "fast")
