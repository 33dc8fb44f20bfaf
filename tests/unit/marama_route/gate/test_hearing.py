"""What a client's messages say became of tool calls."""

from __future__ import annotations

from typing import Any

import pytest

from marama_route.gate.hearing import results

NO = "The user rejected permission to use this specific tool call"
INVALID = "provided to the tool are invalid"


def asked(*names: str) -> dict[str, Any]:
    return {"role": "assistant", "content": "", "tool_calls": [{"id": name} for name in names]}


def told(name: Any, content: Any) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": name, "content": content}


def test_only_what_follows_the_last_calls_is_new() -> None:
    messages = [
        asked("a"),
        told("a", "x"),
        asked("b", "c"),
        told("b", "x"),
        told("c", "y"),
        {"role": "user", "content": "go on"},
    ]
    assert results(messages) == {"b": "answered", "c": "answered"}
    assert results(messages[:2]) == {"a": "answered"}
    assert results(messages[1:2]) == {}
    assert results([]) == {}


@pytest.mark.parametrize(
    ("text", "became"),
    [
        (f"{NO}.", "refused"),
        (f"{NO} with the following feedback: not now", "refused"),
        ("(no output)", "answered"),
        ("Wrote file successfully.", "answered"),
        ("ls: cannot access '/nonexistent': No such file or directory\n", "answered"),
        ("File /home/ada/shop/nothing.txt not found", "answered"),
        (f"The arguments {INVALID}: Model tried to call unavailable tool 'webfetch'.", "not_run"),
        (f"It says: {NO}.", "answered"),
    ],
)
def test_the_texts_of_opencode(text: str, became: str) -> None:
    """As opencode 1.18.33 sent them."""
    assert results([asked("a"), told("a", text)]) == {"a": became}


@pytest.mark.parametrize(
    "message",
    [
        None,
        "tool",
        {},
        {"role": "tool"},
        told(None, "x"),
        told("", "x"),
        told(["a"], "x"),
        {"role": "user", "tool_call_id": "a"},
    ],
)
def test_what_is_not_a_result_is_none(message: Any) -> None:
    assert results([asked("a"), message]) == {}


@pytest.mark.parametrize("content", [None, [], [None], [{}], [{"type": "text"}], 7, {"text": "x"}])
def test_a_result_may_have_any_content(content: Any) -> None:
    assert results([asked("a"), told("a", content)]) == {"a": "answered"}


def test_the_first_result_of_a_call_counts_and_there_are_not_too_many() -> None:
    messages = [asked("a"), told("a", [{"type": "text", "text": NO}]), told("a", "ran after all")]
    assert results(messages) == {"a": "refused"}
    assert len(results([asked("a"), *(told(f"c{n}", "") for n in range(5000))])) == 128
