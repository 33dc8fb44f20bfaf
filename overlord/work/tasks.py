"""What a servant can be asked: its startup, a redirect, a liveness check, or whatever brings it back.

A task decides with the registry as it is once the servant's lock is held: what is sent, or why nothing is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol, Sequence, Union

from overlord.core import conversation, instructions, messages, readiness
from overlord.core.failures import Answer, Failure, Outcome, failure
from overlord.core.json_values import Json
from overlord.core.readiness import Rules
from overlord.core.servants import servant_of
from overlord.storage.journals import Journals
from overlord.work import settling


@dataclass(frozen=True)
class Request:
    """What is sent to a servant."""

    model: str
    messages: Sequence[Json]


_SAYS_NOTHING: Final = ("recovery_unproved", "interrupted", "servant_busy")
# A request; why there is none, which is settled; or None, because nothing has to be done any more.
Begun = Union[Request, Failure, None]


class Task(Protocol):
    """One servant that is asked once."""

    @property
    def slot(self) -> str:
        """The servant."""

    def needs_proof(self, registry: Json, rules: Rules) -> bool:
        """Whether the service has to list the servant's model first."""

    def begin(self, registry: Json, rules: Rules, at: str) -> Begun:
        """Store what is about to be sent, while the registry is being changed."""

    def settle(self, registry: Json, outcome: Outcome, at: str) -> None:
        """Store how it ended, while the registry is being changed."""

    def record(self, journals: Journals, request: Request | None, outcome: Outcome, at: str) -> None:
        """Write it into the journals."""


def unproved(why: str) -> Failure:
    """For a servant that could not be proved to be there."""
    return Failure("recovery_unproved", why)


@dataclass(frozen=True)
class Redirect:
    """A message to the servant."""

    slot: str
    message_id: str

    def needs_proof(self, registry: Json, rules: Rules) -> bool:
        """See Task."""
        if self._settled(registry):
            return False
        return readiness.needs_proof(servant_of(registry, self.slot), registry["state"], rules)

    def begin(self, registry: Json, rules: Rules, at: str) -> Begun:
        """See Task."""
        if self._settled(registry):
            return None
        servant = servant_of(registry, self.slot)
        entries = servant["llmMessages"]
        problem = None
        if conversation.stored_bytes(entries) > conversation.FULL_BYTES:
            problem = failure("conversation_full")
        elif not conversation.sound(entries, servant["assignment"]):
            problem = unproved("the servant's stored conversation is not complete")
        if problem is not None:
            self.settle(registry, problem, at)
            return problem
        message = messages.message_of(registry, self.message_id)
        conversation.begin(entries, message["text"], self.message_id, at)
        servant.update(llmMessageCount=len(entries), lastEventAt=at)
        messages.start(message, self.slot, servant["llmModel"], at)
        return Request(servant["llmModel"], conversation.on_the_wire(entries, self.message_id))

    def settle(self, registry: Json, outcome: Outcome, at: str) -> None:
        """See Task."""
        settling.redirect(registry, self.message_id, self.slot, outcome, at)

    def record(self, journals: Journals, request: Request | None, outcome: Outcome, at: str) -> None:
        """See Task."""
        _record(journals, self.slot, "redirect", self.message_id, request, outcome, at)

    def _settled(self, registry: Json) -> bool:
        result = messages.result_of(messages.message_of(registry, self.message_id), self.slot)
        return result["state"] not in messages.OPEN


@dataclass(frozen=True)
class Startup:
    """The servant's first message."""

    slot: str

    def needs_proof(self, registry: Json, rules: Rules) -> bool:
        """See Task: the models were listed before."""
        return False

    def begin(self, registry: Json, rules: Rules, at: str) -> Begun:
        """See Task."""
        if registry["state"] == "stopped":
            return None
        servant = servant_of(registry, self.slot)
        store_startup(registry, servant, at)
        return Request(servant["llmModel"], conversation.on_the_wire(servant["llmMessages"], None))

    def settle(self, registry: Json, outcome: Outcome, at: str) -> None:
        """See Task."""
        settling.startup(registry, self.slot, outcome, at)

    def record(self, journals: Journals, request: Request | None, outcome: Outcome, at: str) -> None:
        """See Task."""
        _record(journals, self.slot, "startup", None, request, outcome, at)


