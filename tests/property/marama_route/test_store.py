"""Whatever is done to a store, in whatever order: every kind of it is what a dictionary would be."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Callable, Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marama_route.core.decision import Attempt, Outcome, RouteDecision, State
from marama_route.store.store import PassedCall, Store
from sovereigncode.audit.record import Entry
from sovereigncode.audit.verdict import End
from tests.faults.marama_route.store.shelves import KINDS, NOW, Shelf, call, decision, now
from tests.unit.sovereigncode.records import entry

TENANTS = ("acme", "Acme", "iwi ā")
SESSIONS = (None, "ses_1", "ses_2")
IDS = tuple(decision(number).id for number in range(6))
WEEK = 7 * 24 * 3600


@dataclass
class Model:
    """What should be there: `stores` is which decisions each process still has to end."""

    time: int = 0
    decisions: dict[tuple[str, str], tuple[int, RouteDecision]] = field(default_factory=dict)
    calls: dict[tuple[str, str | None, str], tuple[int, PassedCall]] = field(default_factory=dict)
    chains: dict[str, list[Entry]] = field(default_factory=dict)

    def shown(self, tenant: str) -> list[RouteDecision]:
        own = [one for (of, _), (_, one) in self.decisions.items() if of == tenant]
        return sorted((one for one in own if one.expires > NOW + self.time), key=lambda one: one.id)[::-1]


@dataclass
class Run:
    """Three processes, each with a store on the same place, and the model of it."""

    shelf: Shelf
    stores: list[Store]
    model: Model = field(default_factory=Model)

    def put(self, who: int, made: RouteDecision) -> None:
        now(self.stores[who].put(made))
        before = self.model.decisions.get((made.tenant, made.id))
        if before is None or before[1].outcome.state is State.PENDING:
            self.model.decisions[made.tenant, made.id] = (who, made)

    def get(self, who: int, tenant: str, name: str) -> None:
        expected = {one.id: one.to_json() for one in self.model.shown(tenant)}.get(name)
        assert now(self.stores[who].get(tenant, name)) == expected

    def listed(self, who: int, tenant: str, before: str | None, limit: int) -> None:
        expected = [one.to_json() for one in self.model.shown(tenant) if before is None or one.id < before]
        found: Sequence[Mapping[str, Any]] = now(self.stores[who].listed(tenant, before=before, limit=limit))
        assert list(found) == expected[:limit]

    def restart(self, who: int) -> None:
        """The process ends, and another one takes its place and settles what it left."""
        now(self.stores[who].close())
        self.stores[who] = self.shelf.opened()
        left = [
            key
            for key, (owner, one) in self.model.decisions.items()
            if owner == who and one.outcome.state is State.PENDING
        ]
        assert now(self.stores[who].interrupted()) == len(left)
        for key in left:
            one = self.model.decisions[key][1]
            self.model.decisions[key] = (who, replace(one, outcome=Outcome(State.FAILED)))

    def remember(self, who: int, calls: Sequence[PassedCall]) -> None:
        now(self.stores[who].remember(calls))
        for one in calls:
            self.model.calls[one.tenant, one.session_id, one.call_id] = (self.model.time + WEEK, one)

    def take(self, who: int, tenant: str, session: str | None, names: Sequence[str]) -> None:
        found = now(self.stores[who].take(tenant, session, names))
        expected = []
        for name in dict.fromkeys(names):
            until, one = self.model.calls.get((tenant, session, name), (0, None))
            if one is not None and until > self.model.time:
                expected.append(one)
                del self.model.calls[tenant, session, name]
        assert list(found) == expected

    def append(self, who: int, tenant: str, entries: Sequence[Entry]) -> None:
        chain = self.model.chains.setdefault(tenant, [])
        records = self.stores[who].audit(tenant).append(entries)
        assert [record.seq for record in records] == [
            len(chain) + number for number in range(1, len(entries) + 1)
        ]
        chain.extend(entries)

    def check(self, who: int, tenant: str, after: int, limit: int | None) -> None:
        chain = self.stores[who].audit(tenant)
        entries = self.model.chains.get(tenant, [])
        last = len(entries) if limit is None else after + limit
        assert [record.entry for record in chain.read(after, limit)] == entries[after:last]
        verdict = chain.verify()
        assert verdict.holds
        assert chain.head() == verdict.end
        assert verdict.end.seq == len(entries)
        assert (verdict.end == End()) is (not entries)

    def expire(self, who: int) -> None:
        gone = [key for key, (_, one) in self.model.decisions.items() if one.expires <= NOW + self.model.time]
        assert now(self.stores[who].expire()) == len(gone)
        for key in gone:
            del self.model.decisions[key]

    def pass_by(self, who: int, seconds: int) -> None:
        self.shelf.clock.pass_by(seconds=seconds)
        self.model.time += seconds


tenants, ids, sessions = map(st.sampled_from, (TENANTS, IDS, SESSIONS))
names = st.sampled_from(("call_0", "call_1", "call_2"))
decisions = st.builds(
    lambda number, tenant, state, life, tries: decision(
        number,
        state,
        tenant=tenant,
        expires=NOW + life,
        attempts=tuple(Attempt("m", "b", 500 + one) for one in range(tries)),
    ),
    st.integers(0, 5),
    tenants,
    st.sampled_from((State.PENDING, State.PENDING, *State)),
    st.sampled_from((0, 10, 100, 1000)),
    st.integers(0, 2),
)
calls = st.builds(
    lambda tenant, session, name, digest: call(
        tenant=tenant, session_id=session, call_id=name, digest=digest
    ),
    tenants,
    sessions,
    names,
    st.text("aé🐑'?%", max_size=5),
)
entries = st.lists(st.builds(entry, st.integers(0, 9)), max_size=3)
STEPS: dict[Callable[..., None], tuple[st.SearchStrategy[Any], ...]] = {
    Run.put: (decisions,),
    Run.get: (tenants, ids),
    Run.listed: (tenants, st.none() | ids, st.integers(0, 4)),
    Run.restart: (),
    Run.remember: (st.lists(calls, max_size=3),),
    Run.take: (tenants, sessions, st.lists(names, max_size=4)),
    Run.append: (tenants, entries),
    Run.check: (tenants, st.integers(0, 3), st.none() | st.integers(0, 3)),
    Run.expire: (),
    Run.pass_by: (st.sampled_from((1, 9, 90, WEEK - 1)),),
}
steps = st.lists(
    st.one_of(*(st.tuples(st.just(step), st.integers(0, 2), *how) for step, how in STEPS.items())),
    max_size=40,
)


@pytest.mark.parametrize("kind", KINDS)
@given(steps)
def test_a_store_is_a_dictionary_that_stays(kind: str, done: Sequence[Any]) -> None:
    memory = Path("/dev/shm")
    root = Path(tempfile.mkdtemp(dir=memory if memory.is_dir() else None))
    shelf = KINDS[kind](root)
    try:
        run = Run(shelf, [shelf.opened() for _ in range(3)])
        for step, *arguments in done:
            step(run, *arguments)
        for tenant in TENANTS:
            run.listed(0, tenant, None, 100)
            run.check(1, tenant, 0, None)
    finally:
        shelf.close()
        shutil.rmtree(root)
