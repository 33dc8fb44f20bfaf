"""Throw-away homes, and the setups that are killed and broken in them.

A scenario prepares a home and then does one whole transaction in it, as commands/setup/ does: lock,
recover, apply, (opencode would be asked here), apply, commit or roll back.
"""

from __future__ import annotations

import json
import os
import stat
import sys
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Callable, Sequence

from foundation.files.reading import read_snapshot
from foundation.host import Host
from foundation.transaction import Delete, Protect, Role, Transaction, Write, lock, recover
from foundation.transaction.changes import Change
from gonkagate_setup.catalog import GONKAGATE
from gonkagate_setup.store import Store
from tests.property.jsonc_tokens import whole_value
from tests.support.canary import Canary, leaks

NOW = datetime(2026, 7, 1, 12, 0, 0, tzinfo=timezone.utc)
# The same in every process of a test; after each test they are searched for like any canary (conftest.py).
OLD, NEW = Canary("OldKeyOfTests", "itsSecondHalf"), Canary("NewKeyForTests", "andOtherHalf")
OLD_KEY, NEW_KEY = OLD.key.encode(), NEW.key.encode()
BINDING = GONKAGATE.key_binding
# What a tree is made of: mode, owner and content by path; content is None for a folder.
Tree = dict[str, tuple[str, int, int, "bytes | None"]]
# What is searched after a test: where homes were made, and where a test itself planted a key.
MADE: set[Path] = set()
PLANTED: set[Path] = set()


@dataclass(frozen=True)
class Home:
    """A home and a project beside it under `root`."""

    root: Path

    @property
    def folder(self) -> Path:
        return self.root / "home"

    @property
    def project(self) -> Path:
        return self.root / "project"

    @classmethod
    def empty(cls, root: Path) -> Home:
        """A home folder and a project with nothing in them."""
        made = cls(root)
        made.folder.mkdir(parents=True)
        made.project.mkdir()
        return made

    @property
    def user_config(self) -> Path:
        return self.folder / ".config" / "opencode" / "opencode.json"

    @property
    def project_config(self) -> Path:
        return self.project / "opencode.json"

    @property
    def store(self) -> Store:
        return Store.at(self.folder, GONKAGATE)

    @property
    def host(self) -> Host:
        return Host(
            environ={"PATH": os.environ["PATH"]},
            home=self.folder,
            cwd=self.project,
            platform="win32" if sys.platform == "win32" else "linux",
            user_id=os.getuid() if hasattr(os, "getuid") else None,
            now=lambda: NOW,
            hidden=GONKAGATE.hidden,
        )

    def tree(self) -> Tree:
        """Everything under `root`; read with the plain calls, not with those under test."""
        found: Tree = {}
        for folder, folders, files in os.walk(self.root):
            for name in (*folders, *files):
                path = Path(folder, name)
                status = path.lstat()
                data: bytes | None = None
                if stat.S_ISLNK(status.st_mode):
                    data = os.fsencode(os.readlink(path))  # noqa: PTH115
                elif stat.S_ISREG(status.st_mode):
                    data = path.read_bytes()
                mode = stat.filemode(status.st_mode)
                found[path.relative_to(self.root).as_posix()] = (mode, status.st_uid, status.st_gid, data)
        return found

    def would_start(self) -> str | None:
        """Why opencode would refuse to start, None where it would not; test_starts.py tries it."""
        for path in (self.user_config, self.project_config):
            for one in (path, path.with_suffix(".jsonc")):
                reason = self._refused(one) if one.exists() else None
                if reason is not None:
                    return f"{one} {reason}"
        return None

    def _refused(self, path: Path) -> str | None:
        text = path.read_text(encoding="utf-8")
        try:
            if text and not isinstance(whole_value(text), dict):
                return "is not an object"
        except (AssertionError, IndexError, ValueError):
            return "is not JSONC"
        if BINDING in text and not (self.folder / ".gonkagate" / "opencode" / "api-key").is_file():
            return "names a key file that is not there"
        return None


