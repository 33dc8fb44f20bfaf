"""A lock is one lock, also if its file is removed by whoever had it before."""

from __future__ import annotations

import errno
import os
import sys
import time
from pathlib import Path

import pytest

from overlord.storage.locks import Lock
from tests.support.windows import real_locks


def taken(lock: Lock) -> bool:
    return lock.take(time.monotonic())


@real_locks
def test_one_has_it_until_it_is_given_back(tmp_path: Path) -> None:
    first, second = Lock(tmp_path / "locks" / "a"), Lock(tmp_path / "locks" / "a")
    assert not first.held()
    assert taken(first)
    assert second.held()
    assert not taken(second)
    first.release()
    assert not second.held()
    with second:
        assert taken(second)
    assert taken(first)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot remove an open file")
def test_a_file_that_was_removed_meanwhile_is_not_the_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "m-0001"
    first, second, third = Lock(path), Lock(path), Lock(path)
    assert taken(first)
    opened = Lock._opened

    def opened_too_early(lock: Lock) -> int:
        descriptor = opened(lock)
        if lock is second:
            first.release(remove=True)
        return descriptor

    monkeypatch.setattr(Lock, "_opened", opened_too_early)
    assert second.take(time.monotonic() + 30)
    assert third.held()
    assert not taken(third)


def test_a_lock_that_cannot_be_looked_at_is_not_called_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A network drive without locks: fcntl(2), ENOLCK.
    def no_locks(descriptor: int) -> bool:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    lock = Lock(tmp_path / "m-0001")
    (tmp_path / "m-0001").touch()
    assert not lock.held()
    monkeypatch.setattr("overlord.storage.locks.try_lock", no_locks)
    assert lock.held()
    with pytest.raises(OSError, match="lock"):
        taken(lock)
