"""The files of approvals: asked, decided, used once, expired; and what the chain says about it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Callable, Mapping, Sequence

import pytest

from foundation.errors import Refusal
from sovereigncode.approvals.approval import FIELDS, State
from sovereigncode.approvals.call import Call
from sovereigncode.approvals.store import Approvals, Asked
from sovereigncode.audit.log import AuditLog
from sovereigncode.audit.record import Entry, Record, chained
from tests.unit.sovereigncode.asked import ASKED, HOUR
from tests.unit.sovereigncode.records import START, Clock, Place, entry

OTHER = replace(ASKED, call=Call.of("bash", '{"command": "git push -f"}', "shop", "ses_1"))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def said(place: Place) -> list[tuple[str | None, str | None]]:
    return [(record.entry.decision, record.entry.actor) for record in place.log.read()]


def decided(work: Any, *arguments: Any) -> str:
    with pytest.raises(Refusal) as caught:
        work(*arguments)
    assert caught.value.where is not None
    return f"{caught.value.kind}: {caught.value.message}"


def test_an_approval_from_the_question_to_its_use(place: Place) -> None:
    made = place.approvals.request(ASKED, HOUR)
    path = place.approvals.folder / f"{made.id}.json"
    value = json.loads(path.read_bytes())
    assert list(value) == list(FIELDS)
    assert (value["state"], value["created"], value["expires"]) == (
        "pending",
        "2026-11-27T09:30:00.000Z",
        "2026-11-27T10:30:00.000Z",
    )
    assert (value["tool"], value["class"], value["arguments"]) == (
        "bash",
        "publish",
        {"command": "git push", "timeout": 5},
    )
    assert (value["decided_at"], value["decided_by"], value["note"]) == (None, None, None)
    assert place.approvals.consume([ASKED]) is None
    place.clock.pass_by(minutes=5)
    place.approvals.approve(made.id, "ada", "go ahead")
    value = json.loads(path.read_bytes())
    assert (value["state"], value["decided_at"], value["decided_by"], value["note"]) == (
        "approved",
        "2026-11-27T09:35:00.000Z",
        "ada",
        "go ahead",
    )
    assert place.approvals.consume([OTHER]) is None
    (used,) = place.approvals.consume([ASKED]) or (None,)
    assert used is not None
    assert (used.id, used.state) == (made.id, State.USED)
    assert json.loads(path.read_bytes())["state"] == "used"
    assert place.approvals.consume([ASKED]) is None
    assert said(place) == [("pending", None), ("approved", "ada"), ("used", None)]
    records = list(place.log.read())
    assert {record.entry.request_hash for record in records} == {made.digest}
    assert {record.entry.approval_id for record in records} == {made.id}
    assert {(record.entry.kind, record.entry.action) for record in records} == {("approval", "publish")}
    assert "git push" not in "".join(record.line.decode() for record in records)


def test_no_is_no(place: Place) -> None:
    made = place.approvals.request(ASKED, HOUR)
    place.approvals.reject(made.id, "ada", "not on a Friday")
    assert place.approvals.consume([ASKED]) is None
    assert decided(place.approvals.approve, made.id, "eve") == (
        "approval_decided: this approval is already rejected"
    )
    assert place.approvals.get(made.id).state is State.REJECTED
    assert said(place) == [("pending", None), ("rejected", "ada")]


def test_what_is_decided_is_not_decided_again(place: Place) -> None:
    made = place.approvals.request(ASKED, HOUR)
    place.approvals.approve(made.id, "ada")
    for decide in (place.approvals.approve, place.approvals.reject):
        assert decided(decide, made.id, "eve").startswith(
            "approval_decided: this approval is already approved"
        )
    place.approvals.consume([ASKED])
    assert "is used" in decided(place.approvals.approve, made.id, "eve")


def test_an_approval_expires_wherever_it_is(place: Place) -> None:
    waiting, granted = place.approvals.request(ASKED, HOUR), place.approvals.request(ASKED, HOUR)
    place.approvals.approve(granted.id, "ada")
    place.clock.pass_by(minutes=60)
    assert {one.state for one in place.approvals.listed()} == {State.EXPIRED}
    assert place.approvals.consume([ASKED]) is None
    assert "has expired" in decided(place.approvals.approve, waiting.id, "ada")
    assert {one.id for one in place.approvals.expire()} == {waiting.id, granted.id}
    assert place.approvals.expire() == ()
    place.clock.pass_by(minutes=-30)
    assert {one.state for one in place.approvals.listed()} == {State.EXPIRED}, (
        "a clock set back changes nothing"
    )
    assert place.approvals.consume([ASKED]) is None


@pytest.mark.parametrize("back", [timedelta(minutes=5), timedelta(days=400)])
def test_a_clock_that_is_set_back_gives_no_more_time(place: Place, back: timedelta) -> None:
    made = place.approvals.request(ASKED, HOUR)
    place.approvals.approve(made.id, "ada")
    place.clock.now -= back
    assert place.approvals.consume([ASKED]) is None
    assert place.approvals.expire() == (), "it has not expired for good: the clock may be set right"
    place.clock.now += back
    assert place.approvals.consume([ASKED]) is not None


def test_a_clock_that_jumps_ahead_and_back_costs_nothing_but_the_time(place: Place) -> None:
    made = place.approvals.request(ASKED, HOUR)
    place.approvals.approve(made.id, "ada")
    place.clock.pass_by(days=4000)
    assert place.approvals.consume([ASKED]) is None
    place.clock.now = START
    assert place.approvals.consume([ASKED]) is not None


@pytest.mark.parametrize("year", [1, 1969, 1970, 9999])
def test_a_clock_that_says_anything(place: Place, year: int) -> None:
    place.clock.now = datetime(year, 12, 31, 23, 59, 59, tzinfo=timezone.utc)
    made = place.approvals.request(ASKED, timedelta(days=400))
    place.approvals.approve(made.id, "ada")
    (used,) = place.approvals.consume([ASKED]) or (None,)
    assert used is not None
    assert place.log.verify().holds


def test_approvals_that_come_with_a_workspace_do_not_count(place: Place) -> None:
    """A cloned repository may bring a chain that holds, with approvals for calls to come."""
    made = place.approvals.request(ASKED, HOUR)
    place.approvals.approve(made.id, "eve")
    place.log.head_path.unlink()
    assert place.log.verify().holds
    for _ in range(2):
        assert [one.state for one in place.approvals.listed()] == [State.INVALID]
        assert place.approvals.consume([ASKED]) is None
        place.log.append([entry()])
    again = place.approvals.request(ASKED, HOUR)
    place.approvals.approve(again.id, "ada")
    (used,) = place.approvals.consume([ASKED]) or (None,)
    assert used is not None
    assert used.id == again.id


def test_nobody_is_asked_twice_for_the_same_call(place: Place) -> None:
    (made,) = place.approvals.ask([ASKED], HOUR)
    for state in (State.PENDING, State.APPROVED):
        (found,) = place.approvals.ask([ASKED], HOUR)
        assert (found.id, found.state) == (made.id, state)
        if state is State.PENDING:
            place.approvals.approve(made.id, "ada")
    assert len(place.approvals.listed()) == 1
    place.approvals.consume([ASKED])
    (another,) = place.approvals.ask([ASKED], HOUR)
    assert (another.state, another.id == made.id) == (State.PENDING, False)
    assert another.approval == place.approvals.get(another.id).approval


def test_each_call_has_an_approval_of_its_own(place: Place) -> None:
    """The same call twice needs two; one that is approved comes before one that waits."""
    twice = place.approvals.ask([ASKED, OTHER, ASKED], HOUR)
    assert len({one.id for one in twice}) == 3
    again = place.approvals.ask([ASKED, OTHER, ASKED], HOUR)
    assert {one.id for one in again} == {one.id for one in twice}
    assert again[1].id == twice[1].id
    place.approvals.approve(twice[2].id, "ada")
    assert place.approvals.ask([ASKED], HOUR)[0].id == twice[2].id
    assert place.approvals.consume([ASKED, ASKED]) is None
    assert place.approvals.consume([ASKED, OTHER]) is None, "one of two is nothing, and uses nothing up"
    place.approvals.approve(twice[0].id, "ada")
    assert {one.id for one in place.approvals.consume([ASKED, ASKED]) or ()} == {twice[0].id, twice[2].id}
    assert place.approvals.get(twice[1].id).state is State.PENDING


@pytest.mark.parametrize("tenant", ["other", None, ""])
def test_an_approval_is_for_its_tenant(place: Place, tenant: str | None) -> None:
    """A workspace without a policy belongs to several, and a session's name is what a client says it is."""
    made = place.approvals.request(ASKED, HOUR)
    place.approvals.approve(made.id, "ada")
    assert place.approvals.consume([replace(ASKED, tenant=tenant)]) is None
    assert place.approvals.ask([replace(ASKED, tenant=tenant)], HOUR)[0].id != made.id
    assert place.approvals.consume([ASKED]) is not None


