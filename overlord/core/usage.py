"""Token counts as the provider reported them: sums, and how many answers came without numbers."""

from __future__ import annotations

from typing import Any, Final, Iterable, Mapping

from overlord.core.json_values import Json

_REPORTED: Final = {
    "prompt_tokens": "promptTokens",
    "completion_tokens": "completionTokens",
    "total_tokens": "totalTokens",
}
# JSON numbers are exact up to here for every reader (RFC 8259, section 6).
_MOST: Final = 2**53 - 1


def none_yet() -> Json:
    """The usage of nothing."""
    return {"promptTokens": 0, "completionTokens": 0, "totalTokens": 0, "answers": 0, "unreported": 0}


def of_answer(reported: Any) -> Json:
    """The usage of one answer; `reported` is the `usage` of its body, whatever it is."""
    usage = none_yet()
    usage["answers"] = 1
    numbers = {
        ours: value
        for theirs, ours in _REPORTED.items()
        if isinstance(reported, Mapping) and _count(value := reported.get(theirs))
    }
    if not numbers:
        usage["unreported"] = 1
        return usage
    usage.update(numbers)
    if "totalTokens" not in numbers:
        usage["totalTokens"] = usage["promptTokens"] + usage["completionTokens"]
    return usage


def total(usages: Iterable[Mapping[str, Any]]) -> Json:
    """The sum; what is missing or is not a number counts as 0."""
    result = none_yet()
    for usage in usages:
        for name in result:
            value = usage.get(name)
            result[name] += value if _count(value) else 0
    return result


def _count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST
