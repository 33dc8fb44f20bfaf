"""The calls that the sweeps count are those that the kernel sees, in the same order."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.homes import SCENARIOS, Scenario
from tests.faults.interception import CHANGING, Counter, intercepted

strace = shutil.which("strace")
needs_strace = pytest.mark.skipif(
    strace is None or sys.platform != "linux", reason="strace, which counts the calls, is not on this machine"
)
pytestmark = needs_strace

ROOT = Path(__file__).resolve().parents[3]
_BEGIN, _END = "/sweep-begins-here", "/sweep-ends-here"
# Only calls on files; memory, signals and the interpreter's own business are no points at which disks differ.
_TRACED = "%file,%desc"
_UNCOUNTED = {
    *("mmap", "ioctl", "fcntl", "getcwd", "dup", "pipe2", "select", "poll", "getdents64"),
    # These answer no rather than fail, or are asked for a better message only.
    *("faccessat", "faccessat2", "access", "statfs"),
}
_KERNEL_NAMES = {
    "open": "openat",
    "create": "openat",
    "stat": "stat",
    "lstat": "stat",
    "fstat": "stat",
    "newfstatat": "stat",
    "rename": "replace",
    "renameat": "replace",
    "renameat2": "replace",
    "unlinkat": "unlink",
    "mkdirat": "mkdir",
    "readlinkat": "readlink",
    "fchmodat": "chmod",
    "utimensat": "utime",
    "fgetxattr": "getxattr",
    "fsetxattr": "setxattr",
    "flistxattr": "listxattr",
}
# A folder is listed by opening, measuring and closing it; Python does not show those.
_LISTING = ["openat", "stat", "close"]


def program(index: int, root: Path) -> str:
    return (
        "import os\n"
        "from pathlib import Path\n"
        "from tests.faults.homes import SCENARIOS\n"
        f"scenario = SCENARIOS[{index}]\n"
        f"home = scenario.make(Path({str(root / 'warm')!r}))\n"
        "scenario.run(home)\n"
        f"home = scenario.make(Path({str(root / 'seen')!r}))\n"
        f"os.path.exists({_BEGIN!r})\n"
        "scenario.run(home)\n"
        f"os.path.exists({_END!r})\n"
    )


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_kernel_sees_what_is_counted(scenario: Scenario, tmp_path: Path) -> None:
    warm = scenario.make(tmp_path / "warm first")
    scenario.run(warm)
    home = scenario.make(tmp_path / "y" / "counted")
    with intercepted(Counter()) as counter:
        scenario.run(home)
    log = tmp_path / "log"
    done = subprocess.run(
        [str(strace), "-f", "-qq", "-o", str(log), "-e", f"trace={_TRACED}", sys.executable, "-c",
         program(SCENARIOS.index(scenario), tmp_path / "x")],
        cwd=ROOT, env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    if done.returncode != 0:
        pytest.skip(f"strace may not trace here: {done.stderr.strip()[-200:]}")
    assert seen(log.read_text()) == counted(counter.names)


def changes_seen(program: str, log: Path, *arguments: str) -> list[str]:
    """What the kernel saw changing the disk between the two marks, in the main thread of that program."""
    done = subprocess.run(
        [str(strace), "-qq", "-o", str(log), "-e", f"trace={_TRACED}", sys.executable, "-c",
         program.replace("BEGIN", repr(_BEGIN)).replace("END", repr(_END)), *arguments],
        cwd=ROOT, env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    if "ptrace" in done.stderr:
        pytest.skip(f"strace may not trace here: {done.stderr.strip()[-200:]}")
    assert done.returncode == 0, done.stderr
    inside = log.read_text().split(_BEGIN, 1)[1].split("\n", 1)[1].split(_END, 1)[0]
    kernel = []
    for name, rest in re.findall(r"^(\w+)\((.*)$", inside, flags=re.MULTILINE):
        creates = name in ("open", "openat") and "O_CREAT" in rest
        kernel.append("create" if creates else _KERNEL_NAMES.get(name, name))
    return [name for name in kernel if name in CHANGING]


def seen(text: str) -> list[str]:
    inside = text.split(_BEGIN, 1)[1].split("\n", 1)[1].split(_END, 1)[0]
    names = re.findall(r"^\d+ +(\w+)\(", inside, flags=re.MULTILINE)[:-1]
    return [_KERNEL_NAMES.get(name, name) for name in names if name not in _UNCOUNTED]


def counted(names: list[str]) -> list[str]:
    result: list[str] = []
    for name in names:
        result += _LISTING if name == "listdir" else [_KERNEL_NAMES.get(name, name)]
    return result
