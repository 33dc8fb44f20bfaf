"""A fast folder for sweeps that make thousands of homes."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Iterator

import pytest

from tests.faults import homes
from tests.support import canary


@pytest.fixture
def roots(tmp_path: Path) -> Iterator[Iterator[Path]]:
    """A folder that is not there yet, again and again; in memory where the machine has /dev/shm."""
    memory = Path("/dev/shm")
    base = Path(tempfile.mkdtemp(dir=memory if os.access(memory, os.W_OK) else tmp_path))

    def again() -> Iterator[Path]:
        while True:
            yield base / "machine"
            shutil.rmtree(base / "machine")

    yield again()
    found = homes.keys_elsewhere()
    shutil.rmtree(base, ignore_errors=True)
    assert found == []


@pytest.fixture(autouse=True)
def _keys_of_the_homes() -> Iterator[None]:
    """The keys of homes.py are searched for as those of any machine are."""
    canary.ISSUED.extend((homes.OLD, homes.NEW))
    homes.MADE.clear()
    homes.PLANTED.clear()
    yield
    assert homes.keys_elsewhere() == []