def keys_elsewhere() -> list[str]:
    """Where a key stands in the homes that were made, but in their key files."""
    roots = [root for root in MADE if root.exists()]
    allowed = {root / "home" / ".gonkagate" / "opencode" / "api-key" for root in roots}
    return leaks((OLD, NEW), roots, allowed | PLANTED)


def config(**values: object) -> bytes:
    """A user config with our provider in it and some more."""
    provider = {"gonkagate": {"options": {"apiKey": BINDING}}}
    return json.dumps({"provider": provider, **values}, indent=2).encode()


@dataclass(frozen=True)
class Scenario:
    """`prepare` makes the home; `changes` and `records` say what is applied first and second."""

    name: str
    prepare: Callable[[Home], None]
    changes: Callable[[Home], Sequence[Change]]
    records: Callable[[Home], Sequence[Change]]
    commits: bool = True

    def make(self, root: Path) -> Home:
        home = Home.empty(root)
        MADE.add(root)
        self.prepare(home)
        return home

    def run(self, home: Home) -> None:
        with lock(home.store, home.host, wait_seconds=0):
            recover(home.store, home.host)
            with Transaction(home.store, home.host) as transaction:
                transaction.apply(self.changes(home))
                transaction.apply(self.records(home))
                if self.commits:
                    transaction.commit()


def private(path: Path, data: bytes, role: Role = Role.SECRET) -> Write:
    return Write(read_snapshot(path, follow_links=False), data, role=role, private=True)


def state(home: Home) -> list[Change]:
    return [
        private(home.store.state, b'{"selectedScope": "user"}\n', Role.STATE),
        private(home.store.note, b'{"path": "/x"}\n', Role.NOTE),
    ]


def put(path: Path, data: bytes, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    path.chmod(mode)


def _nothing(_home: Home) -> None:
    """A fresh machine."""


def _installed(home: Home) -> None:
    store = home.store
    put(store.key, OLD_KEY, 0o600)
    put(store.state, b"{}\n", 0o600)
    store.folder.chmod(0o700)
    put(home.user_config, config(model="gonkagate/old"), 0o640)
    put(home.project_config, b'{"permission": "ask"}', 0o644)


def _drifted(home: Home) -> None:
    _installed(home)
    home.store.key.chmod(0o644)
    home.store.folder.chmod(0o755)


def _first(home: Home) -> list[Change]:
    user = config(model="gonkagate/new")
    return [
        private(home.store.key, NEW_KEY),
        Write(read_snapshot(home.user_config), user, role=Role.USER_CONFIG),
    ]


def _switch(home: Home) -> list[Change]:
    return [
        Write(read_snapshot(home.user_config), config(), role=Role.USER_CONFIG),
        Write(read_snapshot(home.project_config), b'{"model": "gonkagate/new"}', role=Role.PROJECT_CONFIG),
    ]


def _rotation(home: Home) -> list[Change]:
    return [private(home.store.key, NEW_KEY)]


def _protect(home: Home) -> list[Change]:
    return [Protect(home.store.key)]


def _way_out(home: Home) -> list[Change]:
    return [
        Write(read_snapshot(home.user_config), b"{}", role=Role.USER_CONFIG),
        Delete(read_snapshot(home.store.key, follow_links=False), role=Role.SECRET),
    ]


def _no_state(home: Home) -> list[Change]:
    return [Delete(read_snapshot(home.store.state, follow_links=False), role=Role.STATE)]


SCENARIOS = (
    Scenario("first setup", _nothing, _first, state),
    Scenario("rerun with changes", _installed, _first, state),
    Scenario("scope switch", _installed, _switch, state),
    Scenario("key rotation", _drifted, _rotation, state),
    Scenario("drifted modes", _drifted, _protect, state),
    Scenario("way out", _installed, _way_out, _no_state),
    Scenario("roll back of a first setup", _nothing, _first, state, commits=False),
    Scenario("roll back of a rerun", _drifted, _first, state, commits=False),
)
