"""Which backends are left out for a while: after three failures in a row, for 30 seconds. Time is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

FAILURES: Final = 3
LEFT_OUT_SECONDS: Final = 30.0


@dataclass
class _Record:
    failures: int = 0
    until: float = 0.0


class Health:
    """What became of the last requests to each backend. `now` is a clock in seconds that never goes back."""

    def __init__(self) -> None:
        self._records: dict[str, _Record] = {}

    def answered(self, backend: str) -> None:
        """It answered as a backend should."""
        self._records.pop(backend, None)

    def failed(self, backend: str, now: float) -> None:
        """It failed. After its time out, one more failure in a row leaves it out again."""
        record = self._records.setdefault(backend, _Record())
        record.failures += 1
        if record.failures >= FAILURES:
            record.until = now + LEFT_OUT_SECONDS

    def unavailable(self, now: float) -> frozenset[str]:
        """The backends that are left out now."""
        return frozenset(name for name, record in self._records.items() if now < record.until)
