"""What every store promises: what was put is there, once and for its tenant only, and an outcome is final."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import Any, Callable, Coroutine

import pytest

from foundation.errors import Refusal
from marama_route.core.decision import Outcome, RouteDecision, State
from marama_route.store.store import Store
from tests.faults.marama_route.store.shelves import DONE, TENANT, USAGE, Shelf, call, decision, now, tried
from tests.unit.sovereigncode.records import entry

HOSTILE = (
    "'; DROP TABLE decisions; --",
    '"%s" ? :name $1 {marks} {}',
    "a\0b",
    "half \ud83d a character",
    "\U0001f411 ā",
    "x" * 100_000,
    "%",
    "_",
    "\\",
)


def test_what_was_put_is_there(store: Store) -> None:
    made = decision()
    now(store.put(made))
    kept = now(store.get(TENANT, made.id))
    assert kept == json.loads(json.dumps(made.to_json()))
    assert list(kept or ()) == list(made.to_json())


def test_another_process_sees_it_at_once(shelf: Shelf) -> None:
    first, second = shelf.opened(), shelf.opened()
    for number in range(3):
        now(first.put(decision(number)))
        assert now(second.get(TENANT, decision(number).id))
        now(second.put(decision(number).ended(DONE)))
        kept = now(first.get(TENANT, decision(number).id))
        assert kept is not None
        assert kept["outcome"] == DONE.to_json()


def test_what_is_not_there_is_none(store: Store) -> None:
    now(store.put(decision()))
    assert now(store.get("other", decision().id)) is None
    assert now(store.get(TENANT, decision(2).id)) is None
    assert now(store.get(TENANT, "")) is None


def test_two_tenants_may_have_the_same_id(store: Store) -> None:
    now(store.put(decision(workspace="/one")))
    now(store.put(decision(workspace="/two", tenant="other")))
    mine, other = now(store.get(TENANT, decision().id)), now(store.get("other", decision().id))
    assert mine is not None
    assert other is not None
    assert (mine["workspace"], other["workspace"]) == ("/one", "/two")


def test_an_expired_one_is_none_from_its_second_on(shelf: Shelf) -> None:
    store = shelf.opened()
    now(store.put(decision()))
    shelf.clock.pass_by(seconds=3599)
    assert now(store.get(TENANT, decision().id))
    assert len(now(store.listed(TENANT))) == 1
    shelf.clock.pass_by(seconds=1)
    assert now(store.get(TENANT, decision().id)) is None
    assert now(store.listed(TENANT)) == []


@pytest.mark.parametrize("state", [one for one in State if one is not State.PENDING])
def test_an_outcome_is_final(store: Store, state: State) -> None:
    made = decision()
    now(store.put(made))
    now(store.put(tried(made)))
    now(store.put(tried(made).ended(Outcome(state, "stop", USAGE))))
    kept = now(store.get(TENANT, made.id))
    assert kept is not None
    assert kept["outcome"] == {"state": state.value, "finish_reason": "stop", "usage": USAGE}
    assert len(kept["attempts"]) == 1
    for later in (made, made.ended(DONE), made.ended(Outcome(State.FAILED)), decision(expires=2**40)):
        now(store.put(later))
        assert now(store.get(TENANT, made.id)) == kept


def test_the_list_has_the_newest_first(store: Store) -> None:
    for number in (3, 1, 5, 2, 4):
        now(store.put(decision(number)))
        now(store.put(decision(number, tenant="other")))
    ids = [decision(number).id for number in (5, 4, 3, 2, 1)]

    def listed(**how: Any) -> list[str]:
        return [one["id"] for one in now(store.listed(TENANT, **how))]

    assert listed() == ids
    assert listed(limit=2) == ids[:2]
    assert listed(before=ids[1], limit=2) == ids[2:4]
    assert listed(before=ids[4]) == []
    assert listed(before="") == []
    assert listed(limit=0) == listed(limit=-1) == []
    assert listed(limit=2**70) == ids
    assert now(store.listed("nobody")) == []


def test_what_an_ended_process_left_is_failed(shelf: Shelf) -> None:
    """A closed store stands for an ended process; test_sqlite_killed.py kills real ones."""
    ended, running, starting = shelf.opened(), shelf.opened(), shelf.opened()
    now(ended.put(tried(decision(1))))
    now(ended.put(decision(2).ended(DONE)))
    now(running.put(decision(3)))
    now(starting.put(decision(4)))
    assert now(starting.interrupted()) == 0
    now(ended.close())
    assert now(starting.interrupted()) == 1
    assert now(starting.interrupted()) == 0
    kept = {one["id"]: one for one in now(starting.listed(TENANT))}
    assert kept[decision(1).id] == {
        **tried(decision(1)).to_json(),
        "outcome": {"state": "failed", "finish_reason": None, "usage": None},
    }
    states = [kept[decision(number).id]["outcome"]["state"] for number in (2, 3, 4)]
    assert states == ["completed", "pending", "pending"]
    now(running.put(decision(1).ended(DONE)))
    assert now(running.get(TENANT, decision(1).id)) == kept[decision(1).id]


def test_many_that_were_left_are_all_failed(shelf: Shelf) -> None:
    ended, starting = shelf.opened(), shelf.opened()

    async def left() -> None:
        await asyncio.gather(*(ended.put(decision(number)) for number in range(1201)))

    now(left())
    now(ended.close())
    assert now(starting.interrupted()) == 1201
    assert {one["outcome"]["state"] for one in now(starting.listed(TENANT, limit=2000))} == {"failed"}


def test_what_has_expired_is_removed(shelf: Shelf) -> None:
    store = shelf.opened()

    async def filled() -> None:
        await asyncio.gather(*(store.put(decision(number)) for number in range(1003)))
        await asyncio.gather(*(store.put(decision(number, expires=2**40)) for number in range(2000, 2003)))

    now(filled())
    assert now(store.expire()) == 0
    shelf.clock.pass_by(hours=1)
    assert now(store.expire()) == 1003
    assert now(store.expire()) == 0
    assert shelf.sql("SELECT count(*) FROM decisions") == [(3,)]


def test_a_passed_call_is_given_out_once(store: Store) -> None:
    now(store.remember([call(1), call(2), call(3)]))
    assert now(store.take(TENANT, "ses_1", [])) == []
    assert now(store.take("other", "ses_1", ["call_1"])) == []
    assert now(store.take(TENANT, "ses_2", ["call_1"])) == []
    assert now(store.take(TENANT, None, ["call_1"])) == []
    assert now(store.take(TENANT, "ses_1", ["call_3", "call_9", "call_1", "call_3"])) == [call(3), call(1)]
    assert now(store.take(TENANT, "ses_1", ["call_3", "call_1"])) == []
    assert now(store.take(TENANT, "ses_1", ["call_2"])) == [call(2)]


def test_calls_without_a_session_or_a_capsule(store: Store) -> None:
    bare = call(session_id=None, capsule_id=None)
    now(store.remember([bare]))
    now(store.remember([]))
    assert now(store.take(TENANT, "ses_1", ["call_1"])) == []
    assert now(store.take(TENANT, None, ["call_1"])) == [bare]


def test_of_two_calls_with_the_same_id_the_later_one_counts(store: Store) -> None:
    """Some backends count from 0 in every answer."""
    now(store.remember([call(1), call(1, digest="later", decision_id=decision(2).id)]))
    assert now(store.take(TENANT, "ses_1", ["call_1"])) == [
        call(1, digest="later", decision_id=decision(2).id)
    ]


def test_a_conversation_of_thousands_of_calls(store: Store) -> None:
    many = [call(number) for number in range(2345)]
    now(store.remember(many))
    ids = [f"call_{number}" for number in range(5000)]
    assert now(store.take(TENANT, "ses_1", ids)) == many
    assert now(store.take(TENANT, "ses_1", ids)) == []


def test_two_requests_that_take_the_same_calls(shelf: Shelf) -> None:
    one, two = shelf.opened(), shelf.opened()
    now(one.remember([call(number) for number in range(50)]))
    ids = [f"call_{number}" for number in range(50)]

    async def taken() -> list[str]:
        work = [store.take(TENANT, "ses_1", ids[number:] + ids[:number])
                for number in range(6) for store in (one, two)]  # fmt: skip
        return [each.call_id for found in await asyncio.gather(*work) for each in found]

    assert sorted(now(taken())) == sorted(ids)


def test_calls_are_kept_for_seven_days(shelf: Shelf) -> None:
    store = shelf.opened()
    now(store.remember([call(number) for number in range(1001)]))
    shelf.clock.pass_by(days=7, seconds=-1)
    now(store.expire())
    assert now(store.take(TENANT, "ses_1", ["call_1"])) == [call(1)]
    shelf.clock.pass_by(seconds=1)
    assert now(store.take(TENANT, "ses_1", ["call_2"])) == []
    assert now(store.expire()) == 0
    assert shelf.sql("SELECT count(*) FROM passed_calls") == [(0,)]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_any_text_is_only_a_value(store: Store, text: str) -> None:
    made = decision(tenant=text, requested_model=text, session_id=text)
    now(store.put(decision()))
    now(store.put(made))
    kept = now(store.get(text, made.id))
    assert kept is not None
    assert (kept["requested_model"], kept["tenant"]) == (text, text)
    assert [one["id"] for one in now(store.listed(text))] == [made.id]
    assert now(store.get(TENANT, text)) is None
    assert now(store.listed(text, before=text)) in ([], [kept])
    hostile = call(tenant=text, session_id=text, call_id=text, tool_class=text, digest=text)
    now(store.remember([hostile]))
    (found,) = now(store.take(text, text, [text]))
    assert found.session_id == text
    assert now(store.take(text, text, [text])) == []
    store.audit(text).append([entry(tenant=text[:1000])])
    assert store.audit(text).verify().holds
    assert now(store.get(TENANT, decision().id))


@pytest.mark.parametrize(
    ("usage", "kept"),
    [
        ({"n": float("nan"), "i": [float("-inf")], "t": "\ud800"}, {"n": None, "i": [None], "t": "\ud800"}),
        ({"large": 2**70, "\ud800": [1, (2, True)]}, {"large": 2**70, "\ud800": [1, [2, True]]}),
    ],
)
def test_a_usage_that_no_json_has(store: Store, usage: dict[str, Any], kept: dict[str, Any]) -> None:
    """It comes from a backend, which may send anything that Python's parser takes."""
    now(store.put(decision().ended(Outcome(State.COMPLETED, "stop", usage))))
    found = now(store.get(TENANT, decision().id))
    assert found is not None
    assert found["outcome"]["usage"] == kept


