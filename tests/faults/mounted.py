"""Programs in a mount name space of their own, where this machine lets a test mount a file system."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
unshare = shutil.which("unshare")
_PROBE = "mount -t tmpfs none /mnt && umount /mnt"


def mounts() -> bool:
    """Whether a test may mount a file system."""
    if unshare is None or sys.platform != "linux":
        return False
    return not subprocess.run(
        [unshare, "-rm", "sh", "-c", _PROBE], capture_output=True, check=False
    ).returncode


needs_mounts = pytest.mark.skipif(
    not mounts(), reason="this machine lets no test mount a file system (unshare -rm)"
)


def run(program: str, *arguments: object, script: str = 'exec "$@"') -> str:
    """Run the Python `program` after the shell `script` that ends with `exec "$@"`; its standard output."""
    done = subprocess.run(
        [str(unshare), "-rm", "sh", "-c", script, "sh", sys.executable, "-c", program, *map(str, arguments)],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
        stdin=subprocess.DEVNULL, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout
