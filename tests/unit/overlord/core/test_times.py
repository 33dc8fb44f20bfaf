"""Times are UTC with milliseconds, and read back."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from overlord.core import times
from tests.support.overlord_runs import AT, NOW


def test_a_stamp_is_utc_and_reads_back() -> None:
    assert times.stamp(NOW) == AT == "2026-11-27T11:38:00.123Z"
    assert times.stamp(NOW.astimezone(timezone(timedelta(hours=5)))) == AT
    assert times.parsed(AT) == NOW


@pytest.mark.parametrize(
    "text", [None, 7, "", "Z", "now", "2026-11-27T11:38:00.123", "2026-13-27T11:38:00.123Z", AT + "Z"]
)
def test_anything_else_is_no_time(text: object) -> None:
    assert times.parsed(text) is None
    assert times.between(text, AT) == 0.0


def test_between() -> None:
    later = times.stamp(datetime(2026, 11, 27, 11, 38, 2, tzinfo=timezone.utc))
    assert times.between(AT, later) == pytest.approx(1.877)
    assert times.between(later, AT) == 0.0
