"""What holds for every call, every approval and every order of events."""

from __future__ import annotations

import json
import os
import tempfile
import uuid
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from foundation.errors import Refusal
from sovereigncode.approvals.approval import Approval, State, is_id, moment, new_id, parsed
from sovereigncode.approvals.call import Call
from sovereigncode.approvals.watching import coloured
from tests.unit.sovereigncode.asked import ASKED, HOUR, ID, WAITING
from tests.unit.sovereigncode.records import Place, entry

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.integers(0, 200_000_000_000_000), st.binary(min_size=10, max_size=10))
def test_ids_are_uuids_of_version_7_in_the_order_of_time(milliseconds: int, random: bytes) -> None:
    now = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(milliseconds=milliseconds)
    made = new_id(now, random)
    assert is_id(made)
    value = uuid.UUID(made[3:])
    assert (value.version, value.variant) == (7, uuid.RFC_4122)
    assert abs((value.int >> 80) - now.timestamp() * 1000) <= 1
    assert new_id(now + timedelta(milliseconds=2), bytes(10)) > made


@given(JSON, JSON)
def test_digests_are_equal_only_for_equal_arguments(one: Any, other: Any) -> None:
    """Arguments that both have canonical JSON; the comparison is Python's, but true is not 1."""
    first, second = (Call.of("t", json.dumps({"x": value}), None, None) for value in (one, other))
    same = json.dumps(first.arguments) == json.dumps(second.arguments)
    assert not same or first.digest == second.digest
    assert first.digest != second.digest or first.arguments == second.arguments
    approval = replace(WAITING, call=first).bound()
    assert parsed(ID, approval.text()).call.digest == first.digest


@given(st.text(st.characters(codec="utf-8"), max_size=60))
def test_every_line_stays_a_line(text: str) -> None:
    assert len(coloured(text).split("\n")) == len(text.removesuffix("\n").split("\n"))


class Life(RuleBasedStateMachine):
    """Whatever happens in which order: a call passes once for each yes, and never late."""

    @initialize()
    def begin(self) -> None:
        memory = Path("/dev/shm")
        base = memory if os.access(memory, os.W_OK) else None
        self.folder = tempfile.TemporaryDirectory(dir=base)
        self.place = Place(Path(self.folder.name))
        self.made: list[Approval] = []
        self.yes: set[str] = set()
        self.used: set[str] = set()
        self.texts: dict[str, list[bytes]] = {}

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            self.folder.cleanup()

    @rule()
    def ask(self) -> None:
        self.made.append(self.place.approvals.request(ASKED, HOUR))

    @precondition(lambda self: self.made)
    @rule(yes=st.booleans(), newest=st.booleans())
    def decide(self, yes: bool, newest: bool) -> None:
        one = self.made[-1 if newest else 0]
        approvals = self.place.approvals
        was = approvals.get(one.id).state
        try:
            (approvals.approve if yes else approvals.reject)(one.id, "ada")
        except Refusal:
            assert was is not State.PENDING
        else:
            assert was is State.PENDING
            self.yes |= {one.id} if yes else set()

    @precondition(lambda self: self.made)
    @rule()
    def write_the_word(self) -> None:
        path = self.place.approvals.folder / f"{self.made[-1].id}.json"
        self.texts.setdefault(path.name, []).append(path.read_bytes())
        path.write_bytes(json.dumps({**json.loads(path.read_bytes()), "state": "approved"}).encode())

    @precondition(lambda self: self.texts)
    @rule()
    def put_an_old_file_back(self) -> None:
        for name, texts in self.texts.items():
            (self.place.approvals.folder / name).write_bytes(texts[0])

    @rule()
    def use(self) -> None:
        (used,) = self.place.approvals.consume([ASKED]) or (None,)
        if used is not None:
            assert used.id in self.yes
            assert used.id not in self.used
            assert self.place.clock.now < moment(used.expires)
            self.used.add(used.id)

    @rule()
    def wait(self) -> None:
        self.place.clock.pass_by(minutes=25)

    @rule()
    def something_else_is_recorded(self) -> None:
        self.place.log.append([entry()])

    @rule()
    def sweep(self) -> None:
        self.place.approvals.expire()

    @invariant()
    def the_chain_holds(self) -> None:
        if hasattr(self, "place"):
            assert self.place.log.verify().holds


Life.TestCase.settings = settings(deadline=None, max_examples=25, stateful_step_count=20)
TestLife = Life.TestCase