def test_what_is_recorded_with_a_use_is_recorded_after_it_or_not_at_all(place: Place) -> None:
    made = place.approvals.request(ASKED, HOUR)
    assert place.approvals.consume([ASKED], [entry()]) is None
    assert len(said(place)) == 1
    place.approvals.approve(made.id, "ada")
    assert place.approvals.consume([ASKED], [entry()]) is not None
    assert [record.entry.kind for record in place.log.read()] == ["approval"] * 3 + ["policy"]


def test_several_are_looked_at_as_they_are_now(place: Place) -> None:
    first, second = place.approvals.ask([ASKED, OTHER], HOUR)
    place.approvals.reject(second.id, "ada")
    assert [one.state for one in place.approvals.current([second.id, first.id])] == [
        State.REJECTED,
        State.PENDING,
    ]
    first.place.unlink()
    assert place.approvals.current([first.id])[0].state is State.INVALID


def test_reading_makes_no_folder(place: Place) -> None:
    before = place.tree()
    assert place.approvals.listed() == ()
    assert decided(place.approvals.get, "ap_" + "0" * 32).startswith("approval_not_found")
    assert place.tree() == before


def test_what_is_too_large_to_judge_is_refused(place: Place) -> None:
    huge = Asked(Call.of("write", json.dumps({"text": "x" * (17 << 20)}), None, None), "file_write", "huge")
    with pytest.raises(Refusal) as caught:
        place.approvals.request(huge, HOUR)
    assert caught.value.kind == "request_invalid"
    assert place.approvals.listed() == ()
    assert list(place.log.read()) == []


