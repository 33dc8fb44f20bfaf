"""How a workflow ended."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Mapping, Sequence

from foundation.secrets import Secret
from foundation.secrets.scrub import scrub

# Counts, digests and names only: what a proof file may contain.
Evidence = Mapping[str, Any]

_SEEN_LIMIT: Final = 1500


class WorkflowFailure(Exception):  # noqa: N818 - it says what happened
    """A workflow failed; `expected` and `seen` are for people and may still contain the key."""

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


def failed(workflow: str, error: Exception, keys: Sequence[str]) -> Outcome:
    """The outcome of a workflow that `error` ended: without the keys, and the end of what was seen.

    Any error ends a workflow and not the run: what a new opencode prints or writes may surprise every line.
    """
    if isinstance(error, WorkflowFailure):
        expected, seen = error.expected, error.seen
    else:
        frame = traceback.extract_tb(error.__traceback__)[-1:]
        place = f" ({Path(frame[0].filename).name}, line {frame[0].lineno})" if frame else ""
        expected, seen = "what was seen can be judged", f"{type(error).__name__}{place}: {error}"
    secrets = [Secret(key) for key in keys]
    expected, seen = scrub(expected, secrets), scrub(seen, secrets)
    return Outcome(workflow, None, expected, seen if len(seen) <= _SEEN_LIMIT else f"… {seen[-_SEEN_LIMIT:]}")
