"""One setup per home.

The lock is the kernel's (flock; a byte range on Windows), so it ends with its holder however that ends. The
file only says who holds it. It and the folders that were made for it go again when the lock is released,
unless a setup has put something there; one that a killed process left is taken over.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Iterator, cast

from gonkagate_setup.errors import SetupError, Where
from gonkagate_setup.system.files import reason
from gonkagate_setup.system.folder import Folder
from gonkagate_setup.system.host import Host
from gonkagate_setup.system.protection import for_host
from gonkagate_setup.system.transaction.store import Store

_PAUSE: Final = 0.05
_MOST_TEXT: Final = 4096
_TIME: Final = re.compile(r"[0-9TZ:-]{20}\Z")
# Windows forbids others to read a locked range, so the byte that is locked lies beyond the text.
_LOCKED_BYTE: Final = 0x7FFFFFF0


@dataclass
class _Held:
    descriptor: int
    made: list[Path]


@contextmanager
def lock(store: Store, host: Host, wait_seconds: float = 5.0) -> Iterator[None]:
    """Hold the home's one lock.

    Raises SetupError setup_in_progress, naming the holder, after `wait_seconds`; managed_state_unusable where
    a link stands in the way; managed_state_write_failed where the folder cannot be written or locked.
    """
    store.require_own_folders()
    deadline = time.monotonic() + wait_seconds
    try:
        held = _acquire(store, host, deadline)
    except OSError as problem:
        raise SetupError(
            "managed_state_write_failed",
            f"this folder cannot be used ({reason(problem)}), so nothing was changed",
            where=Where(str(store.folder)),
            next_step="make it writable for your user, then run this command again",
        ) from None
    try:
        yield
    finally:
        _release(store, held)


def _acquire(store: Store, host: Host, deadline: float) -> _Held:
    made: list[Path] = []
    while True:
        try:
            made += _make_folders(store, host)
            descriptor = _open(store)
        except FileNotFoundError:
            # The last holder removed an empty folder just now.
            continue
        try:
            if _try(descriptor):
                if _is_still(descriptor, store.lock):
                    made += [path for path in _left_by_a_dead_holder(descriptor) if path in store.folders]
                    _write_holder(descriptor, host, made)
                    return _Held(descriptor, made)
            elif time.monotonic() >= deadline:
                _refuse(store, descriptor)
            else:
                time.sleep(_PAUSE)
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _make_folders(store: Store, host: Host) -> list[Path]:
    made = []
    for folder in store.folders:
        try:
            folder.mkdir(mode=0o700)
        except FileExistsError:
            continue
        made.append(folder)
        for_host(host).apply(folder)
        with Folder(folder.parent) as parent:
            parent.sync()
    return made


def _open(store: Store) -> int:
    with Folder(store.folder) as folder:
        return folder.open(store.lock.name, os.O_RDWR | os.O_CREAT, 0o600)


def _try(descriptor: int) -> bool:
    try:
        if os.name == "nt":
            windows = cast("Any", importlib.import_module("msvcrt"))
            os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
            windows.locking(descriptor, windows.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True


def _is_still(descriptor: int, path: Path) -> bool:
    """Whether the name is still the file that we locked; a holder that ends removes it."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except FileNotFoundError:
        return False


def _read_holder(descriptor: int) -> dict[str, object]:
    os.lseek(descriptor, 0, os.SEEK_SET)
    try:
        value = json.loads(os.read(descriptor, _MOST_TEXT))
    except (ValueError, OSError):
        return {}
    return value if isinstance(value, dict) else {}


def _left_by_a_dead_holder(descriptor: int) -> list[Path]:
    made = _read_holder(descriptor).get("made")
    return [Path(path) for path in made if isinstance(path, str)] if isinstance(made, list) else []


def _write_holder(descriptor: int, host: Host, made: list[Path]) -> None:
    text = json.dumps(
        {
            "pid": os.getpid(),
            "since": host.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
            "made": [str(path) for path in made],
        }
    )
    os.lseek(descriptor, 0, os.SEEK_SET)
    os.ftruncate(descriptor, 0)
    os.write(descriptor, text.encode())


def _refuse(store: Store, descriptor: int) -> None:
    holder = _read_holder(descriptor)
    pid, since = holder.get("pid"), holder.get("since")
    who = f"process {pid}" if isinstance(pid, int) else "another process"
    when = f", since {since}" if isinstance(since, str) and _TIME.match(since) else ""
    raise SetupError(
        "setup_in_progress",
        f"another setup is under way here (held by {who}{when})",
        where=Where(str(store.lock)),
        next_step="wait until it has ended, then run this command again",
    )


def _release(store: Store, held: _Held) -> None:
    """Remove the file while it is still ours, then what was made for it and is empty again."""
    try:
        if os.name == "nt":
            # An open file cannot be removed there.
            os.close(held.descriptor)
        store.lock.unlink()
        for folder in reversed(store.folders):
            if folder in held.made:
                folder.rmdir()
    except OSError:
        # Not empty: a setup is installed there. Or not removable: the next lock takes it over.
        pass
    finally:
        if os.name != "nt":
            os.close(held.descriptor)
