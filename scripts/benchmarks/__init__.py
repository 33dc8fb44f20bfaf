"""The sections of scripts/bench.py: one module each, with `TITLE` and `measure(runs: int) -> list[Row]`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One measured number beside its target.

    `value` is in `unit` ("x" for a ratio of medians), None for what could not be measured here. `target` is
    the most that the value may be, with `at_least` the least, None for a figure that has none. `note` says
    what was measured against what, or why it was not.
    """

    name: str
    value: float | None
    unit: str
    target: float | None = None
    note: str = ""
    at_least: bool = False

    @property
    def met(self) -> bool:
        """Whether the value is within its target; a figure without one or the other misses nothing."""
        if self.target is None or self.value is None:
            return True
        return self.value >= self.target if self.at_least else self.value <= self.target


class BenchmarkError(Exception):
    """What was to be measured did not work; the text says what."""
