"""A traceparent is passed on only if it has the form of one (W3C Trace Context, 3.2)."""

from __future__ import annotations

import pytest

from marama_route.core.headers import traceparent

GOOD = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_one_of_the_right_form_is_passed_on() -> None:
    assert traceparent(GOOD) == GOOD


@pytest.mark.parametrize(
    "text", [None, "", "the patient is Ada", f"{GOOD} x", GOOD.upper(), GOOD[:-1], f"{GOOD}\n", "00-" * 18]
)
def test_anything_else_is_not(text: str | None) -> None:
    assert traceparent(text) is None
