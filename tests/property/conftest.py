"""How many examples a property gets: 100, with --deep 5,000; some ask for four times that."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

FAST = 100
DEEP = 5_000


def pytest_configure(config: pytest.Config) -> None:
    slow = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    settings.register_profile("fast", max_examples=FAST, deadline=None, suppress_health_check=slow)
    settings.register_profile("deep", max_examples=DEEP, deadline=None, suppress_health_check=slow)
    settings.load_profile("deep" if config.getoption("--deep") else "fast")
