"""Which workspace counts for a request, case by case."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from foundation import host as hosts
from foundation.errors import Where
from marama_route.workspaces.choosing import NOTHING_COUNTS, choose
from marama_route.workspaces.folder import Folder, Reading
from sovereigncode.core import capsule, tenant_policy
from sovereigncode.core.combined import Combined
from sovereigncode.core.decision import CAPSULE_INVALID, POLICY_INVALID, Unusable
from sovereigncode.workspace import Fault, Workspace

HOST = dataclasses.replace(hosts.current({}), home=Path("/nobody"))


def reading(name: str, capsule_id: str | None, tenant: str | None, *codes: str) -> Reading:
    fields: dict[str, Any] = {"subject_id": "s", "jurisdiction": "NZ", "sensitivity": "internal"}
    own = None if capsule_id is None else capsule.parse({"capsule_id": capsule_id, **fields})[0]
    policy = None if tenant is None else tenant_policy.parse({"version": 1, "tenant": tenant})[0]
    faults = tuple(Fault(code, "it is wrong", Where("file"), "") for code in codes)
    root = Path("/work") / name
    return Reading(Folder(root, HOST), Workspace(root, own, policy, faults))


SHOP = reading("shop", "shop", "acme")
BANK = reading("bank", "bank", "acme")
OTHERS = reading("others", "theirs", "other")
EVERYBODYS = reading("open", "open", None)
BROKEN = reading("broken", None, "acme", CAPSULE_INVALID)
NOBODYS = reading("nobodys", "odd", None, POLICY_INVALID)


@pytest.mark.parametrize(
    ("all_readings", "named", "expected"),
    [
        ([SHOP], None, SHOP),
        ([SHOP, OTHERS], None, SHOP),
        ([SHOP, BANK], None, None),
        ([], None, None),
        ([OTHERS], None, None),
        ([OTHERS], "theirs", None),
        ([SHOP, BANK], "bank", BANK),
        ([SHOP], "bank", None),
        ([SHOP, reading("copy", "shop", "acme")], "shop", None),
        ([EVERYBODYS], None, EVERYBODYS),
        ([SHOP, EVERYBODYS], None, None),
        ([SHOP, EVERYBODYS], "open", EVERYBODYS),
        # One that is broken denies; it does not stop the others.
        ([BROKEN], None, BROKEN),
        ([SHOP, BROKEN], "shop", SHOP),
        ([SHOP, BROKEN], "bank", BROKEN),
        ([SHOP, NOBODYS], "shop", SHOP),
        ([SHOP, NOBODYS], "odd", NOBODYS),
        ([SHOP, NOBODYS], None, None),
    ],
)
def test_the_table(all_readings: list[Reading], named: str | None, expected: Reading | None) -> None:
    for readings in (all_readings, all_readings[::-1]):
        chosen = choose(readings, "acme", named)
        assert chosen.reading is expected
        assert chosen.rules is (NOTHING_COUNTS if expected is None else expected.rules)


def test_what_is_broken_has_no_rules_that_allow() -> None:
    assert isinstance(SHOP.rules, Combined)
    assert isinstance(BROKEN.rules, Unusable)
    assert isinstance(NOBODYS.rules, Unusable)
    assert [one.code for one in NOTHING_COUNTS.reasons] == ["capsule_missing"]
