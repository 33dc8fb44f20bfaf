"""Whether and when a request is tried again: only what was not billed, and only within the time left."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Final, Mapping

MOST_TRIES: Final = 3
TRIED_AGAIN: Final = frozenset({408, 429, 500, 502, 503, 504})
_PAUSES: Final = (1.0, 2.0)
_NUMBER: Final = re.compile(r"\d+(\.\d+)?")
_LONGEST_NUMBER: Final = 12


def pause_before_next(
    tries: int, headers: Mapping[str, str], now: datetime, seconds_left: float
) -> float | None:
    """How many seconds to wait before another try; None if there is none.

    `tries` were made; `headers` of the answer have names in lower case. A wait that does not fit into
    `seconds_left` is not begun.
    """
    if tries >= MOST_TRIES:
        return None
    pause = _asked_for(headers, now)
    if pause is None:
        pause = _PAUSES[tries - 1]
    return pause if pause < seconds_left else None


def _asked_for(headers: Mapping[str, str], now: datetime) -> float | None:
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    text = headers.get("retry-after")
    seconds = _number(text)
    if seconds is not None or text is None:
        return seconds
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    try:
        return max(0.0, (moment - now).total_seconds())
    except OverflowError:
        return None


def _number(text: str | None) -> float | None:
    text = (text or "").strip()
    if not text.isascii() or not _NUMBER.fullmatch(text):
        return None
    return float(text) if len(text) <= _LONGEST_NUMBER else float("inf")
