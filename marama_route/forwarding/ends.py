"""The two ends of forwarding, and what is asked and reported in between."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping, Protocol, Sequence

from marama_route.core.decision import Attempt, Outcome
from marama_route.core.registry import Model
from marama_route.core.tool_calls import Call


@dataclass(frozen=True)
class Job:
    """What is forwarded: the client's payload without our own hints, and the models in the order of trying.

    `traceparent` is the client's own header (W3C Trace Context), passed on if it has one.
    """

    payload: Mapping[str, Any]
    models: Sequence[Model]
    stream: bool
    include_usage: bool
    decision_id: str
    traceparent: str | None = None


class Client(Protocol):
    """Where the answer goes. A write that fails because the client went away raises ConnectionError.

    `model` becomes the header x-marama-model.
    """

    async def whole(self, status: int, body: bytes, model: str, *, retry_after: int | None = None) -> None:
        """A whole JSON answer; `retry_after` are the seconds of its header Retry-After."""

    async def begin(self, model: str) -> None:
        """Status 200 and the headers of an event stream."""

    async def write(self, data: bytes) -> None:
        """Bytes of the stream; returns when the client has taken so much that memory stays bounded."""


class Ledger(Protocol):
    """What became of the job. `ended` is called exactly once, also after a cancellation."""

    async def tried(self, attempt: Attempt) -> None:
        """One backend was asked, and this came of it."""

    async def ended(self, outcome: Outcome) -> None:
        """How it ended."""


@dataclass(frozen=True)
class Verdict:
    """What the gate says of all calls of an answer: passed on, or replaced by this text."""

    passed: bool
    text: str = ""


class ToolGate(Protocol):
    """The gate of one request."""

    async def judge(self, calls: Sequence[Call], *, whole: bool) -> Verdict:
        """Judge these, waiting for a person if the policy says so. Refusal not_ready if it cannot record.

        `whole`: the answer is not a stream, so that it waits less long.
        """
