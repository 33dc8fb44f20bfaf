"""Slots, names, scope tokens."""

from __future__ import annotations

import hashlib

import pytest

from foundation.errors import Refusal
from overlord.core import servants
from tests.support.overlord_runs import ASSIGNMENT, RUN_ID, ready


def test_slots_and_names() -> None:
    assert servants.slots(2) == ("ultra", "normal-1", "normal-2")
    assert [servants.name_of(slot) for slot in servants.slots(2)] == ["Ultra", "Fugu 1", "Fugu 2"]
    assert [servants.role_of(slot) for slot in servants.slots(2)] == ["ultra", "normal", "normal"]


def test_the_scope_token() -> None:
    text = f"{RUN_ID}\nnormal-1\nconsultation\n{ASSIGNMENT}"
    expected = "sc-" + hashlib.sha256(text.encode()).hexdigest()[:24]
    assert servants.scope_token(RUN_ID, "normal-1", "consultation", ASSIGNMENT) == expected


def test_a_refused_target_names_what_there_is_and_not_what_was_typed() -> None:
    with pytest.raises(Refusal) as caught:
        servants.targets("sk-secret", ready()["servants"])
    assert "ultra, normal-1, normal-2, normals or all" not in caught.value.message
    assert "normal-2" in caught.value.next_step
    assert "sk-secret" not in f"{caught.value.message}{caught.value.next_step}"


def test_what_is_not_there() -> None:
    with pytest.raises(KeyError):
        servants.servant_of(ready(), "normal-8")
