"""Locks of a run: one for each change of the registry, one a servant for its request, one a message.

They are kernel locks on files in `locks/`, so they end with the command that holds them. Whether somebody is
still working on a message or a startup is whether its lock is held.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Callable, Final

from foundation import signals
from foundation.files.links import require_no_link
from foundation.files.reading import SAFE
from foundation.locking import try_lock

_PAUSE: Final = 0.02


class Lock:
    """One lock file; made when it is first needed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def take(self, until: float, stopping: Callable[[], bool] = lambda: False) -> bool:
        """Take the lock, waiting at most until that moment of time.monotonic(); False if it was held so long.

        Raises OSError.
        """
        self._path.parent.mkdir(mode=0o700, exist_ok=True)
        require_no_link(self._path.parent)
        while True:
            descriptor = self._opened()
            try:
                if try_lock(descriptor) and self._is_named(descriptor):
                    self._descriptor, descriptor = descriptor, -1
                    return True
            finally:
                if descriptor >= 0:
                    os.close(descriptor)
            if stopping() or time.monotonic() >= until:
                return False
            time.sleep(_PAUSE)

    def _opened(self) -> int:
        return os.open(self._path, os.O_RDWR | os.O_CREAT | SAFE, 0o600)

    def _is_named(self, descriptor: int) -> bool:
        """Whether the open file still has its name: `release` of another command may have removed it."""
        try:
            return os.path.samestat(os.fstat(descriptor), self._path.lstat())
        except FileNotFoundError:
            return False

    @signals.uninterrupted
    def release(self, *, remove: bool = False) -> None:
        """Give the lock back; `remove` its file for a lock that nobody will take again."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is None:
            return
        if remove:
            with suppress(OSError):  # Windows cannot remove an open file
                self._path.unlink()
        os.close(descriptor)
        if remove and os.name == "nt":
            with suppress(OSError):
                self._path.unlink()

    def held(self) -> bool:
        """Whether another command, or another part of this one, has it now."""
        try:
            descriptor = os.open(self._path, os.O_RDWR | SAFE)
        except FileNotFoundError:
            return False
        except OSError:
            # What cannot be looked at must not be called dead.
            return True
        try:
            return not try_lock(descriptor)
        except OSError:
            return True
        finally:
            os.close(descriptor)

    def __enter__(self) -> Lock:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


class Locks:
    """The locks of one run."""

    def __init__(self, run: Path) -> None:
        self._folder = run / "locks"

    def registry(self) -> Lock:
        """For a change of the registry: held for milliseconds."""
        return Lock(self._folder / "registry")

    def servant(self, slot: str) -> Lock:
        """For a request to a servant."""
        return Lock(self._folder / slot)

    def message(self, message_id: str) -> Lock:
        """Held by the command that waits for the answers to a message."""
        return Lock(self._folder / message_id)

    def startup(self) -> Lock:
        """Held by the command that starts the run."""
        return Lock(self._folder / "startup")
