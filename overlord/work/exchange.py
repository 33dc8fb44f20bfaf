"""Several servants asked at once: one thread a servant, one deadline each, and one thread that stores.

The threads only wait for locks and for the network. What they report is stored by the thread that called
`ask`, in one change of the registry for all that has arrived, before it counts.
"""

from __future__ import annotations

import queue
import threading
import time
from dataclasses import dataclass, field
from typing import Callable, Final, Protocol, Sequence

from foundation import signals
from foundation.errors import Refusal
from overlord.core.failures import Answer, Failure, Outcome, failure, timed_out
from overlord.core.json_values import Json
from overlord.core.readiness import Rules
from overlord.core.servants import servant_of
from overlord.service.client import ChatClient, Exchange
from overlord.storage.locks import Lock
from overlord.storage.run_store import RunStore
from overlord.work.tasks import Request, Task, unproved

# A thread that has just timed out reports it itself; after this, it is not waited for.
_GRACE: Final = 0.5
_LOOK_SECONDS: Final = 0.2


class Watcher(Protocol):
    """Who is shown how it goes."""

    def settled(self, slot: str, seconds: float, problem: Failure | None) -> None:
        """A servant has answered, or failed."""

    def waiting(self, slots: Sequence[tuple[str, float]]) -> None:
        """These are still waited for, each for so many seconds; called a few times a second."""


@dataclass(eq=False)
class _Asked:
    """A servant that is being asked: where its thread is."""

    task: Task
    lock: Lock
    inbox: queue.Queue[Callable[[], object] | None] = field(default_factory=queue.Queue)
    exchange: Exchange = field(default_factory=Exchange)
    request: Request | None = None
    step: str = "lock"
    began: float = 0.0
    deadline: float = float("inf")


@dataclass(frozen=True)
class _Event:
    asked: _Asked
    step: str
    value: object


class Proof:
    """The models that the service lists, asked for once however many servants need it."""

    def __init__(self, client: ChatClient) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._listed: Sequence[str] | Failure | None = None

    def of(self, model: str, deadline: float) -> Failure | None:
        """Why the model is not proved to be there; None if it is."""
        with self._lock:
            if self._listed is None:
                try:
                    self._listed = self._client.models(deadline)
                except Failure as problem:
                    self._listed = problem
        if isinstance(self._listed, Failure):
            found = unproved(self._listed.sentence)
            found.body = self._listed.body
            return found
        return None if model in self._listed else unproved("the service does not list the servant's model")


