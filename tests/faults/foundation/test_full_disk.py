"""Really full and really read-only file systems, where this machine lets a test mount one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Callable

import pytest

from tests.faults import mounted as mounts
from tests.faults.homes import NEW, SCENARIOS, Scenario

pytestmark = mounts.needs_mounts

# Inside its own mount name space: a tmpfs of so many pages is filled but for `free` of them, then set up.
FULL = """
import os, sys
from pathlib import Path
from foundation.errors import Refusal
from gonkagate_setup.errors import code_of
from tests.faults.homes import SCENARIOS
from tests.faults.homes import Home
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
except Refusal as refusal:
    assert home.tree() == before, (refusal, home.tree().keys() ^ before.keys())
    print("put back", code_of(refusal), refusal.message)
else:
    print("done")
"""
READ_ONLY = """
import subprocess, sys
from pathlib import Path
from foundation.errors import Refusal
from gonkagate_setup.errors import code_of
from tests.faults.homes import SCENARIOS
from tests.faults.homes import Home
scenario, mount = SCENARIOS[int(sys.argv[1])], Path(sys.argv[3])
home = scenario.make(mount / "machine")
before = home.tree()
subprocess.run(["mount", "-o", "remount,ro", str(mount)], check=True)
try:
    scenario.run(home)
except Refusal as refusal:
    assert home.tree() == before
    print("put back", code_of(refusal), refusal.message)
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


# An opencode that fills the disk while it is asked, as the real one does with its database.
FILLS = """#!/bin/sh
[ "$1" != --version ] || { echo 1.18.33; exit; }
cat /dev/zero >"$HOME/fill" 2>/dev/null
echo 'Failed to execute statement' >&2
exit 1
"""
ASKED = """
mount -t tmpfs -o size=200k none "$HOME" && mkdir -p "$HOME/.config/opencode"
cp "$1" "$HOME/.config/opencode/opencode.json"
"$2" -m gonkagate_setup --yes --scope user --json
"""


def test_w6_the_files_that_are_reported_are_those_on_the_disk(tmp_path: Path) -> None:
    folders = {name: tmp_path / name for name in ("home", "bin", "project")}
    for folder in folders.values():
        folder.mkdir()
    program, config = folders["bin"] / "opencode", tmp_path / "before.json"
    program.write_text(FILLS)
    program.chmod(0o755)
    config.write_text(json.dumps({"username": "x" * 5000}))
    environ = {
        "HOME": str(folders["home"]),
        "PATH": f"{folders['bin']}:/usr/bin:/bin",
        "PYTHONPATH": str(mounts.ROOT),
        "GONKAGATE_API_KEY": NEW.key,
    }
    done = subprocess.run(
        [str(mounts.unshare), "-rm", "sh", "-c", ASKED, "sh", str(config), sys.executable],
        cwd=folders["project"], env=environ, capture_output=True, text=True,
        stdin=subprocess.DEVNULL, timeout=120, check=False,
    )  # fmt: skip
    report = json.loads(done.stdout)
    assert (done.returncode, report["errorCode"]) == (9, "managed_rollback_failed"), done.stderr
    actions = {Path(file["path"]).name: file["action"] for file in report["files"]}
    assert actions == {"api-key": "create", "opencode.json": "update"}
    assert "free up disk space" in report["nextStep"]
    (blocker,) = report["blockers"]
    assert "Failed to execute statement; the disk that holds" in blocker["reason"]
    assert blocker["nextStep"].startswith("free up space on the disk that holds")
