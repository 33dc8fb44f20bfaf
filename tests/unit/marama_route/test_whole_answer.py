"""An answer in one piece: checked, renamed, its calls replaced."""

from __future__ import annotations

import json
from typing import Any

import pytest

from marama_route.backends.failures import BackendError, Word
from marama_route.forwarding.whole_answer import WholeAnswer
from tests.stand_in.model_backend import completion, tokens

CALL = {"id": "c1", "type": "function", "function": {"name": "bash", "arguments": '{"command": "ls"}'}}


def read(value: Any) -> WholeAnswer:
    return WholeAnswer(value if isinstance(value, bytes) else json.dumps(value).encode(), "lumynax/coder")


def test_it_passes_unchanged_but_for_the_model() -> None:
    value = {**completion("Hé", reasoning_content="because"), "x_own": {"model": 1}}
    answer = read(value)
    assert json.loads(answer.passed()) == {**value, "model": "lumynax/coder"}
    assert (answer.calls, answer.finish_reason, answer.usage) == ((), "stop", tokens(3, 1))


@pytest.mark.parametrize("given", [None, "none"])
def test_usage_that_is_not_there_is_none(given: Any) -> None:
    assert read(completion(usage=given)).usage is None


def test_zero_is_a_count() -> None:
    assert read(completion(usage=tokens(0, 0))).usage == tokens(0, 0)


@pytest.mark.parametrize("said", ["I will look.", "", None])
def test_calls_are_replaced_by_text_and_a_stop(said: str | None) -> None:
    answer = read(completion(said, "tool_calls", tool_calls=[CALL], refusal=None))
    assert [(call.name, call.arguments) for call in answer.calls] == [("bash", '{"command": "ls"}')]
    answer.replace("It was not approved.")
    (choice,) = json.loads(answer.passed())["choices"]
    text = "I will look.\n\nIt was not approved." if said else "It was not approved."
    assert choice["message"] == {"role": "assistant", "content": text, "refusal": None}
    assert (choice["finish_reason"], answer.finish_reason, answer.usage) == ("stop", "stop", tokens(3, 1))


def test_only_the_choice_with_a_call_is_replaced() -> None:
    value = completion("one")
    value["choices"] += [{**completion(None, "tool_calls", tool_calls=[CALL])["choices"][0], "index": 1}]
    answer = read(value)
    answer.replace("No.")
    texts = [choice["message"]["content"] for choice in json.loads(answer.passed())["choices"]]
    assert texts == ["one", "No."]


@pytest.mark.parametrize(
    ("value", "word"),
    [
        (b"", Word.WRONG_CONTENT),
        (b"null", Word.WRONG_CONTENT),
        (b"<html>", Word.WRONG_CONTENT),
        (b"[" * 100_000, Word.WRONG_CONTENT),
        ([], Word.WRONG_CONTENT),
        ({}, Word.WRONG_CONTENT),
        ({"choices": []}, Word.WRONG_CONTENT),
        ({"choices": [{"finish_reason": "stop"}]}, Word.WRONG_CONTENT),
        ({**completion(), "error": {"message": "x"}}, Word.WRONG_CONTENT),
        (completion(reason="eos"), Word.UNKNOWN_FINISH),
        ({"choices": [{"message": {}, "finish_reason": ["stop"]}]}, Word.UNKNOWN_FINISH),
        ({"choices": [{"message": {}}]}, Word.NO_FINISH),
        (completion(tool_calls=[{"function": {"arguments": "{}"}}]), Word.UNCLEAR_CALL),
        (completion(tool_calls={}), Word.UNCLEAR_CALL),
    ],
)
def test_what_is_not_an_answer_is_refused(value: Any, word: Word) -> None:
    with pytest.raises(BackendError) as caught:
        read(value)
    assert caught.value.failure.word is word


def test_calls_where_a_stream_has_them_are_refused() -> None:
    value = completion()
    value["choices"][0]["delta"] = {"tool_calls": [CALL]}
    with pytest.raises(BackendError):
        read(value)
