"""Stages for commands that are killed and broken, in memory if the machine has /dev/shm."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Iterator

import pytest

from tests.faults.overlord.place import Place
from tests.faults.overlord.scenarios import Stage
from tests.faults.overlord.victims import Victims
from tests.stand_in.chat import ChatStandIn, chat_stand_in
from tests.support import canary
from tests.support.machine import ROOT


@pytest.fixture
def base(tmp_path: Path) -> Iterator[Path]:
    """An empty folder."""
    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(dir=memory if os.access(memory, os.W_OK) else tmp_path))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def service() -> Iterator[ChatStandIn]:
    """The service, whose requests are judged by the test: a killed client leaves halves of them."""
    with chat_stand_in(key=canary.new_canary().key) as running:
        yield running


@pytest.fixture(scope="module")
def victims(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Victims]:
    """The process that forks victims."""
    with Victims(tmp_path_factory.mktemp("victims"), ROOT) as running:
        yield running


@pytest.fixture
def place(base: Path, service: ChatStandIn) -> Iterator[Place]:
    """A place for real processes; no file of it holds the key."""
    made = Place(base / "machine", service)
    yield made
    assert canary.leaks(canary.ISSUED, [made.root], set()) == []


@pytest.fixture
def stage(place: Place, victims: Victims) -> Stage:
    """A place whose commands are victims."""
    return Stage(place, victims)
