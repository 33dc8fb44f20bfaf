"""The table of errors: what each client makes of a type is part of the contract with it."""

from __future__ import annotations

import json
import random
import re

import pytest

from marama_route import wire
from marama_route.core.errors import CODES, RequestRefusal, envelope

# The first three of opencode 1.18.33's patterns for what it sends again, as they are in its program.
OPENCODE = (
    re.compile("429|500|502|503|504|524", re.IGNORECASE),
    re.compile(
        "rate increased too quickly|rate limit|rate-limit|rate_limit|too many requests", re.IGNORECASE
    ),
    re.compile("overloaded|service unavailable|service_unavailable|server error|server_error", re.IGNORECASE),
)
FINAL = [code for code, kind in CODES.items() if 400 <= kind.status < 500 and not kind.retry_after]


@pytest.mark.parametrize(
    "code", [code for code, kind in CODES.items() if kind.status in (400, 403, 413, 422)]
)
def test_what_must_not_be_sent_again_has_the_type_at_which_litellm_and_aider_stop(code: str) -> None:
    assert CODES[code].type == "invalid_request_error"


def test_what_may_be_sent_again_says_when() -> None:
    assert {code for code, kind in CODES.items() if kind.retry_after} == {
        *("rate_limited", "backend_failed", "backend_timeout", "not_ready"),
    }


def said(code: str, message: str, decision_id: str) -> bytes:
    return wire.error(envelope(RequestRefusal(code, message), decision_id))


@pytest.mark.parametrize("code", FINAL)
def test_no_id_and_no_number_makes_opencode_send_a_final_error_again(code: str) -> None:
    digits = random.Random(code)
    for number in (
        "429",
        "500",
        "502",
        "503",
        "504",
        "524",
        "50429",
        "42950",
        "5042952429",
        "39500",
        "5000502",
    ):
        for _ in range(20):
            decision_id = "rd_" + "".join(digits.choices("012459ab", k=32))
            body = said(code, f"{number} tokens are needed", decision_id)
            error = json.loads(body)["error"]
            assert error["decision_id"] == decision_id
            assert error["message"].replace("\u2060", "") == f"{number} tokens are needed"
            assert not any(
                pattern.search(text) for pattern in OPENCODE for text in (body.decode(), error["message"])
            )


def test_a_message_without_such_a_number_stays_as_it_is() -> None:
    body = said("no_eligible_model", "40960 tokens are needed, and it has 32768", "rd_01")
    assert json.loads(body)["error"]["message"] == "40960 tokens are needed, and it has 32768"
    assert b"\\u" not in body


def test_an_error_that_may_be_sent_again_has_its_message_unchanged() -> None:
    message = "every eligible model was tried: it answered with status 503"
    assert json.loads(said("backend_failed", message, "rd_01"))["error"]["message"] == message
