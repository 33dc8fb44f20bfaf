"""The end of a chain, remembered outside the workspace: in the user's state folder, by the workspace's path.

A file has two slots of one disk block each, written in turn, so that one of them is always whole; each is
JSON followed by its SHA-256 sum. The order of writes keeps every moment explained:

1. "the chain ends at A, records up to B are being written", synced;
2. the lines, synced;
3. "the chain ends at B", not synced: if only this is lost, 1 still explains both ends.

So a record that nobody announced here is noticed, and so is one that is gone.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final

from foundation.files.links import is_link, others_can_write, resolve
from foundation.files.reading import READ, drain
from foundation.files.replace import Attributes, Folder, sync, write_beside
from foundation.host import Host
from sovereigncode.audit.folders import not_read, not_written, refuse, require_own_file
from sovereigncode.audit.verdict import End, Known

_PARTS: Final = ("sovereigncode", "audit-heads")
_SLOT: Final = 512
_KIND: Final = "audit_unusable"


def state_folder(host: Host) -> Path:
    """Where programs keep what they remember: $XDG_STATE_HOME, Application Support or %LOCALAPPDATA%.

    The XDG specification says that a relative path there is to be ignored.
    """
    if host.windows:
        named, otherwise = host.environ.get("LOCALAPPDATA"), host.home / "AppData" / "Local"
    elif host.platform == "darwin":
        named, otherwise = None, host.home / "Library" / "Application Support"
    else:
        named, otherwise = host.environ.get("XDG_STATE_HOME"), host.home / ".local" / "state"
    return Path(named) if named and Path(named).is_absolute() else otherwise


def head_file(host: Host, root: Path) -> Path:
    """The file that remembers the end of the chain of the workspace `root`.

    A workspace is known by its path without links, so one that was moved is a new one.
    """
    name = os.path.normcase(os.path.realpath(root))
    digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()
    return state_folder(host).joinpath(*_PARTS, f"{digest[:32]}.head")


@dataclass(frozen=True)
class _State:
    turn: int
    known: Known


class Head:
    """The remembered end of one chain, open for the time of one use.

    `writable` is for the holder of the chain's lock. Raises Refusal: audit_unusable for a link, for another
    user's file and for one that cannot be read; unsafe_link for a state folder that leads elsewhere through
    links that others can change; write_failed.
    """

    def __init__(self, path: Path, workspace: Path, *, writable: bool) -> None:
        self.path = path
        self._workspace = workspace
        self._writable = writable
        self._descriptor: int | None = None
        self._state: _State | None = None

    def __enter__(self) -> Head:
        try:
            self._open()
        except OSError as problem:
            raise not_read(self.path, problem, _KIND) from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    @property
    def known(self) -> Known | None:
        """What is remembered; None if nothing is."""
        return None if self._state is None else self._state.known

    def begin(self, end: End) -> None:
        """Remember the end of a chain for the first time; on disk when this returns."""
        try:
            self._make(end)
            self._open()
        except OSError as problem:
            raise not_written(self.path, problem) from None

    def _make(self, end: End) -> None:
        place = _made(self.path.parent)
        with Folder(place) as folder:
            temporary = f"{self.path.name}.tmp"
            folder.remove(temporary)
            # An empty second slot, so that no write ever makes the file longer, and a line for people.
            text = _slot(_State(0, Known(end, since=end.seq))) + b" " * (_SLOT - 1) + b"\n"
            text += f"workspace: {self._workspace}\n".encode("utf-8", "backslashreplace")
            try:
                write_beside(folder, temporary, text, Attributes(0o600, None))
                folder.rename(temporary, self.path.name)
            except OSError:
                folder.remove(temporary)
                raise
            folder.sync()

    def announce(self, end: End, upcoming: End) -> None:
        """Records after `end`, up to `upcoming`, are about to be written; on disk when this returns."""
        self._write(end, upcoming, durable=True)

    def confirm(self, end: End) -> None:
        """The chain ends here."""
        self._write(end, None, durable=False)

    def _write(self, end: End, upcoming: End | None, *, durable: bool) -> None:
        if self._state is None or self._descriptor is None:
            raise RuntimeError("a head is begun before it is written")
        state = _State(self._state.turn + 1, Known(end, upcoming, self._state.known.since))
        try:
            os.lseek(self._descriptor, _SLOT * (state.turn % 2), os.SEEK_SET)
            if os.write(self._descriptor, _slot(state)) != _SLOT:
                raise OSError(errno.EIO, os.strerror(errno.EIO), str(self.path))
            if durable:
                sync(self._descriptor)
        except OSError as problem:
            raise not_written(self.path, problem) from None
        self._state = state

    def _open(self) -> None:
        if is_link(self.path):
            refuse(_KIND, self.path, "this is a link, but a file of this program belongs here", "remove it")
        try:
            self._descriptor = os.open(self.path, READ | (os.O_RDWR if self._writable else 0))
        except FileNotFoundError:
            return
        require_own_file(self.path, self._descriptor, _KIND)
        above = self.path.parent
        if others_can_write(above):
            refuse(_KIND, above, "other users can write here", f"take that away with: chmod go-w {above}")
        text = drain(self._descriptor, 2 * _SLOT)
        states = [_parsed(text[at : at + _SLOT]) for at in (0, _SLOT)]
        newest = max((state for state in states if state is not None), key=lambda one: one.turn, default=None)
        if newest is None:
            refuse(
                _KIND,
                self.path,
                "this file remembers the end of an audit chain, but cannot be understood",
                "restore it from a backup; without one, remove it, and a cut end is not noticed this once",
            )
        self._state = newest


def _made(folder: Path) -> Path:
    """The folder without links, made with those above it: our own ones with mode 0700."""
    base = resolve(folder.parent.parent)
    base.mkdir(parents=True, exist_ok=True)
    place = base
    for part in folder.parts[-len(_PARTS) :]:
        place = place / part
        place.mkdir(mode=0o700, exist_ok=True)
    return resolve(folder)


def _slot(state: _State) -> bytes:
    known = state.known
    value = {"turn": state.turn, "since": known.since, "seq": known.end.seq, "hash": known.end.hash}
    if known.upcoming is not None:
        value["upcoming_seq"], value["upcoming_hash"] = known.upcoming.seq, known.upcoming.hash
    text = json.dumps(value).encode("ascii")
    line = text + b" " + hashlib.sha256(text).hexdigest().encode("ascii")
    return line.ljust(_SLOT - 1) + b"\n"


def _parsed(slot: bytes) -> _State | None:
    text, _, digest = slot.strip().rpartition(b" ")
    if not text or hashlib.sha256(text).hexdigest().encode("ascii") != digest:
        return None
    try:
        value = json.loads(text)
        upcoming = None
        if "upcoming_seq" in value:
            upcoming = End(int(value["upcoming_seq"]), value["upcoming_hash"])
        end = End(int(value["seq"]), value["hash"])
        return _State(int(value["turn"]), Known(end, upcoming, int(value["since"])))
    except (ValueError, KeyError, TypeError):
        return None
