"""What is on disk before what: the order of syncs on which the promise about power loss rests.

No test cuts the power. This one holds the order of the calls; that a file system keeps it is its own promise.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from tests.faults.homes import SCENARIOS, Scenario

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="open files are named by /proc")

BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}


class Log:
    """(call, path) in order; a temporary file goes by the name `new`."""

    def __init__(self, scenario: Scenario, root: Path) -> None:
        self.home = scenario.make(root)
        self.events: list[tuple[str, str]] = []
        originals = {name: getattr(os, name) for name in ("fsync", "replace", "unlink")}

        def fsync(descriptor: int) -> None:
            self.add("sync", self.path(descriptor))
            originals["fsync"](descriptor)

        def replace(source: str, target: str, *, src_dir_fd: int, dst_dir_fd: int) -> None:
            self.add("put", self.path(dst_dir_fd) / target)
            originals["replace"](source, target, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)

        def unlink(path: Any, *, dir_fd: int | None = None) -> None:
            self.add("remove", Path(path) if dir_fd is None else self.path(dir_fd) / path)
            originals["unlink"](path, dir_fd=dir_fd)

        with mock.patch.multiple(os, fsync=fsync, replace=replace, unlink=unlink):
            scenario.run(self.home)

    def path(self, descriptor: int) -> Path:
        return Path(f"/proc/self/fd/{descriptor}").readlink()

    def add(self, call: str, path: Path) -> None:
        name = str(path.relative_to(self.home.root))
        if path.name.startswith(".gonkagate-setup-"):
            name = str(path.parent.relative_to(self.home.root) / "new")
        self.events.append((call, name))

    def assert_order(self, *steps: tuple[str, str]) -> None:
        """The steps occur in this order, each after the one before it."""
        at = 0
        for step in steps:
            assert step in self.events[at:], (step, "after", self.events[:at])
            at = self.events.index(step, at) + 1


STORE = "home/.gonkagate/opencode"
JOURNAL = f"{STORE}/journal"
KEY = f"{STORE}/api-key"
FOLDER = "home/.config/opencode"
CONFIG = f"{FOLDER}/opencode.json"


def journal_then(first: str) -> tuple[tuple[str, str], ...]:
    return ("sync", f"{JOURNAL}/entries"), ("sync", JOURNAL), ("sync", STORE), ("put", first)


def test_the_journal_is_on_disk_before_the_first_change(tmp_path: Path) -> None:
    log = Log(BY_NAME["first setup"], tmp_path / "machine")
    log.assert_order(("sync", "home"), ("sync", "home/.gonkagate"), *journal_then(KEY))
    first = next(event for event in log.events if event[0] == "put")
    assert first == ("put", KEY)


def test_the_key_is_on_disk_before_a_config_names_it(tmp_path: Path) -> None:
    log = Log(BY_NAME["first setup"], tmp_path / "machine")
    log.assert_order(("sync", f"{STORE}/new"), ("put", KEY), ("sync", STORE), ("put", CONFIG))
    log.assert_order(("sync", f"{FOLDER}/new"), ("put", CONFIG))


def test_all_is_on_disk_before_the_journal_goes(tmp_path: Path) -> None:
    log = Log(BY_NAME["first setup"], tmp_path / "machine")
    end = ("remove", f"{JOURNAL}/entries")
    log.assert_order(("put", CONFIG), ("sync", FOLDER), end, ("sync", STORE))
    log.assert_order(("put", KEY), ("sync", "home"), ("sync", "home/.config"), ("put", CONFIG))
    log.assert_order(("put", f"{STORE}/install-state.json"), ("sync", STORE), end)


def test_records_are_in_the_journal_before_they_are_written(tmp_path: Path) -> None:
    log = Log(BY_NAME["first setup"], tmp_path / "machine")
    log.assert_order(("put", CONFIG), ("sync", f"{JOURNAL}/entries"), ("put", f"{STORE}/install-state.json"))


def test_on_the_way_out_the_config_is_on_disk_before_the_key_goes(tmp_path: Path) -> None:
    log = Log(BY_NAME["way out"], tmp_path / "machine")
    log.assert_order(("put", CONFIG), ("sync", FOLDER), ("remove", KEY))


def test_putting_back_removes_the_config_before_the_key(tmp_path: Path) -> None:
    log = Log(BY_NAME["roll back of a first setup"], tmp_path / "machine")
    end = ("remove", f"{JOURNAL}/entries")
    log.assert_order(("remove", CONFIG), ("sync", FOLDER), ("remove", KEY), ("sync", STORE), end)


def test_every_file_is_on_disk_before_it_takes_its_name(tmp_path: Path) -> None:
    for scenario in SCENARIOS:
        log = Log(scenario, tmp_path / scenario.name)
        for at, (call, name) in enumerate(log.events):
            if call == "put":
                new = ("sync", str(Path(name).parent / "new"))
                written = [number for number, event in enumerate(log.events[:at]) if event == new]
                puts = [number for number, event in enumerate(log.events[:at]) if event[0] == "put"]
                assert written, (scenario.name, name)
                assert not puts or written[-1] > puts[-1], (scenario.name, name)
