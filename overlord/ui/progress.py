"""How it goes while servants are asked: text that is only appended, on standard error."""

from __future__ import annotations

from typing import Callable, Final, Sequence

from overlord.core.failures import Failure
from overlord.ui.render import whole_seconds

_INDENT: Final = "      "
_MARKS: Final = (5, 10, 20, 30)
_EVERY: Final = 30


class Progress:
    """A line with the servants that have answered, each with its seconds; on a terminal also who has not."""

    def __init__(self, append: Callable[[str], object], *, on_terminal: bool) -> None:
        self._append = append
        self._on_terminal = on_terminal
        self._within_line = False
        self._next_mark = _MARKS[0]

    def settled(self, slot: str, seconds: float, problem: Failure | None) -> None:
        """See exchange.Watcher."""
        text = f"{slot} {whole_seconds(seconds)}" + ("" if problem is None else ": no answer")
        self._append(f", {text}" if self._within_line else f"{_INDENT}{text}")
        self._within_line = True

    def waiting(self, slots: Sequence[tuple[str, float]]) -> None:
        """See exchange.Watcher."""
        longest = max((seconds for _, seconds in slots), default=0.0)
        if not self._on_terminal or longest < self._next_mark:
            return
        later = [mark for mark in _MARKS if mark > longest]
        self._next_mark = later[0] if later else int(longest // _EVERY + 1) * _EVERY
        self.end()
        names = ", ".join(f"{slot} {whole_seconds(seconds)}" for slot, seconds in slots)
        self._append(f"{_INDENT}waiting for {names}\n")

    def end(self) -> None:
        """End the line."""
        if self._within_line:
            self._append("\n")
            self._within_line = False
