"""Rules are read again for the next request whatever was done to their files, and only then."""

from __future__ import annotations

import json
import os
import shutil
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Callable
from unittest import mock

import pytest

from foundation.host import Host
from marama_route.workspaces import folder as folders
from marama_route.workspaces.folder import Folder
from sovereigncode import workspace as workspaces

pytestmark = pytest.mark.skipif(
    sys.platform == "win32",
    reason="on Windows files are read for every request: nothing else proves anything",
)
CAPSULE = {"capsule_id": "shop", "subject_id": "acme", "jurisdiction": "NZ", "sensitivity": "internal"}
POLICY = "version: 1\ntenant: acme\n"
LATER = timedelta(hours=1)


class Place:
    """A workspace, and how often its files were read. `ahead`: how far its clock is."""

    def __init__(self, root: Path, ahead: timedelta) -> None:
        self.root = root / "shop"
        self.inner = self.root / ".sovereigncode"
        self.inner.mkdir(parents=True)
        self.capsule, self.policy = self.inner / "capsule.json", self.inner / "tenant-policy.yaml"
        self.write()
        self.policy.write_text(POLICY)
        host = Host(
            environ={},
            home=root,
            cwd=root,
            platform=sys.platform,
            user_id=os.getuid(),
            now=lambda: datetime.now(timezone.utc) + ahead,
            hidden={},
        )
        self.folder = Folder(self.root, host)
        self.reads = 0

    def write(self, **fields: object) -> None:
        self.capsule.write_text(json.dumps({**CAPSULE, "revoked": False, **fields}))

    def read(self) -> folders.Reading:
        def counted(*arguments: object) -> workspaces.Workspace:
            self.reads += 1
            return READ(*arguments)  # type: ignore[arg-type]

        with mock.patch.object(workspaces, "read", counted):
            return self.folder.read()


READ = workspaces.read


def test_files_that_nobody_touched_are_not_read_again(tmp_path: Path) -> None:
    place = Place(tmp_path, LATER)
    first = place.read()
    assert all(place.read() is first for _ in range(5))
    assert place.reads == 1


def test_files_that_have_just_changed_are_read_each_time(tmp_path: Path) -> None:
    """A second change in the same tick of the file system's clock would not show."""
    place = Place(tmp_path, timedelta(0))
    first = place.read()
    assert place.read() is first
    assert place.reads == 2


def _same_length_and_time(place: Place) -> None:
    before = place.capsule.stat()
    place.write(revoked=True, capsule_id="sho1")  # `true` is a letter shorter than `false`
    place.capsule.write_text(
        place.capsule.read_text() + " " * (before.st_size - place.capsule.stat().st_size)
    )
    os.utime(place.capsule, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (place.capsule.stat().st_size, place.capsule.stat().st_mtime_ns) == (
        before.st_size,
        before.st_mtime_ns,
    )


def _renamed(place: Place) -> None:
    other = place.inner / "new"
    other.write_text(json.dumps({**CAPSULE, "revoked": True}))
    other.replace(place.capsule)


def _folder_swapped(place: Place) -> None:
    other = place.root / "other"
    shutil.copytree(place.inner, other)
    place.inner.rename(place.root / "old")
    other.rename(place.inner)
    place.write(revoked=True)


def _link(place: Place) -> None:
    outside = place.root.parent / "outside.json"
    outside.write_text(place.capsule.read_text())
    place.capsule.unlink()
    place.capsule.symlink_to(outside)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda place: place.write(revoked=True), "revoked"),
        (_same_length_and_time, "revoked"),
        (_renamed, "revoked"),
        (_folder_swapped, "revoked"),
        (lambda place: place.policy.write_text("version: 1\ntenant: other\n"), "other"),
        (lambda place: place.policy.unlink(), "no policy"),
        (lambda place: place.capsule.unlink(), "faults"),
        (_link, "faults"),
        (lambda place: shutil.rmtree(place.inner), "faults"),
        (lambda place: place.capsule.write_text("{"), "faults"),
    ],
)
def test_every_change_counts_at_once(change: Callable[[Place], None], expected: str, tmp_path: Path) -> None:
    place = Place(tmp_path, LATER)
    assert place.read() is place.read()
    change(place)
    found = place.read().workspace
    said = {
        "revoked": found.capsule is not None and found.capsule.revoked,
        "other": found.policy is not None and found.policy.tenant == "other",
        "no policy": found.policy is None and not found.faults,
        "faults": bool(found.faults),
    }
    assert said[expected], found


def test_a_policy_that_appears_counts_at_once(tmp_path: Path) -> None:
    place = Place(tmp_path, LATER)
    place.policy.unlink()
    assert place.read().tenant is None
    assert place.read() is place.read()
    place.policy.write_text(POLICY)
    assert place.read().tenant == "acme"


def test_what_is_wrong_is_read_each_time(tmp_path: Path) -> None:
    place = Place(tmp_path, LATER)
    place.capsule.unlink()
    place.read()
    place.read()
    assert place.reads == 2
