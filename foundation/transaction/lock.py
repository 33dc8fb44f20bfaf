"""One setup per home.

It is a kernel lock, so it ends with its holder, however that ends. The file only says who holds it. The file
and the folders that were made for it are removed when the lock is released, unless a setup has put something
there; a file that a killed process left is reused.
"""

from __future__ import annotations

import errno
import json
import os
import re
import stat
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final

from foundation import signals
from foundation.errors import Refusal, Where
from foundation.files.links import is_link
from foundation.files.replace import Folder
from foundation.files.writable import advice
from foundation.host import Host
from foundation.locking import try_lock
from foundation.protection import for_host
from foundation.workspace import Workspace

_PAUSE: Final = 0.05
_MOST_TEXT: Final = 4096
_TIME: Final = re.compile(r"[0-9TZ:-]{20}\Z")


class lock:  # noqa: N801  # used as a context manager, like threading's lock functions
    """Hold the lock of a home.

    Raises Refusal in_progress, naming the holder, after `wait_seconds`; own_files_unusable if
    a link is in the way; state_write_failed if the folder cannot be written or locked.
    """

    def __init__(self, workspace: Workspace, host: Host, wait_seconds: float = 5.0) -> None:
        self._workspace = workspace
        self._host = host
        self._wait_seconds = wait_seconds
        self._made: list[Path] = []
        self._created = False
        self._descriptor: int | None = None

    @signals.uninterrupted
    def __enter__(self) -> None:
        self._workspace.require_own_folders()
        try:
            self._acquire(time.monotonic() + self._wait_seconds)
        except OSError as problem:
            self._remove_unused()
            self._release()
            if is_link(self._workspace.lock):
                raise Refusal(
                    "state_write_failed",
                    "this is a link, but a file of this program belongs here",
                    where=Where(str(self._workspace.lock)),
                    next_step="remove the link, then run this command again",
                ) from None
            why, next_step = advice(self._workspace.lock, problem)
            raise Refusal(
                "state_write_failed",
                f"this folder cannot be used ({why}), so nothing was changed",
                where=Where(str(self._workspace.folder)),
                next_step=next_step,
            ) from None
        except BaseException:
            self._release()
            raise

    @signals.uninterrupted
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._release()

    def _acquire(self, deadline: float) -> None:
        while True:
            # Each attempt is short and not interrupted; between two of them a signal may end the waiting.
            signals.check()
            try:
                self._make_folders()
                descriptor = self._open()
            except FileNotFoundError:
                # The last holder has just removed an empty folder; if it stays missing, something else is
                # wrong.
                if time.monotonic() >= deadline:
                    raise
                time.sleep(_PAUSE)
                continue
            try:
                if self._take(descriptor, deadline):
                    return
            finally:
                if self._descriptor is None:
                    os.close(descriptor)

    def _take(self, descriptor: int, deadline: float) -> bool:
        if not try_lock(descriptor):
            if time.monotonic() >= deadline:
                _refuse(self._workspace, descriptor)
            time.sleep(_PAUSE)
            return False
        if not _is_still(descriptor, self._workspace.lock):
            return False
        self._descriptor = descriptor
        self._made += _left_by_a_dead_holder(descriptor)
        _write_holder(descriptor, self._host, self._made)
        return True

    def _open(self) -> int:
        with Folder(self._workspace.folder) as folder:
            name = self._workspace.lock.name
            try:
                self._created = True
                return folder.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL)
            except FileExistsError:
                self._created = False
            descriptor = folder.open(name, os.O_RDWR | getattr(os, "O_NONBLOCK", 0))
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise OSError(errno.EINVAL, f"{name} is not a plain file")
        return descriptor

    def _remove_unused(self) -> None:
        """Remove the file that was created here but could not be locked, unless another setup uses it."""
        with suppress(OSError):
            if self._created and self._descriptor is None and not self._workspace.lock.lstat().st_size:
                self._workspace.lock.unlink()

    def _make_folders(self) -> None:
        for folder in self._workspace.folders:
            if folder.is_dir():
                continue
            try:
                folder.mkdir(mode=0o700)
            except FileExistsError:
                continue
            if folder not in self._made:
                self._made.append(folder)
            for_host(self._host).apply(folder)
            with Folder(folder.parent) as parent:
                parent.sync()

    @signals.uninterrupted
    def _release(self) -> None:
        """Remove the file if it is still ours, then the folders that were made for it and are empty again."""
        descriptor, self._descriptor = self._descriptor, None
        # What is left is not empty (a setup is installed there) or is reused by the next lock.
        if descriptor is not None:
            if os.name == "nt":
                # There, an open file cannot be removed.
                os.close(descriptor)
            with suppress(OSError):
                self._workspace.lock.unlink()
        with suppress(OSError):
            for folder in reversed(self._workspace.folders):
                if folder in self._made:
                    folder.rmdir()
        if descriptor is not None and os.name != "nt":
            with suppress(OSError):
                os.close(descriptor)


def _is_still(descriptor: int, path: Path) -> bool:
    """Whether the name is still the file that we locked; a holder removes it when it ends."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except FileNotFoundError:
        return False


def _read_holder(descriptor: int) -> dict[str, object]:
    os.lseek(descriptor, 0, os.SEEK_SET)
    try:
        value = json.loads(os.read(descriptor, _MOST_TEXT))
    except (ValueError, OSError, RecursionError):
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


def _refuse(workspace: Workspace, descriptor: int) -> None:
    holder = _read_holder(descriptor)
    pid, since = holder.get("pid"), holder.get("since")
    who = f"process {pid}" if isinstance(pid, int) else "another process"
    when = f", since {since}" if isinstance(since, str) and _TIME.match(since) else ""
    raise Refusal(
        "in_progress",
        f"another setup is running here (held by {who}{when})",
        where=Where(str(workspace.lock)),
        next_step="wait until it has finished, then run this command again",
    )
