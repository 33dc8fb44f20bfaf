"""Times as they are stored: UTC with milliseconds, `2026-11-27T11:38:00.123Z`."""

from __future__ import annotations

from datetime import datetime, timezone


def stamp(moment: datetime) -> str:
    """The moment as it is stored."""
    utc = moment.astimezone(timezone.utc)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"


def parsed(text: object) -> datetime | None:
    """The moment that was stored; None for anything else."""
    if not isinstance(text, str) or not text.endswith("Z"):
        return None
    try:
        moment = datetime.fromisoformat(text[:-1] + "+00:00")
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


def between(earlier: object, later: object) -> float:
    """Seconds from one stored moment to another; 0 if one of them is missing."""
    first, second = parsed(earlier), parsed(later)
    return 0.0 if first is None or second is None else max(0.0, (second - first).total_seconds())
