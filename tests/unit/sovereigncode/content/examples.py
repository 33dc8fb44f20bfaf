"""Examples without a time limit: a busy machine is not a fault. tests/property has a profile for that."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
