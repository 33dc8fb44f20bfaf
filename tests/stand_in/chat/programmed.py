"""How a service is programmed: which requests get which answer, failure or fault."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, TypedDict

from tests.stand_in.chat import bodies
from tests.stand_in.chat.bodies import USUAL, Field
from tests.stand_in.chat.received import Received
from tests.stand_in.chat.reply import Header, Reply
from tests.stand_in.chat.rules import Maker, Rules, What, Which

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Selection(TypedDict, total=False):
    """For which requests something is, see `Which`; `times` of them, all from now on if it is None."""

    what: What
    model: str | None
    slot: str | None
    containing: str | None
    skip: int
    times: int | None


class Programmed:
    """Rules for replies: those for a number of times first, then the newest of those for good."""

    def __init__(self) -> None:
        self._rules = Rules()

    def answer(
        self,
        text: str | None = None,
        *,
        after: float = 0.0,
        content: Any = USUAL,
        message: Any = USUAL,
        usage: Any = USUAL,
        request_id: str | bytes | Field = USUAL,
        body_id: Any = USUAL,
        **which: Unpack[Selection],
    ) -> None:
        """Answer with `text`, or any `content`, or a whole `message`, after so many seconds.

        `usage`, `body_id` and `request_id` may be any value, or ABSENT.
        """
        if content is not USUAL:
            message = bodies.message_of(content)

        def make(request: Received) -> Reply:
            whole = bodies.completion(
                request, text=text, message=message, usage=usage, request_id=request_id, body_id=body_id
            )
            return whole.but(after=after)

        self.each(make, **which)

    def fail(
        self,
        status: int,
        *,
        code: str | None = None,
        message: str = "the stand-in refuses this request",
        retry_after: str | None = None,
        retry_after_ms: str | None = None,
        request_id: str | bytes | Field = USUAL,
        after: float = 0.0,
        **which: Unpack[Selection],
    ) -> None:
        """Answer with an error of this status; `retry_after` is seconds or an HTTP date, as text."""
        waits = (("Retry-After", retry_after), ("retry-after-ms", retry_after_ms))
        headers: tuple[Header, ...] = tuple((name, value) for name, value in waits if value is not None)

        def make(request: Received) -> Reply:
            named = (*bodies.identified(request, request_id), *headers)
            return bodies.error(status, code, message, named).but(after=after)

        self.each(make, **which)

    def reply(self, reply: Reply, **which: Unpack[Selection]) -> None:
        """Reply with exactly this; see faults.py."""
        self.each(lambda _: reply, **which)

    def hold(self, **which: Unpack[Selection]) -> threading.Event:
        """Answer as usual, but only once the event that this gives is set."""
        gate = threading.Event()
        self.each(lambda request: bodies.completion(request).but(gate=gate), **which)
        return gate

    def each(self, make: Maker, **which: Unpack[Selection]) -> None:
        """Reply with what `make` gives for each request."""
        rule = Which(
            what=which.get("what", "chat"),
            model=which.get("model"),
            slot=which.get("slot"),
            containing=which.get("containing"),
            skip=which.get("skip", 0),
        )
        self._rules.add(rule, make, which.get("times"))

    def clear(self) -> None:
        """Answer everything as usual from now on."""
        self._rules.clear()
