"""The scripts do their own set-up, leave the user's home alone, and say what is missing."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Callable

import pytest

from gonkagate_setup import __version__
from scripts import cache
from scripts.building import distributions, pyz
from tests.machine import ROOT


@pytest.fixture
def user_home(tmp_path: Path) -> Path:
    home = tmp_path / "user"
    home.mkdir()
    return home


def script(
    name: str, *arguments: str, home: Path, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "HOME": str(home), "GONKAGATE_SETUP_CACHE": str(cache.folder()), **(env or {})}
    return subprocess.run(
        [sys.executable, str(ROOT / "scripts" / name), *arguments],
        cwd=home,
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.parametrize("build", [pyz.build, distributions.build], ids=["pyz", "wheel"])
def test_the_demo_shows_the_main_job(user_home: Path, tmp_path: Path, build: Callable[[Path], Path]) -> None:
    artefact = build(tmp_path / "dist")
    done = script("demo.py", "--artifact", str(artefact), home=user_home)
    assert done.returncode == 0, done.stdout + done.stderr
    for shown in (
        f"{artefact.name} says: gonkagate-setup {__version__}",
        '"apiKey": "{file:~/.gonkagate/opencode/api-key}"',
        "// a line of yours, which stays as it is",
        "hello.txt, written by opencode: This file was written by opencode on GonkaGate.",
        "POST https://api.gonkagate.com/v1/chat/completions   key gp-*** (",
        "model moonshotai/Kimi-K2.6, for the task",
        "scripted stand-in",
    ):
        assert shown in done.stdout, done.stdout
    assert not re.search(r"gp-test-[A-Za-z0-9]{3}", done.stdout + done.stderr)
    assert list(user_home.iterdir()) == []


def test_the_demo_says_what_did_not_happen(user_home: Path, tmp_path: Path) -> None:
    done = script("demo.py", "--artifact", str(tmp_path / "missing.pyz"), home=user_home)
    assert done.returncode == 1
    assert done.stderr.strip() == f"The demo stops here: there is no file {tmp_path / 'missing.pyz'}"


def test_getting_opencode_without_npm_says_so(user_home: Path, tmp_path: Path) -> None:
    bare = {"PATH": str(tmp_path), "GONKAGATE_SETUP_CACHE": str(tmp_path / "cache")}
    done = script("opencode_versions.py", "1.18.33", home=user_home, env=bare)
    assert done.returncode == 1
    assert done.stderr == (
        "opencode_versions: node is not on PATH: install Node.js with npm, then run this again\n"
    )
    assert not (tmp_path / "cache" / "opencode" / "1.18.33").exists()


def test_the_benchmark_knows_its_sections(user_home: Path) -> None:
    done = script("bench.py", "sprint", home=user_home)
    assert done.returncode == 2
    assert "there is no section sprint" in done.stderr


@pytest.mark.deep
def test_the_benchmark_prints_values_beside_targets(user_home: Path) -> None:
    done = script("bench.py", "setup", "start", "memory", "--runs", "1", home=user_home)
    assert done.stderr == ""
    for name in ("first setup: python -m", "rerun: .pyz", "--help: python -m", "first question: python -m"):
        assert re.search(rf"^{re.escape(name)} +[0-9.]+ (x|MiB)", done.stdout, re.MULTILINE), done.stdout


def test_continuous_integration_runs_what_a_person_runs() -> None:
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert "set -euo pipefail" in lines
    assert lines[-1] == "python3 scripts/test.py"
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
