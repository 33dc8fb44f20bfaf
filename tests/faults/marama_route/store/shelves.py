"""Throw-away stores of every kind, opened as several processes would, and decisions to keep in them.

A database is one entry of KINDS: then every test here runs with it, too.
"""

from __future__ import annotations

import asyncio
import sqlite3
from abc import ABC, abstractmethod
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Callable, Coroutine, Final, TypeVar

from marama_route.core.decision import Attempt, Outcome, RouteDecision, State, new_id, request_hash
from marama_route.store.sqlite import SqliteStore
from marama_route.store.store import PassedCall, Store
from tests.unit.marama_route.asking import CHAT, MODEL, hints, named, registry, routed
from tests.unit.sovereigncode.records import Clock

_T = TypeVar("_T")
TENANT: Final = "acme"
ROUTED: Final = routed(registry(MODEL, named("n"), named("us", residency=("US",))), CHAT)
HINTS: Final = hints(CHAT)
USAGE: Final = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
DONE: Final = Outcome(State.COMPLETED, "stop", USAGE)
# The seconds of `records.START`.
NOW: Final = 1_795_771_800


@dataclass
class Shelf(ABC):
    """One place where decisions are kept; each opened store is what one process has."""

    root: Path
    clock: Clock = field(default_factory=Clock)
    stores: list[Store] = field(default_factory=list)

    @abstractmethod
    def opened(self, wait_seconds: float = 60.0) -> Store:
        """A store, as a process that starts opens it."""

    @abstractmethod
    def sql(self, statement: str, *parameters: object) -> list[Any]:
        """What somebody does to the database behind our back."""

    def close(self) -> None:
        for store in self.stores:
            now(store.close())


class SqliteShelf(Shelf):
    """A SQLite file."""

    @property
    def path(self) -> Path:
        return self.root / "marama-route" / "gateway.sqlite3"

    def opened(self, wait_seconds: float = 60.0) -> SqliteStore:
        store = SqliteStore.opened(self.path, self.clock, wait_seconds=wait_seconds)
        self.stores.append(store)
        return store

    def sql(self, statement: str, *parameters: object) -> list[Any]:
        with closing(sqlite3.connect(self.path, timeout=60)) as connection, connection:
            return connection.execute(statement, parameters).fetchall()


KINDS: Final[dict[str, Callable[[Path], Shelf]]] = {"sqlite": SqliteShelf}


def now(work: Coroutine[Any, Any, _T]) -> _T:
    """Run one call of a store to its end."""
    return asyncio.run(work)


def decision(number: int = 1, state: State = State.PENDING, **fields: Any) -> RouteDecision:
    """The decision with this number: higher ones are newer. It expires an hour after START."""
    made = RouteDecision(
        id=new_id(number, bytes(10)),
        created=NOW,
        expires=NOW + 3600,
        tenant=TENANT,
        workspace="/shop",
        capsule_id="c",
        session_id="ses_1",
        requested_model="lumynax/auto",
        dry_run=False,
        request=HINTS,
        routed=ROUTED,
        request_hash=request_hash(b"%d" % number),
        config_hash="sha256:0",
        outcome=Outcome(state),
    )
    return replace(made, **fields)


def tried(made: RouteDecision) -> RouteDecision:
    return made.tried(Attempt("m", "b", 200, None, 5, 7))


def call(number: int = 1, **fields: Any) -> PassedCall:
    made = PassedCall(
        TENANT, "ses_1", f"call_{number}", decision(number).id, "c", "shell", f"digest {number}"
    )
    return replace(made, **fields)
