"""Only a process that agrees in everything is proved to be a command of the run."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Any

import pytest

from overlord.core import resources
from tests.support.overlord_runs import AT, RUN_ID, TOKEN, ready


@dataclass(frozen=True)
class Living:
    pid: int = 4711
    start_time: str | None = "boot:100"
    executable: str | None = "/usr/bin/python3"


def test_the_fingerprint_binds_five_facts() -> None:
    entry = resources.entry(ready(), Living(), AT)
    text = f"{RUN_ID}\n{TOKEN}\n4711\nboot:100\n/usr/bin/python3"
    assert entry["fingerprint"] == hashlib.sha256(text.encode()).hexdigest()
    assert set(entry) == {
        "kind", "pid", "startTime", "executable", "runId", "runToken", "createdAt", "fingerprint",
    }  # fmt: skip
    assert resources.what_is_unproved(entry, ready(), Living()) is None


def forged(**changes: Any) -> dict[str, Any]:
    """An entry with a fingerprint that fits its own facts."""
    entry = {**resources.entry(ready(), Living(), AT), **changes}
    facts = (entry.get("pid"), entry.get("startTime"), entry.get("executable"))
    return {**entry, "fingerprint": resources.fingerprint(RUN_ID, TOKEN, *facts)}


@pytest.mark.parametrize(
    ("entry", "living"),
    [
        (forged(kind="window"), Living()),
        (forged(runId="run-20261127T113800Z-000000"), Living()),
        (forged(runToken="00" * 32), Living()),
        ({**forged(), "fingerprint": "0" * 64}, Living()),
        ({**forged(), "fingerprint": None}, Living()),
        (forged(pid=4712), Living()),
        (forged(startTime="boot:101"), Living()),
        (forged(executable="/usr/bin/vim"), Living()),
        (forged(), replace(Living(), start_time="otherboot:100")),
        (forged(), replace(Living(), executable="/usr/bin/python3 (deleted)")),
        (forged(startTime=None), replace(Living(), start_time=None)),
        (forged(executable=None), replace(Living(), executable=None)),
        ({"kind": "process", "name": "python3"}, Living()),
        ({}, Living()),
    ],
)
def test_anything_else_is_not_proved(entry: dict[str, Any], living: Living) -> None:
    assert resources.what_is_unproved(entry, ready(), living) is not None


@pytest.mark.parametrize("pid", [None, True, 0, -1, "4711", 1.5, [4711]])
def test_what_is_no_process_id(pid: object) -> None:
    assert resources.pid_of({"pid": pid}) is None
    assert resources.pid_of({"pid": 4711}) == 4711
