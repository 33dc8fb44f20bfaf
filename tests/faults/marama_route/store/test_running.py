"""Which processes use the store: a lock that ends with its holder, and files that are taken away early."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from foundation import locking
from marama_route.store import running
from marama_route.store.running import Running
from tests.support.windows import real_locks

pytestmark = real_locks


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def is_over(mine: Running, owner: str) -> bool:
    with mine.ended(owner) as ended:
        return ended


def test_a_running_process_is_not_ended(tmp_path: Path) -> None:
    one, two = Running(tmp_path), Running(tmp_path)
    assert one.owner != two.owner
    assert (one.owners(), two.owners()) == ({two.owner}, {one.owner})
    assert not is_over(one, two.owner)
    assert not is_over(one, one.owner)
    two.close()
    assert one.owners() == set()
    assert is_over(one, two.owner)
    one.close()
    assert files(tmp_path) == []


def left_by_a_killed_process(folder: Path) -> Path:
    path = folder / f"{'a' * 32}.running"
    path.touch()
    return path


def test_what_a_killed_process_left_is_settled_by_one(tmp_path: Path) -> None:
    one, two = Running(tmp_path), Running(tmp_path)
    path = left_by_a_killed_process(tmp_path)
    assert path.stem in one.owners()
    with one.ended(path.stem) as mine, two.ended(path.stem) as theirs:
        assert (mine, theirs) == (True, False)
    assert not path.exists()


def test_a_settlement_that_failed_is_tried_again(tmp_path: Path) -> None:
    one = Running(tmp_path)
    path = left_by_a_killed_process(tmp_path)
    with pytest.raises(ZeroDivisionError), one.ended(path.stem):
        raise ZeroDivisionError
    assert path.exists()
    assert is_over(one, path.stem)


@pytest.mark.parametrize("owner", ["../x", "", "a", "A" * 32, "a" * 33])
def test_an_owner_that_no_process_can_have_is_ended(tmp_path: Path, owner: str) -> None:
    (tmp_path / "x.running").touch()
    one = Running(tmp_path / "..")
    before = files(tmp_path)
    assert is_over(one, owner)
    assert files(tmp_path) == before
    one.close()


@pytest.mark.skipif(sys.platform == "win32", reason="an open file cannot be removed there")
@pytest.mark.parametrize("how", ["looked at", "removed"])
def test_a_file_that_somebody_takes_before_it_is_locked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """Another process that starts looks for ended ones: ours has a file, and no lock for a moment."""
    attempts, kept = [], []

    def late(descriptor: int) -> bool:
        attempts.append(descriptor)
        if len(attempts) == 1:
            (path,) = tmp_path.glob("*.running")
            if how == "removed":
                path.unlink()
            else:
                kept.append(os.open(path, os.O_RDWR))
                assert original(kept[0])
        return original(descriptor)

    original = locking.try_lock
    monkeypatch.setattr(running, "try_lock", late)
    mine = Running(tmp_path)
    assert len(attempts) == 2
    assert (tmp_path / f"{mine.owner}.running").exists()
    for descriptor in kept:
        os.close(descriptor)
    assert not is_over(Running(tmp_path), mine.owner)
