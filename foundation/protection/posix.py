"""Modes and owners: 0600 for a file, 0700 for a folder, owned by the user."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from foundation.files.links import others_can_write
from foundation.host import Host
from foundation.protection.status import Status

_FILE: Final = 0o600
_FOLDER: Final = 0o700
# WSL mounts Windows drives there, by default without the `metadata` option that makes chmod work
# (https://learn.microsoft.com/windows/wsl/wsl-config, automount settings).
_WINDOWS_DRIVE: Final = re.compile(r"/mnt/[a-z](/|$)")


@dataclass(frozen=True)
class PosixProtection:
    """Modes, set and read back."""

    host: Host

    def inspect(self, path: Path) -> Status:
        """See Protection."""
        try:
            return self._judge(path)
        except OSError as problem:
            return Status(False, f"{path} cannot be accessed ({(problem.strerror or '').lower()})")

    def _judge(self, path: Path) -> Status:
        status = path.lstat()
        if stat.S_ISLNK(status.st_mode):
            return Status(False, f"{path} is a link")
        stranger = self._stranger(path, status)
        if stranger is not None:
            return Status(False, stranger)
        wrong = []
        mode = stat.S_IMODE(status.st_mode)
        drifted = mode != _wanted(status)
        if drifted:
            wrong.append(f"{path} has mode {mode:04o} instead of {_wanted(status):04o}")
        shared = next((folder for folder in path.parents if others_can_write(folder)), None)
        if shared is not None:
            wrong.append(f"other users can write to {shared}, so they can put other files there")
        return Status(not wrong, "; ".join(wrong), repairable=drifted)

    def apply(self, path: Path) -> Status:
        """See Protection; if a mode does not change now, this file system does not keep modes."""
        status = path.lstat()
        if stat.S_ISLNK(status.st_mode):
            raise OSError(f"{path} is a link")
        if stat.S_IMODE(status.st_mode) != _wanted(status):
            path.chmod(_wanted(status))
        after = self.inspect(path)
        if not after.repairable:
            return after
        if self.host.wsl and _WINDOWS_DRIVE.match(str(path)):
            why = "it is on a Windows drive, where Windows decides who may read it"
        else:
            why = "its file system does not support permissions"
        return Status(False, f"{after.detail}: {why}")

    def record(self, path: Path) -> str:
        """See Protection."""
        return f"{stat.S_IMODE(path.lstat().st_mode):04o}"

    def restore(self, path: Path, recorded: str) -> None:
        """See Protection."""
        if self.record(path) != recorded:
            path.chmod(int(recorded, 8))

    def _stranger(self, path: Path, status: os.stat_result) -> str | None:
        user = self.host.user_id
        if user == 0:
            try:
                owner = self.host.home.stat().st_uid
            except OSError:
                return None
            if owner != 0:
                return (
                    f"this runs as root, but {self.host.home} belongs to user {owner}, "
                    f"who will not be able to read {path}"
                )
        if status.st_uid != user:
            return f"{path} belongs to user {status.st_uid}"
        return None


def _wanted(status: os.stat_result) -> int:
    return _FOLDER if stat.S_ISDIR(status.st_mode) else _FILE
