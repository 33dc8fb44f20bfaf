"""How a workflow ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping

# Counts, digests and names only: what a proof file may hold.
Evidence = Mapping[str, Any]


class WorkflowFailure(Exception):  # noqa: N818 - it says what happened
    """A workflow did not hold; `expected` and `seen` are for a person and may still hold the key."""

    def __init__(self, expected: str, seen: str) -> None:
        super().__init__(f"expected {expected}; seen: {seen}")
        self.expected = expected
        self.seen = seen


@dataclass(frozen=True)
class Outcome:
    """One workflow: its evidence when it held, otherwise what was expected and seen (without secrets)."""

    workflow: str
    evidence: Evidence | None
    expected: str = ""
    seen: str = ""

    @property
    def held(self) -> bool:
        """Whether everything that the workflow claims was seen."""
        return self.evidence is not None


def expect(holds: object, expected: str, seen: object) -> None:
    """Raise WorkflowFailure unless `holds`."""
    if not holds:
        raise WorkflowFailure(expected, str(seen))
