"""One run on disk: read whole, changed under a lock, replaced atomically."""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Callable, Final, NoReturn, TypeVar

from foundation import signals
from foundation.errors import Refusal, Where
from foundation.files.reading import READ, drain, read_snapshot
from foundation.files.replace import Attributes, Folder, write_beside
from foundation.files.snapshot import Snapshot
from foundation.files.writable import advice
from foundation.host import Host
from foundation.protection import for_host
from overlord.core.json_values import SCHEMA_VERSION, Json
from overlord.core.registry import UNLEDGERED, what_is_wrong
from overlord.core.times import stamp
from overlord.storage.changes import Changes
from overlord.storage.journals import Journals
from overlord.storage.ledger import Ledger
from overlord.storage.locks import Lock, Locks

Result = TypeVar("Result")

REGISTRY: Final = "registry.json"
TOKEN: Final = "token"  # noqa: S105 - the name of a file
_UNFINISHED: Final = ".registry.json.new"
# 8 servants with 2 MiB each, escaped, twice (conversation and results), and room for failed messages.
_MOST_BYTES: Final = 1024 * 1024 * 1024
_MOST_TOKEN: Final = 4096
_WAIT_SECONDS: Final = 30.0


class RunStore:
    """The files of one run in `folder`, whose name is the run's id; `changes` gets what is stored."""

    def __init__(self, folder: Path, host: Host, changes: Changes) -> None:
        self.folder = folder
        self.run_id = folder.name
        self.locks = Locks(folder)
        self.journals = Journals(folder / "journal")
        self._host = host
        self._changes = changes
        self._ledger = Ledger(folder / "ledger.jsonl")
        self._read: tuple[tuple[int, int, int, int] | None, Json] | None = None

    @property
    def registry_path(self) -> Path:
        """The registry's file."""
        return self.folder / REGISTRY

    def now(self) -> str:
        """The time, as it is stored."""
        return stamp(self._host.now())

    def exists(self) -> bool:
        """Whether there is a registry; a folder without one is no run."""
        return os.path.lexists(self.registry_path)

    def load(self) -> Json:
        """The registry as it is now, for reading only.

        Raises Refusal registry_unreadable, registry_newer, run_token_mismatch, no_run.
        """
        if self._read is not None and self._read[0] == self._identity():
            return self._read[1]
        snapshot = read_snapshot(self.registry_path, follow_links=False, limit=_MOST_BYTES)
        if snapshot.data is None:
            raise Refusal(
                "no_run",
                f"there is no run {self.run_id}",
                where=Where(str(self.folder)),
                next_step="see the runs with: mmi-cli overlord list",
            )
        registry = self._parsed(snapshot.data)
        self._require_token(registry)
        self._read = (snapshot.identity, registry)
        return registry

    @signals.uninterrupted
    def change(self, mutate: Callable[[Json], Result], wait_seconds: float = _WAIT_SECONDS) -> Result:
        """Change the registry: `mutate` gets it, and what it leaves there is written as a whole.

        Events that it puts into the registry are then appended to the ledger. Raises Refusal write_failed,
        and what `load` raises; then nothing was changed. A signal counts only while the lock is waited for.
        """
        lock = self.locks.registry()
        try:
            if not self.take(lock, time.monotonic() + wait_seconds, _check_signals):
                raise Refusal(
                    "write_failed",
                    "another command has been changing this run for too long",
                    where=Where(str(self.folder)),
                    next_step="wait until it has finished, then run this command again",
                )
            return self._change(mutate)
        finally:
            lock.release()

    def take(self, lock: Lock, until: float, stopping: Callable[[], bool] = lambda: False) -> bool:
        """See `Lock.take`; Refusal write_failed if the lock cannot be used."""
        try:
            return lock.take(until, stopping)
        except OSError as problem:
            self._refuse_writing(problem)

    def _change(self, mutate: Callable[[Json], Result]) -> Result:
        registry = self.load()
        self._read = None
        try:
            self._ledger.append(self._ledger.missing(registry.get(UNLEDGERED) or []))
            registry[UNLEDGERED] = []
            self._ledger.require_usable()
            result = mutate(registry)
            registry["updatedAt"] = self.now()
            self._write(registry)
            self._ledger.append(registry[UNLEDGERED])
            self._read = (self._identity(), registry)
        except OSError as problem:
            self._refuse_writing(problem)
        return result

    def _identity(self) -> tuple[int, int, int, int] | None:
        """What tells one registry from the next: each is a new file. None if it cannot be looked at."""
        try:
            status = self.registry_path.lstat()
        except OSError:
            return None
        return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)

    def unledgered(self, registry: Json) -> bool:
        """Whether a command was killed before the ledger had its last events."""
        with suppress(OSError):
            return bool(self._ledger.missing(registry.get(UNLEDGERED) or []))
        return False

    def create(self, registry: Json, lock: Lock) -> None:
        """Make the run: folder, startup lock (which is taken), token, and the registry as the last.

        Raises Refusal write_failed.
        """
        try:
            self.folder.mkdir(mode=0o700)
            protection = for_host(self._host)
            for folder in (self.folder, self.folder / "journal", self.folder / "locks"):
                folder.mkdir(mode=0o700, exist_ok=True)
                protection.apply(folder)
            lock.take(0.0)
            with Folder(self.folder) as folder_:
                self._put(folder_, TOKEN, f"{registry['runToken']}\n".encode())
            self._write_first(registry)
            with Folder(self.folder.parent) as parent:
                parent.sync()
        except OSError as problem:
            self._refuse_writing(problem)

    @signals.uninterrupted
    def _write_first(self, registry: Json) -> None:
        """Write a new run's registry, and note the run, so that a signal leaves nothing open in it."""
        self._write(registry)
        self._changes.made = self.run_id
        self._changes.changed.append(self.run_id)

    def keep_conversation(self, slot: str, generation: int, conversation: list[Json]) -> None:
        """Store the conversation of a servant that is replaced; Refusal write_failed."""
        name = f"{slot}.generation-{generation}.json"
        folder = self.folder / "journal"
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            with Folder(folder) as opened:
                self._put(opened, name, json.dumps(conversation).encode())
        except OSError as problem:
            self._refuse_writing(problem)

    def _parsed(self, data: bytes) -> Json:
        try:
            value: Any = json.loads(data, parse_constant=_no_constant)
        except (ValueError, RecursionError):
            self._refuse("registry_unreadable", f"{self.registry_path} is not JSON")
        version = value.get("schemaVersion") if isinstance(value, dict) else None
        if isinstance(version, int) and not isinstance(version, bool) and version > SCHEMA_VERSION:
            self._refuse(
                "registry_newer",
                f"{self.registry_path} has version {version}; this program knows version {SCHEMA_VERSION}",
                "update mmi-cli, then run this command again",
            )
        wrong = what_is_wrong(value, self.run_id)
        if (version != SCHEMA_VERSION or isinstance(version, bool)) and wrong is None:
            wrong = "its schemaVersion is unknown"
        if wrong is not None:
            self._refuse(
                "registry_unreadable", f"{self.registry_path} is not the registry of its run: {wrong}"
            )
        registry: Json = value
        return registry

    def _require_token(self, registry: Json) -> None:
        path = self.folder / TOKEN
        try:
            snapshot = read_snapshot(path, follow_links=False, limit=_MOST_TOKEN)
        except Refusal:
            snapshot = Snapshot(path, path, None)
        token = (snapshot.data or b"").strip()
        if not token or token != registry["runToken"].encode("utf-8", "replace"):
            self._refuse(
                "run_token_mismatch",
                f"the token in {path} is not that of the run's registry",
                "restore the run's folder from a backup, or start a new run",
                path,
            )

    def _write(self, registry: Json) -> None:
        data = json.dumps(registry, separators=(",", ":")).encode()
        with Folder(self.folder) as folder:
            self._put(folder, REGISTRY, data)
        self._changes.changed.append(self.run_id)

    def _put(self, folder: Folder, name: str, data: bytes) -> None:
        unfinished = _UNFINISHED if name == REGISTRY else f".{name}.new"
        folder.remove(unfinished)  # a kill has left it
        former = self._former(folder, name)
        try:
            self._replace(folder, unfinished, name, data)
            try:
                folder.sync()
            except OSError:
                self._put_back(folder, unfinished, name, former)
                raise
        finally:
            if former is not None:
                os.close(former)

    def _former(self, folder: Folder, name: str) -> int | None:
        """The file that is about to be replaced, kept open; None if there is none.

        Windows cannot replace an open file, and there `Folder.sync` never fails.
        """
        if self._host.windows:
            return None
        try:
            return folder.open(name, READ)
        except FileNotFoundError:
            return None

    def _replace(self, folder: Folder, unfinished: str, name: str, data: bytes) -> None:
        protect = for_host(self._host).apply if self._host.windows else None
        try:
            # The time in ns: the system's own stamps may be the same for two files that follow each other.
            attributes = Attributes(0o600, None, time.time_ns())
            write_beside(folder, unfinished, data, attributes, protect=protect)
            folder.rename(unfinished, name)
        except OSError:
            with suppress(OSError):
                folder.remove(unfinished)
            raise

    def _put_back(self, folder: Folder, unfinished: str, name: str, former: int | None) -> None:
        """The new file has its name, and the disk does not say that it will keep it."""
        with suppress(OSError):
            if former is None:
                folder.remove(name)
            else:
                self._replace(folder, unfinished, name, drain(former, _MOST_BYTES))

    def _refuse(
        self, kind: str, message: str, next_step: str | None = None, path: Path | None = None
    ) -> NoReturn:
        raise Refusal(
            kind,
            message,
            where=Where(str(path or self.registry_path)),
            next_step=next_step or "restore this file from a backup, or start a new run; it was not changed",
        ) from None

    def _refuse_writing(self, problem: OSError) -> NoReturn:
        why, next_step = advice(self.folder, problem)
        named = str(problem.filename or "")
        raise Refusal(
            "write_failed",
            f"the run could not be stored ({why})",
            where=Where(named if named.startswith(str(self.folder)) else str(self.folder)),
            next_step=next_step,
        ) from None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _check_signals() -> bool:
    signals.check()
    return False
