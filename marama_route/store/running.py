"""Which processes use the store now: each holds a kernel lock on a file of its own while it does.

The lock ends with the process, however that ends. What a process left pending is settled by whoever gets
its lock. An owner is a random name, never used again.
"""

from __future__ import annotations

import os
import re
import secrets
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, Iterator

from foundation.files.reading import SAFE
from foundation.locking import try_lock

_SUFFIX: Final = ".running"
_OWNER: Final = re.compile(r"[0-9a-f]{32}\Z")


class Running:
    """The entry of this process among those that use the store, in the store's `folder`. Raises OSError."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.owner, self._descriptor = self._begun()

    def owners(self) -> set[str]:
        """The other processes that have a file here, whether or not they are still running."""
        names = {path.stem for path in self._folder.glob(f"*{_SUFFIX}")}
        return {name for name in names if _OWNER.match(name)} - {self.owner}

    @contextmanager
    def ended(self, owner: str) -> Iterator[bool]:
        """Whether this process has ended. Inside the context nobody else settles what it left.

        Its file is removed afterwards, unless the context raised.
        """
        if owner == self.owner:
            yield False
            return
        path = self._path(owner) if _OWNER.match(owner) else None
        try:
            descriptor = None if path is None else os.open(path, os.O_RDWR | SAFE)
        except FileNotFoundError:
            descriptor = None
        if path is None or descriptor is None:
            yield True
            return
        settled = False
        try:
            locked = try_lock(descriptor)
            yield locked
            settled = locked
        finally:
            _let_go(descriptor, path if settled else None)

    def close(self) -> None:
        """Say that this process no longer uses the store."""
        _let_go(self._descriptor, self._path(self.owner))

    def _path(self, owner: str) -> Path:
        return self._folder / f"{owner}{_SUFFIX}"

    def _begun(self) -> tuple[str, int]:
        while True:
            owner = secrets.token_hex(16)
            path = self._path(owner)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | SAFE, 0o600)
            # Somebody may have taken it for that of an ended process before it was locked.
            with suppress(FileNotFoundError):
                if try_lock(descriptor) and os.path.samestat(os.fstat(descriptor), path.lstat()):
                    return owner, descriptor
            os.close(descriptor)


def _let_go(descriptor: int, path: Path | None) -> None:
    """Close the file, and remove it if it has a `path`.

    While it is locked: otherwise its name could be that of a process that starts. Windows removes no file
    that anybody has open.
    """
    if path is not None and os.name != "nt":
        with suppress(OSError):
            path.unlink()
    os.close(descriptor)
    if path is not None and os.name == "nt":
        with suppress(OSError):
            path.unlink()
