"""Every script answers --help, and then does nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.lib import cache

SCRIPTS = sorted((cache.ROOT / "scripts").glob("*.py"))


@pytest.mark.parametrize(
    "path", [path for path in SCRIPTS if path.name != "__init__.py"], ids=lambda path: path.name
)
def test_a_script_answers_help_and_writes_nothing(path: Path, tmp_path: Path) -> None:
    assert os.access(path, os.R_OK)
    home, there = tmp_path / "home", tmp_path / "cache"
    home.mkdir()
    # Outside of the repository, with nothing on PATH and no package of the tests.
    done = subprocess.run(
        [sys.executable, "-S", "-B", str(path), "--help"],
        cwd=home,
        env={**os.environ, "HOME": str(home), "PATH": "", "GONKAGATE_SETUP_CACHE": str(there)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"usage: {path.name} ")
    assert (list(home.iterdir()), there.exists()) == ([], False)


@pytest.mark.skipif(sys.platform == "win32", reason="install.sh is for POSIX systems")
def test_the_install_script_answers_help(tmp_path: Path) -> None:
    shell = shutil.which("sh")
    assert shell
    done = subprocess.run(
        [shell, str(cache.ROOT / "scripts" / "install.sh"), "--help"],
        cwd=tmp_path,
        env={**os.environ, "HOME": str(tmp_path)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    assert "[OPTION ...]" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_nothing_in_lib_is_started_by_hand() -> None:
    for path in (cache.ROOT / "scripts" / "lib").glob("*.py"):
        assert "__main__" not in path.read_text(encoding="utf-8"), path.name
