"""Usage: sums of numbers that were reported, nothing else."""

from __future__ import annotations

import pytest

from overlord.core import usage

NONE = {"promptTokens": 0, "completionTokens": 0, "totalTokens": 0, "answers": 0, "unreported": 0}


@pytest.mark.parametrize(
    ("reported", "expected"),
    [
        ({"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 9}, (3, 4, 9, 0)),
        ({"prompt_tokens": 3, "completion_tokens": 4}, (3, 4, 7, 0)),
        ({"total_tokens": 9}, (0, 0, 9, 0)),
        ({"prompt_tokens": 0}, (0, 0, 0, 0)),
        ({}, (0, 0, 0, 1)),
        (None, (0, 0, 0, 1)),
        ("many", (0, 0, 0, 1)),
        ({"prompt_tokens": -1, "completion_tokens": True, "total_tokens": 1.5}, (0, 0, 0, 1)),
        ({"prompt_tokens": 10**5000}, (0, 0, 0, 1)),
        ({"prompt_tokens": "3"}, (0, 0, 0, 1)),
    ],
)
def test_one_answer(reported: object, expected: tuple[int, int, int, int]) -> None:
    found = usage.of_answer(reported)
    assert found["answers"] == 1
    assert (
        found["promptTokens"],
        found["completionTokens"],
        found["totalTokens"],
        found["unreported"],
    ) == expected


def test_a_sum_leaves_out_what_is_no_number() -> None:
    assert usage.total([]) == usage.none_yet() == NONE
    assert usage.total([{"promptTokens": "x", "answers": None}, {"totalTokens": 2}, {}]) == {
        **NONE,
        "totalTokens": 2,
    }