def test_a_usage_that_never_ends_is_cut(store: Store) -> None:
    usage: dict[str, Any] = {}
    for _ in range(100_000):
        usage = {"u": usage}
    now(store.put(decision().ended(Outcome(State.COMPLETED, "stop", usage))))
    assert now(store.get(TENANT, decision().id))


def test_the_probe_reads_and_writes(store: Store) -> None:
    now(store.probe())
    now(store.probe())


def test_a_closed_store_says_so_and_can_be_closed_twice(shelf: Shelf) -> None:
    store = shelf.opened()
    chain = store.audit(TENANT)
    chain.append([entry()])
    now(store.close())
    now(store.close())
    calls: list[Callable[[], Coroutine[Any, Any, Any]]] = [
        lambda: store.put(decision()),
        lambda: store.get(TENANT, decision().id),
        lambda: store.listed(TENANT),
        store.interrupted,
        lambda: store.remember([call()]),
        lambda: store.take(TENANT, None, ["x"]),
        store.expire,
        store.probe,
    ]
    for work in calls:
        with pytest.raises(Refusal) as caught:
            now(work())
        assert caught.value.kind == "not_ready"
    for act in (lambda: chain.append([entry()]), chain.head, chain.verify, lambda: list(chain.read())):
        with pytest.raises(Refusal) as caught:
            act()
        assert caught.value.kind == "audit_unusable"


