"""All calls of an answer as they are judged at one moment, and the approvals of those that need one. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from marama_route.gate.treating import Judged
from sovereigncode.approvals.approval import State
from sovereigncode.approvals.files import Listed
from sovereigncode.approvals.store import Asked
from sovereigncode.core.words import ToolRule

# Somebody or something has decided; waiting for this approval is over.
OVER: Final = frozenset((State.REJECTED, State.EXPIRED, State.INVALID))


@dataclass(frozen=True)
class Look:
    """All calls of an answer as they are judged at one moment.

    `approvals` has one for each call, None where none was asked for. `fault`: why a person cannot be asked.
    """

    judged: tuple[Judged, ...]
    approvals: tuple[Listed | None, ...]
    hold_seconds: int = 0
    fault: str = ""

    @property
    def denied(self) -> bool:
        """Whether one of the calls may not be passed on, whoever says yes."""
        return bool(self.fault) or any(one.rule is ToolRule.DENY for one in self.judged)

    @property
    def asks(self) -> tuple[Asked, ...]:
        """What a person has to approve."""
        return tuple(one.asked for one in self.judged if one.rule is ToolRule.APPROVE)

    @property
    def passes(self) -> bool:
        """Whether every call may be passed on, if its approval can be used up."""
        return not self.denied and all(
            one.rule is not ToolRule.APPROVE or (found is not None and found.state is State.APPROVED)
            for one, found in zip(self.judged, self.approvals, strict=True)
        )

    @property
    def waiting(self) -> tuple[str, ...]:
        """The approvals that a yes can still come from; none if one of them is over."""
        found = [one for one in self.approvals if one is not None]
        if self.denied or any(one.state in OVER for one in found):
            return ()
        return tuple(one.id for one in found if one.state is State.PENDING)
