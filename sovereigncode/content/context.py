"""The words shortly before a number, which say what it is."""

from __future__ import annotations

import re
from typing import Final

from sovereigncode.content.view import View

# As far as a label is from its value: `"irdNumber": "`, `Tax number (IRD) of the customer: `.
REACH: Final = 48


def words_before(view: View, start: int, words: re.Pattern[bytes]) -> bool:
    """Whether a word (a pattern for lower case) is before `start`: near, and at most one line up."""
    before = view.lower[max(0, start - REACH) : start]
    return words.search(before, before.rfind(b"\n", 0, max(0, before.rfind(b"\n"))) + 1) is not None


def label(*names: str) -> re.Pattern[bytes]:
    """A pattern for names as whole words: `ird` in `ird_no`, `irdNumber`, `IRD:`, not in `bird`."""
    either = "|".join(names)
    return re.compile(rf"(?:^|[^a-z0-9])(?:{either})(?:[^a-z]|number|num|no(?![a-z])|$)".encode())
