"""All runs of this user, and the one that a command is about. Nothing is guessed."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Final, Iterable, Iterator, Sequence

from foundation.errors import Refusal, Where
from foundation.files.links import is_link
from foundation.files.reading import reason
from foundation.host import Host
from foundation.terminal.text import listed
from overlord.core.json_values import Json
from overlord.core.registry import ENDED, RUN_ID
from overlord.storage.changes import Changes
from overlord.storage.home import names_in
from overlord.storage.run_store import RunStore

VARIABLE: Final = "MMI_OVERLORD_RUN"
# These also find a run that failed; the second ones also one that was stopped.
TAKE_FAILED: Final = ("status", "recover", "stop", "export", "watch")
TAKE_STOPPED: Final = ("status", "export", "watch")


@dataclass(frozen=True)
class Found:
    """A run's store, and its registry or why there is none."""

    store: RunStore
    registry: Json | None
    problem: Refusal | None = None


class Runs:
    """The runs below the state folder `home`; `settled` settles what dead commands have left in one."""

    def __init__(self, home: Path, host: Host, changes: Changes, settled: Callable[[RunStore], Json]) -> None:
        self.folder = home / "runs"
        self._host = host
        self._changes = changes
        self._settled = settled

    def store(self, run_id: str) -> RunStore:
        """The store of the run with that id, which need not exist."""
        return RunStore(self.folder / run_id, self._host, self._changes)

    def all(self) -> Iterator[Found]:
        """Every run, by its id, readable or not; a folder without registry is no run."""
        for name in names_in(self.folder):
            if RUN_ID.fullmatch(name):
                store = self.store(name)
                if not store.exists() or is_link(store.folder):
                    continue
                try:
                    yield Found(store, store.load())
                except Refusal as problem:
                    yield Found(store, None, problem)

    def named(self, run_id: str) -> RunStore:
        """The run with that id; Refusal no_run."""
        if RUN_ID.fullmatch(run_id):
            store = self.store(run_id)
            if store.exists() and not is_link(store.folder):
                return store
        raise _no_run("there is no run of that id")

    def open_in(self, worktree: Path) -> list[Found]:
        """The runs in this worktree that are neither stopped nor failed."""
        return _in_states(self._here(self.all(), worktree), ENDED, inside=False)

    def _here(self, found: Iterable[Found], worktree: Path, *, settle: bool = True) -> list[Found]:
        """Those of this worktree that can be read, with what dead commands left open settled first."""
        here = []
        for one in found:
            if one.registry is None or one.registry["worktree"] != str(worktree):
                continue
            if settle:
                with contextlib.suppress(Refusal):  # what cannot be written now stays as it is
                    here.append(Found(one.store, self._settled(one.store)))
                    continue
            here.append(one)
        return here

    def select(self, command: str, named: str | None, worktree: Path) -> RunStore:
        """The run that the command is about; `named` is its id from --run or the environment.

        Raises Refusal no_run, run_ambiguous, and what keeps the only candidates from being read.
        """
        if named is not None:
            return self.named(named)
        found = list(self.all())
        # `stop` looks at what dead commands have recorded before that is settled.
        here = self._here(found, worktree, settle=command != "stop")
        candidates = _in_states(here, ENDED, inside=False)
        if len(candidates) > 1:
            ids = listed([one.store.run_id for one in candidates])
            raise Refusal(
                "run_ambiguous",
                f"several runs are open in {worktree}: {ids}",
                next_step=f"name one with --run, for example: --run {candidates[-1].store.run_id}",
            )
        if not candidates and command in TAKE_FAILED:
            candidates = _newest(_in_states(here, ("failed",)))
        if not candidates and command in TAKE_STOPPED:
            candidates = _newest(_in_states(here, ("stopped",)))
        if candidates:
            return candidates[0].store
        for one in found:
            if one.problem is not None:
                raise one.problem
        raise _no_run(f"{'no run is open' if here else 'there is no run'} in {worktree}")

    def remove(self, store: RunStore) -> None:
        """Remove everything of a run; Refusal write_failed. It is no run any more at once."""
        import shutil

        gone = self.folder / f".{store.run_id}.deleted"
        try:
            with contextlib.suppress(FileNotFoundError):
                shutil.rmtree(gone)
            store.folder.replace(gone)
            shutil.rmtree(gone)
        except OSError as problem:
            raise Refusal(
                "write_failed",
                f"the run could not be removed ({reason(problem)})",
                where=Where(str(store.folder)),
                next_step="make this folder writable for your user, then run this command again",
            ) from None


def _in_states(found: Sequence[Found], states: Sequence[str], *, inside: bool = True) -> list[Found]:
    return [one for one in found if one.registry is not None and (one.registry["state"] in states) is inside]


def _newest(found: Sequence[Found]) -> list[Found]:
    return sorted(found, key=lambda one: str((one.registry or {})["createdAt"]))[-1:]


def _no_run(message: str) -> Refusal:
    return Refusal(
        "no_run", message, next_step="start one with: mmi-cli overlord start, or see: mmi-cli overlord list"
    )
