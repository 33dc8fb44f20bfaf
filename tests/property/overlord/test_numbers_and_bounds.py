"""Sums add up, bounds hold in bytes of UTF-8, waits fit, targets name each servant once."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from typing import Any, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.errors import Refusal
from overlord.core import answer, handoff, ledger_event, quoting, retry_policy, servants, usage
from overlord.core.failures import Failure
from overlord.core.messages import message_of
from overlord.settings import Settings
from tests.support import overlord_runs as runs

NUMBERS = st.integers(min_value=0, max_value=2**40)
REPORTS = st.fixed_dictionaries(
    {}, optional={"prompt_tokens": NUMBERS, "completion_tokens": NUMBERS, "total_tokens": NUMBERS}
)
ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["choices", "message", "content", "text", "type", "usage", "error", "code", "id"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=15,
)
SURROGATES = st.text(st.characters(codec=None), max_size=60)
NOW = datetime(2026, 11, 27, 11, 38, tzinfo=timezone.utc)


def outcome(call: Callable[[], Any]) -> Any:
    """What the call returns or raises."""
    try:
        return call()
    except (Failure, Refusal) as problem:
        return problem


def size(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


@given(st.lists(REPORTS))
def test_a_sum_is_the_sum_in_any_grouping(reports: list[dict[str, int]]) -> None:
    each = [usage.of_answer(report) for report in reports]
    total = usage.total(each)
    assert total["answers"] == len(reports)
    assert total["unreported"] == sum(not report for report in reports)
    assert total["promptTokens"] == sum(report.get("prompt_tokens", 0) for report in reports)
    assert total == usage.total([usage.total(each[: len(each) // 2]), usage.total(each[len(each) // 2 :])])


@given(st.lists(st.tuples(st.text(max_size=4000), st.booleans()), max_size=12), st.none() | st.text())
def test_a_handoff_is_bounded_and_names_every_failure(said: list[tuple[str, bool]], note: str | None) -> None:
    registry = runs.ready(1)
    for text, good in said:
        runs.redirect(registry, text, {"ultra": runs.answer(text * 3 or "yes") if good else runs.failed()})
    servant = servants.servant_of(registry, "ultra")
    made = handoff.handoff(registry, servant, note)
    assert size(made) <= handoff.MOST_BYTES
    reason = servant["blockedReason"] or "on request"
    assert f"Why it was replaced: {reason}." in made
    for message in registry["messages"]:
        if message["state"] == "failed":
            assert f"Not answered, {message['id']} (timeout): " in made
            assert message["text"] in made or "[cut]" in made


@given(st.integers(min_value=0, max_value=300))
def test_a_handoff_of_many_failures_is_bounded_and_says_that_some_are_left_out(count: int) -> None:
    registry = runs.ready(1)
    for number in range(count):
        runs.redirect(registry, f"question {number} " + "ä" * 500, {"ultra": runs.failed()})
    made = handoff.handoff(registry, servants.servant_of(registry, "ultra"), "n" * 5000)
    assert size(made) <= handoff.MOST_BYTES
    named = sum(f"(timeout): question {number} " in made for number in range(count))
    assert named == count or made.endswith("Older messages are left out [cut].")


@given(SURROGATES, st.integers(min_value=0, max_value=100))
def test_what_is_cut_is_a_marked_beginning(text: str, most: int) -> None:
    shown = handoff.cut(text, most)
    if size(text) <= most:
        assert shown == text
    else:
        assert shown.endswith(" [cut]")
        assert size(shown) <= most + size(" [cut]")


@given(st.text(), st.integers(min_value=0, max_value=3))
def test_the_ledger_keeps_64_kib_of_a_text(text: str, factor: int) -> None:
    long = text * 30_000 * factor
    event = ledger_event.new_event(
        kind="redirect", at="", message_id=None, slot="ultra", model="m", request_id=None,
        response_text=long, error_text=None,
    )  # fmt: skip
    kept = event["responseText"]
    assert long.startswith(kept)
    assert size(kept) <= 64 * 1024
    assert kept == long or size(kept) > 64 * 1024 - 4


@given(st.text(min_size=1, max_size=3000), st.lists(st.text(max_size=20_000), min_size=2, max_size=2))
def test_a_quoting_message_is_bounded_and_names_everybody(text: str, answers: list[str]) -> None:
    registry = runs.ready(2)
    outcomes = {f"normal-{number}": runs.answer(one) for number, one in enumerate(answers, 1)}
    message = message_of(registry, runs.redirect(registry, text, {**outcomes, "ultra": runs.failed()}))
    made = quoting.with_answers(text, message, 32_768)
    assert size(made) <= 32_768
    assert "No answer from ultra." in made
    assert all(f"Answer of {slot}:" in made for slot in outcomes)
    assert text in made


@given(
    st.integers(min_value=1, max_value=5),
    st.dictionaries(st.sampled_from(["retry-after", "retry-after-ms"]), st.text(max_size=12)),
    st.floats(min_value=0, max_value=600),
)
def test_a_pause_always_fits_and_there_are_three_tries(
    tries: int, headers: dict[str, str], left: float
) -> None:
    pause = retry_policy.pause_before_next(tries, headers, NOW, left)
    assert pause is None or 0 <= pause < left
    assert tries < 3 or pause is None


@given(st.integers(min_value=-3600, max_value=3600))
def test_a_date_is_a_wait(seconds: int) -> None:
    headers = {"retry-after": format_datetime(NOW + timedelta(seconds=seconds), usegmt=True)}
    assert retry_policy.pause_before_next(1, headers, NOW, 7200.0) == max(0, seconds)


@given(ANY)
def test_any_body_gives_a_text_or_a_failure(body: Any) -> None:
    found = outcome(lambda: answer.useful_text(body))
    if isinstance(found, Failure):
        assert found.reason in ("unexpected_answer", "no_text", "context_overflow")
    else:
        assert any(character.isalnum() for character in found)
    assert usage.total([answer.usage_of(body)])["answers"] == 1
    answer.request_id(None, body, str)


@given(st.binary(max_size=200))
def test_any_bytes_give_models_or_a_failure(body: bytes) -> None:
    found = outcome(lambda: answer.models(body))
    assert found.reason == "unexpected_answer" if isinstance(found, Failure) else isinstance(found, tuple)
    answer.parsed_if_json(body)


NAMES = st.sampled_from(
    ["ultra", "Ultra", "normal-1", "NORMAL-2", "fugu 2", "normals", "all", " all ", "x", ""]
)


@given(st.lists(NAMES, min_size=1, max_size=6))
def test_a_target_names_each_servant_once_in_the_order_of_the_run(parts: list[str]) -> None:
    registry = runs.ready(2)
    everyone = ["ultra", "normal-1", "normal-2"]
    meant = {
        "ultra": {"ultra"},
        "normal-1": {"normal-1"},
        "normal-2": {"normal-2"},
        "fugu 2": {"normal-2"},
        "normals": {"normal-1", "normal-2"},
        "all": set(everyone),
    }
    plain = [part.strip().lower() for part in parts]
    if all(part in meant for part in plain):
        wanted = set().union(*(meant[part] for part in plain))
        found = servants.targets(",".join(parts), registry["servants"])
        assert found == [slot for slot in everyone if slot in wanted]
    else:
        with pytest.raises(Refusal) as caught:
            servants.targets(",".join(parts), registry["servants"])
        assert caught.value.kind == "unknown_target"


@given(st.text(max_size=30))
def test_any_number_of_milliseconds_is_within_the_bounds(text: str) -> None:
    settings = Settings({"MMI_OVERLORD_LLM_TIMEOUT_MS": text, "MMI_OVERLORD_LEASE_MS": text})
    assert 5_000 <= settings.timeout_ms <= 600_000
    assert 60_000 <= settings.lease_ms <= 86_400_000


@given(st.text(max_size=40))
def test_any_base_url_is_used_or_refused(text: str) -> None:
    settings = Settings({"MMI_OVERLORD_LLM_BASE_URL": text})
    url = outcome(settings.base_url)
    if isinstance(url, Refusal):
        assert url.kind == "base_url_invalid"
        assert len(text) < 5 or text.strip() not in url.message
    else:
        assert url.lower().startswith(("https://", "http://"))
