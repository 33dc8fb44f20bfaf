"""When a request is tried again: `Retry-After` in all its forms, else about 1 s and 2 s."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from overlord.core.retry_policy import TRIED_AGAIN, pause_before_next

NOW = datetime(2026, 11, 27, 11, 38, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("headers", "pause"),
    [
        ({}, 1.0),
        ({"retry-after": "3"}, 3.0),
        ({"retry-after": " 0 "}, 0.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after-ms": "250"}, 0.25),
        ({"retry-after-ms": "250", "retry-after": "3"}, 0.25),
        ({"retry-after-ms": "soon", "retry-after": "3"}, 3.0),
        ({"retry-after": "-1"}, 1.0),
        ({"retry-after": "soon"}, 1.0),
        ({"retry-after": ""}, 1.0),
        ({"retry-after": "\u0663"}, 1.0),
        ({"retry-after": "Fri, 27 Nov 2026 11:38:07 GMT"}, 7.0),
        ({"retry-after": "Fri, 27 Nov 2026 11:37:00 GMT"}, 0.0),
        ({"retry-after": "Fri, 27 Nov 2026 11:38:07"}, 7.0),
        ({"retry-after": "60"}, None),
        ({"retry-after": "9" * 40}, None),
        ({"retry-after": "nan"}, 1.0),
        ({"retry-after": "inf"}, 1.0),
        ({"retry-after": "Fri, 27 Nov 99999 11:38:07 GMT"}, 1.0),
    ],
)
def test_the_first_pause(headers: dict[str, str], pause: float | None) -> None:
    assert pause_before_next(1, headers, NOW, 60.0) == pause


def test_later_pauses() -> None:
    assert pause_before_next(2, {}, NOW, 60.0) == 2.0
    assert pause_before_next(3, {}, NOW, 60.0) is None
    assert pause_before_next(3, {"retry-after": "0"}, NOW, 60.0) is None
    assert pause_before_next(2, {}, NOW, 2.0) is None


def test_what_may_have_been_billed_is_not_tried_again() -> None:
    assert {408, 429, 500, 502, 503, 504} == TRIED_AGAIN