class Asking:
    """Asks tasks at once and stores what comes of them.

    `rules` gives what readiness is measured against, at each moment; `finish` is called in the change that
    settles the last task.
    """

    def __init__(
        self,
        store: RunStore,
        client: ChatClient,
        rules: Callable[[], Rules],
        watcher: Watcher,
        finish: Callable[[Json], object],
    ) -> None:
        self._store = store
        self._client = client
        self._rules = rules
        self._watcher = watcher
        self._finish = finish
        self._proof = Proof(client)
        self._events: queue.Queue[_Event] = queue.Queue()
        self._open: list[_Asked] = []
        self._stopping = False
        self.outcomes: dict[str, Outcome] = {}
        self.seconds: dict[str, float] = {}

    def ask(self, tasks: Sequence[Task], held: Lock | None = None) -> dict[str, Outcome]:
        """Ask them all; returns when every outcome is stored. A task that had nothing to do has none.

        `held` is the lock of the one servant that is asked, if the caller has taken it already.

        Raises Refusal write_failed. When interrupted, what is open is stored as interrupted.
        """
        try:
            for task in tasks:
                self._start(task, held)
            while self._open:
                signals.check()  # one that came while the registry was changed
                self._handle(self._collect())
        except BaseException as stopped:
            self._give_up(stopped)
            raise
        return self.outcomes

    def _start(self, task: Task, held: Lock | None) -> None:
        asked = _Asked(task, held or self._store.locks.servant(task.slot))
        self._open.append(asked)
        until = time.monotonic() + self._client.timeout
        asked.inbox.put(
            lambda: held is not None or self._store.take(asked.lock, until, lambda: self._stopping)
        )
        threading.Thread(target=self._serve, args=(asked,), daemon=True).start()

    def _serve(self, asked: _Asked) -> None:
        """The thread of one servant: does what it is given, and reports what came of it."""
        while True:
            call = asked.inbox.get()
            if call is None:
                return
            step = asked.step
            try:
                value = call()
            except Exception as problem:  # noqa: BLE001 - reported to the thread that stores
                value = problem
            self._events.put(_Event(asked, step, value))

    def _collect(self) -> list[_Event]:
        """Everything that has happened since the last time; waits for the first of it."""
        events = []
        try:
            events.append(self._events.get(timeout=_LOOK_SECONDS))
            while True:
                events.append(self._events.get_nowait())
        except queue.Empty:
            pass
        now = time.monotonic()
        heard = [event.asked for event in events]
        for asked in self._open:
            if now > asked.deadline + _GRACE and asked not in heard:
                asked.exchange.end()
                problem = timed_out(self._client.timeout)
                problem.attempts = asked.exchange.tries
                events.append(_Event(asked, asked.step, problem))
        waiting = [(asked.task.slot, now - asked.began) for asked in self._open if asked.began]
        self._watcher.waiting(waiting)
        return events

    def _handle(self, events: Sequence[_Event]) -> None:
        ready: list[_Asked] = []
        ended: list[tuple[_Asked, Outcome]] = []
        for event in events:
            asked = event.asked
            if asked not in self._open or event.step != asked.step:
                continue  # it came after its time
            if event.step == "lock":
                self._locked(asked, event.value, ready, ended)
            elif event.step == "prove":
                if isinstance(event.value, Failure):
                    ended.append((asked, event.value))
                else:
                    _require(event.value, (type(None),))
                    ready.append(asked)
            else:
                ended.append((asked, _outcome(event.value)))
        if ready:
            self._begin(ready)
        if ended:
            self._settle(ended)

    def _locked(
        self, asked: _Asked, value: object, ready: list[_Asked], ended: list[tuple[_Asked, Outcome]]
    ) -> None:
        if _require(value, (bool,)) is False:
            ended.append((asked, failure("servant_busy")))
            return
        asked.began = time.monotonic()
        asked.deadline = asked.began + self._client.timeout
        registry = self._store.load()
        if asked.task.needs_proof(registry, self._rules()):
            asked.step = "prove"
            model = servant_of(registry, asked.task.slot)["llmModel"]
            asked.inbox.put(lambda: self._proof.of(model, asked.deadline))
        else:
            ready.append(asked)

    def _begin(self, ready: Sequence[_Asked]) -> None:
        """Store what is about to be sent, then have it sent."""
        at = self._store.now()
        rules = self._rules()

        def begin(registry: Json) -> list[Request | Failure | None]:
            begun = [asked.task.begin(registry, rules, at) for asked in ready]
            if len(self._open) == sum(not isinstance(one, Request) for one in begun):
                self._finish(registry)
            return begun

        for asked, begun in zip(ready, self._store.change(begin)):
            if isinstance(begun, Request):
                asked.step = "ask"
                asked.request = begun
                asked.inbox.put(self._sending(asked, begun))
            else:
                self._end(asked, begun)

    def _sending(self, asked: _Asked, request: Request) -> Callable[[], object]:
        def send() -> object:
            try:
                return self._client.complete(request.model, request.messages, asked.deadline, asked.exchange)
            except Failure as problem:
                return problem

        return send

    def _settle(self, ended: Sequence[tuple[_Asked, Outcome]]) -> None:
        at = self._store.now()

        def settle(registry: Json) -> None:
            for asked, outcome in ended:
                asked.task.settle(registry, outcome, at)
            if len(ended) == len(self._open):
                self._finish(registry)

        self._store.change(settle)
        for asked, outcome in ended:
            asked.task.record(self._store.journals, asked.request, outcome, at)
            self._end(asked, outcome)

    def _end(self, asked: _Asked, outcome: Outcome | None) -> None:
        self._open.remove(asked)
        asked.inbox.put(None)
        asked.lock.release()
        if outcome is None:
            return
        slot = asked.task.slot
        self.outcomes[slot] = outcome
        self.seconds[slot] = time.monotonic() - asked.began if asked.began else 0.0
        problem = None if isinstance(outcome, Answer) else outcome
        self._watcher.settled(slot, self.seconds[slot], problem)

    @signals.uninterrupted
    def _give_up(self, stopped: BaseException) -> None:
        """Store that nobody waits any more, unless storing is what failed."""
        self._stopping = True
        left = list(self._open)
        for asked in left:
            asked.exchange.end()
        if isinstance(stopped, Refusal):
            return
        at = self._store.now()

        def settle(registry: Json) -> None:
            for asked in left:
                problem = failure("interrupted")
                problem.attempts = asked.exchange.tries
                asked.task.settle(registry, problem, at)
            self._finish(registry)

        try:
            self._store.change(settle)
        except Refusal:
            return  # the next command finds that nobody works on it


def _outcome(value: object) -> Outcome:
    if isinstance(value, (Answer, Failure)):
        return value
    _require(value, (Answer,))
    raise AssertionError


def _require(value: object, kinds: tuple[type, ...]) -> object:
    """The value; what a thread raised is raised here."""
    if isinstance(value, BaseException):
        raise value
    assert isinstance(value, kinds)  # noqa: S101 - what the steps return
    return value
