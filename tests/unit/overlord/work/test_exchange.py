"""Asked at once, settled once each: also a servant that answers at the very end of its time."""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import Any, Callable

import pytest

from foundation import signals
from foundation.errors import Refusal
from overlord.core import messages
from overlord.core.failures import Answer, Failure
from overlord.core.json_values import Json
from overlord.work import exchange
from overlord.work.exchange import Asking
from overlord.work.tasks import Redirect
from tests.support.overlord_runs import AT, answer, message, ready, rules

SLOTS = ("ultra", "normal-1", "normal-2")


class NoLock:
    def release(self) -> None:
        pass


class Store:
    """A run in memory."""

    def __init__(self, registry: Json) -> None:
        self.registry = registry
        self.locks = self.journals = self

    def servant(self, _: str) -> NoLock:
        return NoLock()

    def take(self, *_: Any) -> bool:
        return True

    def said(self, *_: Any) -> None:
        pass

    def happened(self, *_: Any, **__: Any) -> None:
        pass

    def now(self) -> str:
        return AT

    def load(self) -> Json:
        return self.registry

    def change(self, mutate: Callable[[Json], Any]) -> Any:
        return mutate(self.registry)


class Client:
    timeout = 30.0

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def complete(self, _: str, sent: list[Json], __: float, exchange: Any) -> Answer:
        exchange.tries += 1
        assert [entry["role"] for entry in sent] == ["system", "user", "assistant", "user"]
        time.sleep(self._seconds)
        return answer("Yes")


class Watcher:
    def __init__(self) -> None:
        self.seen: list[tuple[str, Failure | None]] = []

    def settled(self, slot: str, seconds: float, problem: Failure | None) -> None:
        self.seen.append((slot, problem))

    def waiting(self, slots: Any) -> None:
        pass


def asked(client: Client) -> tuple[Json, Watcher, list[str]]:
    registry = ready()
    message_id = message(registry, "Why?", *SLOTS)
    watcher, finished = Watcher(), []
    store: Any = Store(registry)
    service: Any = client
    asking = Asking(store, service, rules, watcher, lambda _: finished.append("finished"))
    outcomes = asking.ask([Redirect(slot, message_id) for slot in SLOTS])
    assert set(outcomes) == set(asking.seconds) == set(SLOTS)
    assert sorted(slot for slot, _ in watcher.seen) == sorted(SLOTS)
    return messages.message_of(registry, message_id), watcher, finished


def test_every_servant_is_settled_once_and_the_end_comes_once() -> None:
    stored, watcher, finished = asked(Client(0.0))
    assert stored["state"] == "completed"
    assert [problem for _, problem in watcher.seen] == [None] * 3
    assert finished == ["finished"]


def test_an_answer_that_comes_as_the_time_ends_is_one_result(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "_GRACE", -60.0)  # the time of each has ended as soon as it is asked
    stored, _, finished = asked(Client(0.0))
    assert {result["state"] for result in stored["servantResults"]} <= {"completed", "failed"}
    assert finished == ["finished"]


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
def test_a_signal_that_comes_while_something_is_stored_ends_the_waiting() -> None:
    class Interrupted(Store):
        @signals.uninterrupted
        def change(self, mutate: Callable[[Json], Any]) -> Any:
            if not self.registry.get("sent"):
                self.registry["sent"] = True
                os.kill(os.getpid(), signal.SIGINT)
            return mutate(self.registry)

    registry = ready()
    message_id = message(registry, "Why?", *SLOTS)
    store: Any = Interrupted(registry)
    service: Any = Client(20.0)
    asking = Asking(store, service, rules, Watcher(), lambda _: None)
    with pytest.raises(Refusal) as caught, signals.cancellation():
        asking.ask([Redirect(slot, message_id) for slot in SLOTS])
    assert caught.value.kind == "cancelled"
    results = messages.message_of(registry, message_id)["servantResults"]
    assert {result["failureReason"] for result in results} == {"interrupted"}


def test_who_does_not_end_in_time_has_timed_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "_GRACE", -60.0)
    stored, _, _ = asked(Client(5.0))
    assert {result["failureReason"] for result in stored["servantResults"]} == {"timeout"}
