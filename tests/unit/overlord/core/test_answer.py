"""What an answer's body says: the text, the id, the models."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from overlord.core import answer
from overlord.core.failures import Failure


def body(content: Any, **more: Any) -> Any:
    return {"choices": [{"message": {"role": "assistant", "content": content, **more}}]}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (body("Yes."), "Yes."),
        (body(" é "), " é "),
        (body("\uff14"), "\uff14"),
        (body([{"type": "text", "text": "Ye"}, {"type": "text", "text": "s"}]), "Yes"),
        (body([{"text": "a"}, {"type": "image_url", "text": "b"}, 3, {"type": "text", "text": 4}]), "a"),
        ({"choices": [{"message": {"content": "first"}}, {"message": {"content": "second"}}]}, "first"),
    ],
)
def test_useful_text(value: Any, text: str) -> None:
    assert answer.useful_text(value) == text


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (body(None, reasoning="I think so", refusal="No", tool_calls=[{"id": "1"}]), "no_text"),
        (body(""), "no_text"),
        (body(" … !\n"), "no_text"),
        (body([]), "no_text"),
        (body(7), "no_text"),
        ({"choices": [{}]}, "no_text"),
        ({"choices": []}, "unexpected_answer"),
        ({"choices": {}}, "unexpected_answer"),
        ({"choices": ["x"]}, "unexpected_answer"),
        ({}, "unexpected_answer"),
        ([], "unexpected_answer"),
        ("text", "unexpected_answer"),
        ({"error": {"code": "context_length_exceeded"}}, "context_overflow"),
    ],
)
def test_no_useful_text(value: Any, reason: str) -> None:
    with pytest.raises(Failure) as caught:
        answer.useful_text(value)
    assert caught.value.reason == reason


@pytest.mark.parametrize("data", [b"", b"<html>", b"\xff\xfe", b"[" * 100_000])
def test_what_is_not_json(data: bytes) -> None:
    with pytest.raises(Failure) as caught:
        answer.parse(data)
    assert caught.value.reason == "unexpected_answer"
    assert answer.parsed_if_json(data) is None


def test_models_are_the_ids_that_are_texts() -> None:
    listed = {"data": [{"id": "fugu"}, {"id": 3}, "fugu-ultra", {}, {"id": "other"}]}
    assert answer.models(json.dumps(listed).encode()) == ("fugu", "other")
    wrong: Any
    for wrong in ({}, {"data": {}}, [], {"data": None}):
        with pytest.raises(Failure):
            answer.models(json.dumps(wrong).encode())


@pytest.mark.parametrize(
    ("header", "value", "found"),
    [
        ("req-1", {"id": "body"}, "req-1"),
        (None, {"id": "body"}, "body"),
        (" ", {"id": "body"}, "body"),
        ("\t\u00e9", {"id": "body"}, "body"),
        ("a\x1b[31m\u202eb\r\n", {}, "a[31mb"),
        (None, {"id": 7}, None),
        (None, None, None),
        ("x" * 300, {}, "x" * 200),
    ],
)
def test_the_request_id(header: str | None, value: Any, found: str | None) -> None:
    assert answer.request_id(header, value, str) == found


def test_a_key_in_a_request_id_is_masked_before_it_is_cut() -> None:
    key = "sk-" + "k" * 20
    found = answer.request_id("x" * 190 + key, None, lambda text: text.replace(key, "***"))
    assert found == "x" * 190 + "***"
    assert answer.request_id("sk-\u00e9" + "k" * 20, None, lambda text: text.replace(key, "***")) == "***"


def test_a_number_of_any_length_is_no_work() -> None:
    # Below the limit that newer Pythons have of their own, so that this fails without ours.
    body = b'{"id": "x", "created": ' + b"9" * 4000 + b"}"
    assert answer.parse(body) == answer.parsed_if_json(body) == {"id": "x", "created": math.inf}
    assert answer.parse(b'{"created": -1790000000}') == {"created": -1790000000}


def test_a_number_beyond_every_limit_loses_no_answer() -> None:
    body = b'{"usage": {"prompt_tokens": ' + b"9" * 100_000 + b', "completion_tokens": 5}}'
    assert answer.usage_of(answer.parse(body)) == answer.usage_of({"usage": {"completion_tokens": 5}})