@dataclass(frozen=True)
class Liveness:
    """One short line, to see whether the servant is there; nothing of it is kept in the conversation."""

    slot: str

    def needs_proof(self, registry: Json, rules: Rules) -> bool:
        """See Task."""
        return False

    def begin(self, registry: Json, rules: Rules, at: str) -> Begun:
        """See Task: meanwhile another command may have had an answer."""
        servant = servant_of(registry, self.slot)
        if readiness.reasons(servant, rules) != ["lease_expired"]:
            return None
        return liveness_request(servant)

    def settle(self, registry: Json, outcome: Outcome, at: str) -> None:
        """See Task: a check that was interrupted says nothing about the servant."""
        if isinstance(outcome, Answer) or outcome.reason not in _SAYS_NOTHING:
            settling.liveness(registry, self.slot, outcome, at)

    def record(self, journals: Journals, request: Request | None, outcome: Outcome, at: str) -> None:
        """See Task."""
        _happened(journals, self.slot, "liveness", None, outcome, at)


@dataclass(frozen=True)
class Recovery:
    """A blocked servant is brought back: by its startup if that was never answered, else by a short line."""

    slot: str

    def needs_proof(self, registry: Json, rules: Rules) -> bool:
        """See Task."""
        return bool(servant_of(registry, self.slot)["state"] == "blocked")

    def begin(self, registry: Json, rules: Rules, at: str) -> Begun:
        """See Task."""
        servant = servant_of(registry, self.slot)
        if servant["state"] != "blocked":
            return None
        entries = servant["llmMessages"]
        if not conversation.started(entries):
            return Startup(self.slot).begin(registry, rules, at)
        if not conversation.sound(entries, servant["assignment"]):
            return unproved("the servant's stored conversation is not complete; replace the servant")
        return liveness_request(servant)

    def settle(self, registry: Json, outcome: Outcome, at: str) -> None:
        """See Task."""
        servant = servant_of(registry, self.slot)
        if servant["state"] == "starting":
            settling.startup(registry, self.slot, outcome, at)
        elif isinstance(outcome, Answer) or outcome.reason not in _SAYS_NOTHING:
            settling.liveness(registry, self.slot, outcome, at)

    def record(self, journals: Journals, request: Request | None, outcome: Outcome, at: str) -> None:
        """See Task."""
        _happened(journals, self.slot, "recovery", None, outcome, at)


def store_startup(registry: Json, servant: Json, at: str) -> None:
    """Store a servant's system message and its startup message, which is pending."""
    text = instructions.system_message(
        name=servant["name"],
        slot=servant["id"],
        role=servant["role"],
        run_id=registry["runId"],
        scope_token=servant["scopeToken"],
        profile=servant["profile"],
    )
    entries = [entry for entry in servant["llmMessages"] if entry["role"] != "system"]
    entries.insert(0, {"role": "system", "content": text, "at": at, "messageId": None})
    first = instructions.startup_message(servant["assignment"], servant["handoff"])
    conversation.begin(entries, first, None, at)
    servant.update(state="starting", blockedReason=None, llmMessages=entries)
    servant.update(llmMessageCount=len(entries), lastEventAt=at)


def liveness_request(servant: Json) -> Request:
    """The system message and one short user message."""
    system = conversation.system_only(servant["llmMessages"])
    return Request(servant["llmModel"], [*system, {"role": "user", "content": instructions.LIVENESS}])


def _record(
    journals: Journals,
    slot: str,
    what: str,
    message_id: str | None,
    request: Request | None,
    outcome: Outcome,
    at: str,
) -> None:
    if request is not None:
        journals.said(slot, "user", request.messages[-1]["content"], message_id, at)
    if isinstance(outcome, Answer):
        journals.said(slot, "assistant", outcome.text, message_id, at)
    _happened(journals, slot, what, message_id, outcome, at)


def _happened(
    journals: Journals, slot: str, what: str, message_id: str | None, outcome: Outcome, at: str
) -> None:
    answered = isinstance(outcome, Answer)
    journals.happened(
        slot,
        f"{what}_{'answered' if answered else 'failed'}",
        at,
        messageId=message_id,
        attempts=outcome.attempts,
        requestId=outcome.request_id,
        reason=None if isinstance(outcome, Answer) else outcome.reason,
    )
