"""Refusals: what is wrong, where, and the next step. Each program gives its kinds codes and exit statuses."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Where:
    """A place that a message points at: a file or an environment variable, 1-based line and column."""

    name: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        parts = [self.name] + [str(part) for part in (self.line, self.column) if part is not None]
        return ":".join(parts)


class Refusal(Exception):  # noqa: N818 - it says what happened
    """The program stops: `kind` for code that reacts to it, one sentence, where it is, and the next step.

    `message`, `where` and `next_step` never contain a secret: whoever raises it takes care of that, and the
    terminal scrubs them again.
    """

    def __init__(self, kind: str, message: str, *, next_step: str, where: Where | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.next_step = next_step
        self.where = where


class Declined(Refusal):
    """The user answered no to what was shown; nothing went wrong."""

    def __init__(self, message: str) -> None:
        super().__init__("cancelled", message, next_step="run this command again when you want to continue")
