"""The configuration's file: read with bounds, judged, and replaced whole under a lock."""

from __future__ import annotations

import os
import stat
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Final, Iterator

from foundation.errors import Refusal, Where
from foundation.files import reading, writable
from foundation.files.links import others_can_write
from foundation.files.replace import Attributes, Folder, write_beside
from foundation.files.snapshot import Snapshot
from foundation.host import Host
from marama_route import places
from marama_route.core import config as configs
from marama_route.core.config import Config
from marama_route.core.config_text import Mistake
from sovereigncode.audit import lock

LIMIT: Final = 4 * 1024 * 1024
_PRIVATE: Final = 0o600
_WAIT_SECONDS: Final = 5.0
_AGAIN: Final = "then run this command again"


@dataclass(frozen=True)
class ConfigFile:
    """A file that was read: its configuration, or everything that is wrong with it; never both.

    `config` None and no mistake: there is no such file.
    """

    path: Path
    snapshot: Snapshot
    config: Config | None = None
    mistakes: tuple[Mistake, ...] = ()

    def required(self) -> Config:
        """The configuration. Raises Refusal config_missing, or config_invalid with the first mistake."""
        if self.config is not None:
            return self.config
        if not self.mistakes:
            raise Refusal(
                "config_missing",
                "there is no configuration",
                where=Where(str(self.path)),
                next_step="run `marama-route init`, or name the file with --config",
            )
        first, more = self.mistakes[0], len(self.mistakes) - 1
        raise Refusal(
            "config_invalid",
            first.message + (f"; and {more} more" if more else ""),
            where=first.where,
            next_step="correct it; `marama-route check` says everything that is wrong at once",
        )


def read(path: Path) -> ConfigFile:
    """The file, read once.

    Raises Refusal unreadable and unsafe_link, and config_unsafe for a file or folder that another user can
    change: whoever can change it decides where context is sent.
    """
    snapshot = reading.read_snapshot(path, limit=LIMIT)
    if snapshot.data is None:
        return ConfigFile(path, snapshot)
    _require_own(path, Path(snapshot.real))
    config, mistakes = configs.read(snapshot.data, str(path))
    return ConfigFile(path, snapshot, config, mistakes)


def load(path: Path) -> Config:
    """The configuration in this file. Raises Refusal as `read` and `ConfigFile.required` do."""
    return read(path).required()


def edit(path: Path, host: Host, change: Callable[[bytes], bytes]) -> None:
    """Give the file the bytes that `change` makes of its own, under the lock and in one step.

    Raises Refusal as `load`, `locked` and `replace` do.
    """
    with locked(host):
        file = read(path)
        file.required()
        replace(file.snapshot, change(file.snapshot.data or b""))


@contextmanager
def locked(host: Host) -> Iterator[None]:
    """Only one process of this user changes a configuration at a time.

    Raises Refusal in_progress if another one does not finish, home_unusable, write_failed.
    """
    place = places.editing_folder(host)
    with ExitStack() as stack:
        try:
            _make_folders(place)
            folder = stack.enter_context(Folder(Path(os.path.realpath(place))))
            stack.enter_context(lock.held(folder, "home_unusable", _WAIT_SECONDS))
        except OSError as problem:
            raise _failed(place, *writable.advice(place, problem)) from None
        yield


def replace(snapshot: Snapshot, data: bytes, *, copy: Path | None = None) -> None:
    """Write `data` to the snapshot's file in one step; mode and owner stay, a new one is for its user only.

    `copy`: what was there is kept under this name. A folder that is missing is made. Raises Refusal
    config_changed if the file is no longer as the snapshot shows, write_failed; then nothing was changed.
    """
    target = Path(snapshot.real)
    try:
        _make_folders(target.parent)
        obstacle = writable.obstacle(snapshot)
        mounted = writable.in_place(snapshot)
        if obstacle is None and mounted is not None:
            raise _failed(target, mounted, "change it by hand, or where it comes from")
        if obstacle is not None:
            raise _failed(target, f"{obstacle.place} {obstacle.why}", obstacle.next_step)
        with Folder(target.parent) as folder:
            if copy is not None and snapshot.data is not None:
                _write(folder, copy.name, snapshot.data, Attributes(_PRIVATE, None), snapshot)
            _write(folder, target.name, data, _kept(snapshot), snapshot)
            folder.sync()
    except OSError as problem:
        raise _failed(target, *writable.advice(target, problem)) from None


def _write(folder: Folder, name: str, data: bytes, keep: Attributes, snapshot: Snapshot) -> None:
    temporary = f".{name}.marama-route.tmp"
    folder.remove(temporary)
    try:
        write_beside(folder, temporary, data, keep, like=name)
        if not reading.unchanged(snapshot):
            raise Refusal(
                "config_changed",
                "another program changed this file meanwhile, so nothing was written",
                where=Where(str(snapshot.path)),
                next_step="run this command again",
            )
        folder.rename(temporary, name)
    finally:
        with suppress(OSError):
            folder.remove(temporary)


def _kept(snapshot: Snapshot) -> Attributes:
    return Attributes(_PRIVATE if snapshot.mode is None else snapshot.mode, snapshot.owner)


def _make_folders(folder: Path) -> None:
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    for one in reversed(missing):
        one.mkdir(mode=stat.S_IRWXU, exist_ok=True)


def _require_own(path: Path, real: Path) -> None:
    place = next((one for one in (real, *real.parents) if others_can_write(one)), None)
    if place is None:
        return
    what = "this file" if place == real else f"the folder {place}"
    raise Refusal(
        "config_unsafe",
        f"another user can change {what}, and so decide where context is sent",
        where=Where(str(path)),
        next_step=f"make it yours, and writable by you only (chmod go-w {place}), {_AGAIN}",
    )


def _failed(path: Path, why: str, next_step: str) -> Refusal:
    return Refusal(
        "write_failed",
        f"this could not be written ({why}); everything is as it was before",
        where=Where(str(path)),
        next_step=next_step,
    )