def test_texts_that_are_not_unicode_are_kept_as_escapes(place: Place) -> None:
    header = b"ses\xff".decode("utf-8", "surrogateescape")
    call = Call.of("bash", '{"x": "\\ud800"}', "shop", header)
    asked = Asked(call, "shell", "run \udc80", "+\udc80", tenant=header)
    made = place.approvals.request(asked, HOUR)
    place.approvals.approve(made.id, header, header)
    (used,) = place.approvals.consume([asked]) or (None,)
    assert used is not None
    assert (used.call.session_id, used.decided_by, used.summary) == (
        "ses\\udcff",
        "ses\\udcff",
        "run \\udc80",
    )


def test_nothing_counts_while_the_chain_does_not_hold(place: Place) -> None:
    made = place.approvals.request(ASKED, HOUR)
    place.approvals.approve(made.id, "ada")
    place.file.write_bytes(place.file.read_bytes().replace(b'"actor":"ada"', b'"actor":"eve"'))
    for work in (place.approvals.listed, lambda: place.approvals.consume([ASKED]), place.approvals.expire):
        assert decided(work).startswith("chain_broken")


def test_what_cannot_be_recorded_is_not_written(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each change is in the chain first; without that the file stays as it was."""
    waiting, granted = place.approvals.request(ASKED, HOUR), place.approvals.request(ASKED, HOUR)
    place.approvals.approve(granted.id, "ada")
    approvals, before = place.approvals, place.tree()

    def full(*_: object) -> None:
        raise Refusal("write_failed", "no space left", next_step="free up space")

    monkeypatch.setattr(AuditLog, "append", full)
    works: list[Callable[[], object]] = [
        lambda: approvals.request(ASKED, HOUR),
        lambda: approvals.approve(waiting.id, "ada"),
        lambda: approvals.reject(waiting.id, "ada"),
        lambda: approvals.consume([ASKED]),
    ]
    for work in works:
        with pytest.raises(Refusal, match="no space"):
            work()
        assert place.tree() == before
    place.clock.pass_by(hours=2)
    with pytest.raises(Refusal, match="no space"):
        approvals.expire()
    assert place.tree() == before


class Database:
    """A chain in memory, as a gateway would keep one in a database."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.records: list[Record] = []

    def append(self, entries: Sequence[Entry]) -> tuple[Record, ...]:
        prev = self.records[-1].hash if self.records else None
        made = chained(entries, seq=len(self.records), prev=prev, now=self.clock())
        self.records += made
        return made

    def approvals(self) -> Mapping[str, tuple[Record, ...]]:
        found: dict[str, tuple[Record, ...]] = {}
        for record in self.records:
            if record.entry.kind == "approval" and record.entry.approval_id is not None:
                found[record.entry.approval_id] = (*found.get(record.entry.approval_id, ()), record)
        return found


def test_the_chain_may_be_in_a_database(place: Place) -> None:
    database: Any = Database(place.clock)
    approvals = Approvals(place.workspace, place.host, database)
    made = approvals.request(ASKED, HOUR)
    assert approvals.consume([ASKED]) is None
    approvals.approve(made.id, "ada")
    assert approvals.consume([ASKED]) is not None
    assert approvals.consume([ASKED]) is None
    assert not place.log.folder.exists()
