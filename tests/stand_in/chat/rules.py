"""Which reply a request gets: rules that say for which requests they are, and how often."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Callable, Literal

from tests.stand_in.chat.received import Received
from tests.stand_in.chat.reply import Reply

Maker = Callable[[Received], Reply]
What = Literal["chat", "models", "any"]


@dataclass(frozen=True)
class Which:
    """The requests that a rule is for: None, or "any", is all of them.

    `containing` is a part of the last message. The first `skip` of these requests are left to other rules.
    """

    what: What = "chat"
    model: str | None = None
    slot: str | None = None
    containing: str | None = None
    skip: int = 0

    def fits(self, request: Received, what: str) -> bool:
        """Whether the rule is for this request to `what`, apart from `skip`."""
        return (
            self.what in ("any", what)
            and self.model in (None, request.model)
            and self.slot in (None, request.slot)
            and (self.containing is None or self.containing in request.prompt)
        )


@dataclass
class _Rule:
    which: Which
    make: Maker
    times: int | None
    seen: int = 0


class Rules:
    """The rules of a service.

    Those for a number of times come first, the oldest of them first; of those for good the newest counts.
    """

    def __init__(self) -> None:
        self._rules: list[_Rule] = []
        self._lock = threading.Lock()

    def add(self, which: Which, make: Maker, times: int | None) -> None:
        """Answer these requests with what `make` gives, `times` of them (None: all from now on)."""
        with self._lock:
            self._rules.append(_Rule(which, make, times))

    def clear(self) -> None:
        """Forget every rule."""
        with self._lock:
            self._rules.clear()

    def take(self, request: Received, what: str) -> Maker | None:
        """What answers a request, which uses the rule up by one; None if no rule is for it."""
        with self._lock:
            fitting = [rule for rule in self._rules if rule.times != 0 and rule.which.fits(request, what)]
            for rule in fitting:
                rule.seen += 1
            due = [rule for rule in fitting if rule.seen > rule.which.skip]
            counted = [rule for rule in due if rule.times is not None]
            if counted:
                assert counted[0].times is not None
                counted[0].times -= 1
                return counted[0].make
            return due[-1].make if due else None
