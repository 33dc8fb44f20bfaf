"""Each HTTP status has its reason, and each reason its sentence."""

from __future__ import annotations

import pytest

from overlord.core import failures


@pytest.mark.parametrize(
    ("status", "code", "reason"),
    [
        (401, None, "key_refused"),
        (403, None, "account_refused"),
        (429, None, "rate_limited"),
        (400, None, "request_refused"),
        (408, None, "request_refused"),
        (404, "model_not_found", "request_refused"),
        (400, "context_length_exceeded", "context_overflow"),
        (500, "context_length_exceeded", "context_overflow"),
        (500, None, "provider_unavailable"),
        (503, None, "provider_unavailable"),
        (599, None, "provider_unavailable"),
        (301, None, "redirected"),
        (308, None, "redirected"),
        (204, None, "unexpected_answer"),
        (206, None, "unexpected_answer"),
    ],
)
def test_the_reason_of_a_status(status: int, code: str | None, reason: str) -> None:
    assert failures.reason_of_status(status, code) == reason
    assert reason in failures.REASONS
    assert failures.sentence_of_status(status, reason)


def test_every_reason_has_a_sentence() -> None:
    for reason in sorted(failures.REASONS):
        if reason in ("timeout", "unreachable", "certificate_untrusted", "recovery_unproved"):
            continue  # made with what is known at the time
        made = failures.failure(reason) if reason in failures._SENTENCES else None
        sentence = failures.sentence_of_status(500, reason) if made is None else made.sentence
        assert sentence
        assert not sentence.endswith(".")
    assert "MMI_OVERLORD_LLM_TIMEOUT_MS" in failures.timed_out(90.0).sentence
    assert "90 s" in failures.timed_out(90.0).sentence


def test_what_needs_a_replacement_and_what_blocks_nobody_are_reasons() -> None:
    assert set(failures.REASONS) >= failures.HARMLESS | failures.NEEDS_REPLACEMENT
    assert len(set(failures.REASONS)) == len(failures.REASONS) == 19
