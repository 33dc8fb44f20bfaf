"""The words shortly before a number, which say what it is."""

from __future__ import annotations

import re
from typing import Final

from sovereigncode.content.view import View

# As far as a label is from its value: `"irdNumber": "`, `Tax number (IRD) of the customer: `.
REACH: Final = 48


def before(view: View, start: int) -> bytes:
    """What is before `start`, in lower case: near, and at most one line up."""
    near = view.lower[max(0, start - REACH) : start]
    return near[near.rfind(b"\n", 0, max(0, near.rfind(b"\n"))) + 1 :]


def label(*names: str) -> re.Pattern[bytes]:
    """A pattern for names in lower case: `ird` is in `ird_no`, `irdnumber` and `ird:`, not in `bird`."""
    either = "|".join(names)
    return re.compile(rf"(?:^|[^a-z0-9])(?:{either})(?:[^a-z]|number|num|no(?![a-z])|$)".encode())
