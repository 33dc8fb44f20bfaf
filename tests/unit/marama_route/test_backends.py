"""Backends that are left out, Retry-After, and the error when all have failed: values in, values out."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest

from marama_route.backends.failures import Failure, Word, retry_after
from marama_route.backends.health import FAILURES, LEFT_OUT_SECONDS, Health
from marama_route.core.registry import Model
from marama_route.forwarding.payload import sent
from marama_route.forwarding.trial import RETRY_AFTER, all_failed, longest_wait

NOW = datetime(2026, 11, 28, 1, 0, tzinfo=timezone.utc)


def test_the_third_failure_in_a_row_leaves_a_backend_out_for_thirty_seconds() -> None:
    assert (FAILURES, LEFT_OUT_SECONDS) == (3, 30)
    health = Health()
    for now in (1.0, 2.0):
        health.failed("one", now)
        assert health.unavailable(now) == frozenset()
    health.failed("one", 3.0)
    health.failed("two", 3.0)
    assert health.unavailable(3.0) == {"one"}
    assert health.unavailable(32.9) == {"one"}
    assert health.unavailable(33.0) == frozenset()
    # After its time out it has one chance.
    health.failed("one", 40.0)
    assert health.unavailable(41.0) == {"one"}


def test_an_answer_ends_the_row() -> None:
    health = Health()
    for now in range(10):
        health.failed("one", now)
        health.failed("one", now)
        health.answered("one")
    assert health.unavailable(10) == frozenset()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("3", 3),
        (" 120 ", 120),
        ("0", 0),
        ("99999999999999999999", 86400),
        ("Sat, 28 Nov 2026 01:02:00 GMT", 120),
        ("Sat, 28 Nov 2026 00:00:00 GMT", 0),
        ("Sat, 28 Nov 2027 00:00:00 GMT", 86400),
        ("soon", None),
        ("", None),
        ("-1", None),
        ("1.5", None),
        ("Sat, 28 Nov 2026 01:02:00", None),
        ("²", None),
        (None, None),
    ],
)
def test_retry_after_is_a_number_or_a_date(text: str | None, seconds: int | None) -> None:
    assert retry_after(text, NOW) == seconds


def model(name: str) -> Model:
    return Model(name, f"of-{name}", name, (), 1)


@pytest.mark.parametrize(
    ("words", "began", "code"),
    [
        ([Word.CONNECT_TIMEOUT, Word.FIRST_BYTE_TIMEOUT], False, "backend_timeout"),
        ([Word.CONNECT_TIMEOUT, Word.CONNECTION_FAILED], False, "backend_failed"),
        ([Word.CONNECTION_FAILED, Word.SILENCE_TIMEOUT], True, "backend_timeout"),
        ([Word.CONNECT_TIMEOUT, Word.CUT_OFF], True, "backend_failed"),
    ],
)
def test_when_all_have_failed_each_is_named(words: list[Word], began: bool, code: str) -> None:
    failures = [(model(f"m{number}"), Failure(word)) for number, word in enumerate(words)]
    refusal = all_failed(failures, began=began)
    assert refusal.kind == code
    for one, failure in failures:
        assert f"{one.id} (backend {one.backend}): {failure.sentence}" in refusal.message


def test_every_word_has_a_sentence_and_the_largest_wait_counts() -> None:
    assert all(Failure(word, 503).sentence for word in Word)
    given = [(model("a"), Failure(Word.STATUS, 429, seconds)) for seconds in (3, None, 0, 20)]
    assert longest_wait(given) == 20
    assert longest_wait(given[1:2]) == RETRY_AFTER
    assert longest_wait(given[2:3]) == 0


@pytest.mark.parametrize(
    ("payload", "body"),
    [
        ({"model": "a", "n": 2, "own": {"x": [1.5, None]}}, b'{"model":"up","n":2,"own":{"x":[1.5,null]}}'),
        ({"route": {}, "routing": None, "model": "a"}, b'{"model":"up"}'),
        ({"model": "a", "metadata": {"marama_route": {}}}, b'{"model":"up"}'),
        (
            {"model": "a", "metadata": {"marama_route": 1, "x": "y"}},
            b'{"model":"up","metadata":{"x":"y"}}',
        ),
        ({"model": "a", "metadata": {}}, b'{"model":"up","metadata":{}}'),
        (
            {"model": "a", "stream_options": {"include_usage": True}},
            b'{"model":"up","stream_options":{"include_usage":true}}',
        ),
        ({"model": "a", "seed": 10**30, "user": "M\u0101ori"}, None),
        ({"model": "a", "user": "\ud83d"}, b'{"model":"up","user":"\\ud83d"}'),
    ],
)
def test_what_is_sent_is_the_payload_without_our_hints(payload: dict[str, Any], body: bytes | None) -> None:
    before = repr(payload)
    given = sent(payload, "up")
    expected = '{"model":"up","seed":1000000000000000000000000000000,"user":"M\u0101ori"}'.encode()
    assert sorted(given) == sorted(expected if body is None else body)
    assert repr(payload) == before
