"""Log lines and numbers: never the content, never without bound, never in the way."""

from __future__ import annotations

import io
import json
import threading
from datetime import datetime, timezone
from typing import Any

import pytest

from marama_route.core.decision import State
from marama_route.observing import lines
from marama_route.observing.lines import Lines
from marama_route.observing.metrics import Metrics, whole

NOW = datetime(2026, 11, 28, 1, 2, 3, 456000, timezone.utc)


class Pipe(io.StringIO):
    """A stream whose reader reads nothing until the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()

    def write(self, text: str) -> int:
        assert self.go.wait(30)
        return super().write(text)


def test_a_line_is_one_json_object_with_its_time() -> None:
    stream = io.StringIO()
    log = Lines(stream, lambda: NOW)
    log.write("request", {"status": 200, "text": "two\nlines"})
    log.close()
    (line,) = stream.getvalue().splitlines()
    assert json.loads(line) == {
        "time": "2026-11-28T01:02:03.456Z",
        "event": "request",
        "status": 200,
        "text": "two\nlines",
    }


def test_a_reader_that_does_not_read_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "MOST", 5)
    stream = Pipe()
    log = Lines(stream, lambda: NOW)
    for number in range(50):
        log.write("request", {"number": number})
    stream.go.set()
    log.close()
    found: list[dict[str, Any]] = [json.loads(line) for line in stream.getvalue().splitlines()]
    kept = [one for one in found if one["event"] == "request"]
    dropped = sum(one["count"] for one in found if one["event"] == "lines_dropped")
    assert 5 <= len(kept) < 50
    assert len(kept) + dropped == 50


def test_a_stream_that_is_gone_ends_nothing() -> None:
    stream = io.StringIO()
    stream.close()
    log = Lines(stream, lambda: NOW)
    log.write("request", {})
    log.close()


def test_numbers() -> None:
    metrics = Metrics()
    metrics.answered("/v1/models", 200)
    metrics.decided(State.DENIED, ("purpose_denied", "capsule_revoked"))
    text = metrics.text(3).decode()
    assert 'marama_route_requests_total{route="/v1/models",status="200"} 1.0' in text
    assert 'marama_route_decisions_total{outcome="denied",reason="capsule_revoked"} 1.0' in text
    assert "marama_route_approvals_waiting 3.0" in text


@pytest.mark.parametrize(
    ("value", "expected"), [(0, 0), (5, 5), (-1, None), (True, None), ("5", None), (None, None), (1.5, None)]
)
def test_a_count_of_a_backend(value: Any, expected: int | None) -> None:
    assert whole(value) == expected