def test_what_waits_is_written_when_the_store_is_closed(shelf: Shelf) -> None:
    store, other = shelf.opened(), shelf.opened()

    async def work() -> None:
        waiting = [asyncio.ensure_future(store.put(decision(number))) for number in range(200)]
        await asyncio.sleep(0)
        await store.close()
        await asyncio.gather(*waiting)

    now(work())
    assert len(now(other.listed(TENANT, limit=1000))) == 200


def test_many_tasks_and_loops_at_once(store: Store) -> None:
    ended: list[int] = []

    async def tasks(who: int) -> None:
        async def one(number: int) -> None:
            made = decision(1000 * who + number)
            await store.put(made)
            assert await store.get(TENANT, made.id)
            await store.put(made.ended(DONE))

        await asyncio.gather(*(one(number) for number in range(40)))

    def loop(who: int) -> None:
        asyncio.run(tasks(who))
        ended.append(who)

    threads = [threading.Thread(target=loop, args=(who,)) for who in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert sorted(ended) == [0, 1, 2, 3]
    kept = now(store.listed(TENANT, limit=1000))
    assert len(kept) == 160
    assert {one["outcome"]["state"] for one in kept} == {"completed"}


def test_a_task_that_is_cancelled_harms_nobody(store: Store) -> None:
    async def work() -> None:
        tasks = [asyncio.ensure_future(store.put(decision(number))) for number in range(100)]
        await asyncio.sleep(0)
        for task in tasks[::2]:
            task.cancel()
        await asyncio.gather(*tasks[1::2])
        await asyncio.gather(*tasks, return_exceptions=True)

    now(work())
    kept = {one["id"] for one in now(store.listed(TENANT, limit=1000))}
    assert kept >= {decision(number).id for number in range(1, 100, 2)}


def test_a_decision_is_small(store: Store, shelf: Shelf, figure: Callable[[str, float, str], None]) -> None:
    made: RouteDecision = decision()
    now(store.put(made))
    ((size,),) = shelf.sql("SELECT length(document) FROM decisions")
    figure("a decision about three models", size, "bytes")
