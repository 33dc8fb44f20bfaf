"""A config that something is mounted at is written in place, and as safe as that can be."""

from __future__ import annotations

import errno
import json
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

from foundation.errors import Refusal
from foundation.files import mounts
from foundation.files.reading import read_snapshot
from foundation.files.replace import Folder, mixture, write_in_place
from foundation.transaction import Role, Transaction, Write, lock
from gonkagate_setup.errors import status_of
from tests.faults import mounted
from tests.faults.foundation.test_kill import (
    assert_whole,
    recovered,
    run_killed,
    without_empty_folders_of_ours,
)
from tests.faults.homes import SCENARIOS, Home, Scenario, config, put
from tests.faults.interception import Counter, failing, intercepted, points

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="nothing is mounted at a file on Windows"),
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded"),
]
LONG, SHORT = config(theme="x" * 5000), config(model="gonkagate/new")
BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}


@pytest.fixture(autouse=True)
def _mounted(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every config counts as one that something is mounted at; where that is so, test_p1_really_mounted."""
    if "really" not in request.node.name and "told" not in request.node.name:
        monkeypatch.setattr(mounts, "is_mount_point", lambda path: path.name == "opencode.json")


def _longer(home: Home) -> None:
    BY_NAME["scope switch"].prepare(home)
    put(home.user_config, LONG, 0o640)


IN_PLACE = (
    BY_NAME["rerun with changes"],
    BY_NAME["scope switch"],
    replace(BY_NAME["scope switch"], name="a longer file before", prepare=_longer),
    BY_NAME["roll back of a rerun"],
)


@pytest.mark.parametrize("scenario", IN_PLACE, ids=lambda scenario: scenario.name)
def test_p1_killed_at_every_call(
    scenario: Scenario, roots: Iterator[Path], deep: bool, figure: Callable[[str, float, str], None]
) -> None:
    before = scenario.make(next(roots)).tree()
    committed = scenario.make(next(roots))
    replace(scenario, commits=True).run(committed)
    written = committed.tree()
    done = scenario.make(next(roots))
    inode = done.user_config.stat().st_ino
    _, chosen = points(lambda: scenario.run(done), every=deep)
    assert done.user_config.stat().st_ino == inode
    after = done.tree()
    half = 0
    for at in chosen:
        home = scenario.make(next(roots))
        status = run_killed(at, lambda home=home: scenario.run(home))  # type: ignore[misc]
        assert os.WTERMSIG(status) == signal.SIGKILL
        # Between two calls a file may be half done, but what opencode reads is whole.
        assert home.would_start() is None
        user = home.user_config.read_bytes()
        half += user not in (
            before["home/.config/opencode/opencode.json"][3],
            written["home/.config/opencode/opencode.json"][3],
        )
        recovered(home)
        assert_whole(home, before, written)
        assert without_empty_folders_of_ours(home.tree(), before) in (before, after), at
    figure("killed while writing in place", len(chosen), f"points, {half} with a file that was half done")


@pytest.mark.parametrize(("before", "after"), [(LONG, SHORT), (SHORT, LONG), (b"", LONG), (LONG, b"")])
def test_p1_every_mixture_is_known_for_ours(before: bytes, after: bytes) -> None:
    length = max(len(before), len(after))
    one, other = before.ljust(length, b"\n"), after.ljust(length, b"\n")
    for cut in range(0, length, 97):
        assert mixture(other[:cut] + one[cut:], before, after), cut
        assert mixture(one[:cut] + other[cut:], before, after), cut
    # After a power cut: blocks in any order, and zeros in a file that was made longer.
    blocks = b"".join((one if at % 1024 else other)[at : at + 512] for at in range(0, length, 512))
    assert mixture(blocks, before, after)
    if len(after) > len(before):
        assert mixture(before + bytes(len(after) - len(before)), before, after)


def test_p1_what_somebody_wrote_is_no_mixture() -> None:
    assert not mixture(b'{"mine": 1}', SHORT, LONG)
    assert not mixture(LONG.replace(b"x" * 9, b"y" * 9, 1), SHORT, LONG)
    assert not mixture(LONG + b" ", SHORT, LONG)


def test_p1_a_half_written_file_is_put_back(roots: Iterator[Path]) -> None:
    scenario = BY_NAME["rerun with changes"]
    home = scenario.make(next(roots))
    before = home.tree()
    with lock(home.store, home.host):
        Transaction(home.store, home.host).apply(scenario.changes(home))
    old, new = before["home/.config/opencode/opencode.json"][3] or b"", home.user_config.read_bytes()
    home.user_config.write_bytes(new[:40] + old[40:])
    recovered(home)
    assert home.tree() == before


def test_p1_an_edit_of_somebody_else_stays(roots: Iterator[Path]) -> None:
    scenario = BY_NAME["rerun with changes"]
    home = scenario.make(next(roots))
    with lock(home.store, home.host):
        Transaction(home.store, home.host).apply(scenario.changes(home))
    mine = home.user_config.read_bytes().replace(b"{", b'{"username": "mine",', 1)
    home.user_config.write_bytes(mine)
    recovered(home)
    assert home.user_config.read_bytes() == mine


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_p1_a_call_that_fails_leaves_the_former_bytes(number: int, roots: Iterator[Path]) -> None:
    def work(home: Home) -> None:
        change = Write(read_snapshot(home.user_config), LONG, role=Role.USER_CONFIG)
        with lock(home.store, home.host), Transaction(home.store, home.host) as transaction:
            transaction.apply([change])
            transaction.commit()

    scenario = BY_NAME["rerun with changes"]
    home = scenario.make(next(roots))
    before = home.tree()
    _, chosen = points(lambda: work(home), every=False)
    for at in chosen:
        home = scenario.make(next(roots))
        refusal: Refusal | None = None
        try:
            with intercepted(Counter(at, failing(number))):
                work(home)
        except Refusal as problem:
            refusal = problem
        if refusal is None:
            assert home.user_config.read_bytes() == LONG
            continue
        if status_of(refusal) == 9:
            recovered(home)
        files = {path: entry for path, entry in home.tree().items() if not path.endswith("/lock")}
        assert files == before, (at, refusal)


def test_p1_what_is_written_is_read_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "file", SHORT, 0o644)
    monkeypatch.setattr(os, "ftruncate", lambda *_: None)
    with Folder(tmp_path.resolve()) as folder, pytest.raises(OSError, match="file") as caught:
        write_in_place(folder, "file", b"{}")
    assert caught.value.errno == errno.EIO


@pytest.mark.parametrize("name", ["plain", "with blank", "tab\there", "back\\slash", "häß"])
def test_p1_the_list_of_mounts_is_told_apart(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / name
    escaped = os.fsencode(path)
    for byte in b"\\ \t\n":
        escaped = escaped.replace(bytes([byte]), b"\\%03o" % byte)
    (tmp_path / "mountinfo").write_bytes(
        b"42 27 254:0 /x " + escaped + b" rw,relatime - ext4 /dev/vda rw\n\nshort line\n"
    )
    monkeypatch.setattr(mounts, "_LIST", str(tmp_path / "mountinfo"))
    assert mounts.is_mount_point(path)
    assert not mounts.is_mount_point(tmp_path / "other")
    monkeypatch.setattr(mounts, "_LIST", str(tmp_path / "not there"))
    assert not mounts.is_mount_point(path)


REALLY = """
import json, os, subprocess, sys
from pathlib import Path
from foundation.errors import Refusal
from gonkagate_setup.errors import code_of
from foundation.files import mounts
from foundation.files.reading import read_snapshot
from foundation.transaction import Delete, Role, Transaction, Write, backups, lock, recover
from tests.faults.homes import SCENARIOS
from tests.faults.homes import Home
from tests.faults.homes import put
by_name = {scenario.name: scenario for scenario in SCENARIOS}
home = by_name["rerun with changes"].make(Path(sys.argv[1]))
emptied = lambda: Write(read_snapshot(home.user_config), b"{}", role=Role.USER_CONFIG)
outside = home.root / "outside.json"
outside.write_bytes(home.user_config.read_bytes())
subprocess.run(["mount", "--bind", str(outside), str(home.user_config)], check=True)
before = home.tree()
found = {"mounted": mounts.is_mount_point(home.user_config)}
by_name["roll back of a rerun"].run(home)
found["rolled back"] = home.tree() == before
by_name["rerun with changes"].run(home)
found["changed outside"] = b"gonkagate/new" in outside.read_bytes()
with lock(home.store, home.host):
    Transaction(home.store, home.host).apply([emptied()])
    found["killed"] = outside.read_bytes().decode()
    found["failures"] = list(recover(home.store, home.host).failures)
found["put back outside"] = b"gonkagate/new" in outside.read_bytes()
try:
    with lock(home.store, home.host):
        removal = Delete(read_snapshot(home.user_config), role=Role.USER_CONFIG)
        Transaction(home.store, home.host).apply([removal])
except Refusal as refusal:
    found["delete"] = [code_of(refusal), refusal.message, refusal.next_step]
folder = str(home.user_config.parent)
for name in home.user_config.parent.glob("*.bak-*"):
    name.unlink()
subprocess.run(["mount", "--bind", folder, folder], check=True)
subprocess.run(["mount", "-o", "remount,ro,bind", folder], check=True)
# A bind mount does not bring along what is mounted below it.
subprocess.run(["mount", "--bind", str(outside), str(home.user_config)], check=True)
with lock(home.store, home.host), Transaction(home.store, home.host) as transaction:
    transaction.apply([emptied()])
    kept = transaction.commit()
found["read-only folder"] = [outside.read_bytes().decode(), [home.store.owns(path) for path in kept]]
found["copies"] = backups.copies(home.store, Role.USER_CONFIG, home.user_config) == list(kept)
print(json.dumps(found))
"""


@mounted.needs_mounts
def test_p1_really_mounted(tmp_path: Path) -> None:
    """A bind mount of a file; also one in a folder that is read-only, as containers have it."""
    found: dict[str, Any] = json.loads(mounted.run(REALLY, tmp_path / "machine"))
    code, message, next_step = found.pop("delete")
    assert code == "managed_config_write_failed"
    assert "something is mounted over this file" in message
    assert "unmount it" in next_step
    assert found == {
        "mounted": True,
        "rolled back": True,
        "changed outside": True,
        "killed": "{}",
        "failures": [],
        "put back outside": True,
        "read-only folder": ["{}", [True]],
        "copies": True,
    }
