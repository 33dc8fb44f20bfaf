"""Really full and really read-only file systems, where this machine lets a test mount one."""

from __future__ import annotations

from pathlib import Path
from typing import Callable

import pytest

from tests.faults import mounted as mounts
from tests.faults.homes import SCENARIOS, Scenario

pytestmark = mounts.needs_mounts

# Inside its own mount name space: a tmpfs of so many pages is filled but for `free` of them, then set up.
FULL = """
import os, sys
from pathlib import Path
from gonkagate_setup.errors import SetupError
from tests.faults.homes import SCENARIOS, Home
scenario, free = SCENARIOS[int(sys.argv[1])], int(sys.argv[2])
mount = Path(sys.argv[3])
home = scenario.make(mount / "machine")
before = home.tree()
fill = os.open(mount / "fill", os.O_WRONLY | os.O_CREAT)
try:
    while True:
        os.write(fill, b"x" * 4096)
except OSError:
    pass
size = os.fstat(fill).st_size
os.ftruncate(fill, max(0, size - free * 4096))
try:
    scenario.run(home)
except SetupError as refusal:
    assert home.tree() == before, (refusal, home.tree().keys() ^ before.keys())
    print("put back", refusal.code, refusal.message)
else:
    print("done")
"""
READ_ONLY = """
import subprocess, sys
from pathlib import Path
from gonkagate_setup.errors import SetupError
from tests.faults.homes import SCENARIOS, Home
scenario, mount = SCENARIOS[int(sys.argv[1])], Path(sys.argv[3])
home = scenario.make(mount / "machine")
before = home.tree()
subprocess.run(["mount", "-o", "remount,ro", str(mount)], check=True)
try:
    scenario.run(home)
except SetupError as refusal:
    assert home.tree() == before
    print("put back", refusal.code, refusal.message)
else:
    print("done")
"""


def mounted(program: str, tmp_path: Path, scenario: Scenario, free: int, size: str = "400k") -> str:
    mount = tmp_path / "mount"
    mount.mkdir(exist_ok=True)
    script = f'mount -t tmpfs -o size={size} none {mount} && exec "$@"'
    return mounts.run(program, SCENARIOS.index(scenario), free, mount, script=script)


@pytest.mark.parametrize("scenario", SCENARIOS[:4], ids=lambda scenario: scenario.name)
def test_full(
    scenario: Scenario, tmp_path: Path, deep: bool, figure: Callable[[str, float, str], None]
) -> None:
    """From no free page to enough of them: at first everything is put back, in the end all is done."""
    ends = [mounted(FULL, tmp_path, scenario, free) for free in range(0, 16, 1 if deep else 3)]
    assert ends[0].startswith("put back managed_")
    assert "no space left" in ends[0]
    assert ends[-1] == "done\n"
    put_back = sum(end.startswith("put back") for end in ends)
    figure("full disks", put_back, f"put back, of {len(ends)}")


@pytest.mark.parametrize("scenario", SCENARIOS[:4], ids=lambda scenario: scenario.name)
def test_read_only(scenario: Scenario, tmp_path: Path) -> None:
    end = mounted(READ_ONLY, tmp_path, scenario, 0)
    assert end.startswith("put back managed_state_write_failed")
    assert "read-only file system" in end
