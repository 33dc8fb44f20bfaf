"""The table of errors: what each client makes of a type is part of the contract with it."""

from __future__ import annotations

import pytest

from marama_route.core.errors import CODES


@pytest.mark.parametrize(
    "code", [code for code, kind in CODES.items() if kind.status in (400, 403, 413, 422)]
)
def test_what_must_not_be_sent_again_has_the_type_at_which_litellm_and_aider_stop(code: str) -> None:
    assert CODES[code].type == "invalid_request_error"


def test_what_may_be_sent_again_says_when() -> None:
    assert {code for code, kind in CODES.items() if kind.retry_after} == {
        *("rate_limited", "backend_failed", "backend_timeout", "not_ready"),
    }
