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
from scripts.building import distributions, native, pyz
from scripts.lib import cache, opencode_versions
from tests.support.machine import ROOT


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
        "// your own line, which is kept as it is",
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


def test_getting_opencode_without_npm_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("GONKAGATE_SETUP_CACHE", str(tmp_path / "cache"))
    with pytest.raises(cache.PreparationError, match=r"^node is not on PATH: install Node\.js with npm"):
        opencode_versions.executable("1.18.33")
    assert not (tmp_path / "cache" / "opencode" / "1.18.33").exists()


def test_the_benchmark_knows_its_sections(user_home: Path) -> None:
    done = script("bench.py", "sprint", home=user_home)
    assert done.returncode == 2
    assert "there is no section sprint" in done.stderr


@pytest.mark.deep
def test_the_benchmark_prints_values_beside_targets(user_home: Path) -> None:
    done = script("bench.py", "size", "setup", "start", "memory", "--runs", "1", home=user_home)
    assert done.stderr == ""
    for name in (
        ".pyz",
        "first setup: python -m",
        "rerun: .pyz",
        "--help: python -m",
        "--help: .pyz, slowest of 4",
        "--help: .pyz, first run of a fresh copy",
        "first question: python -m",
        "node -e 0",
        "npm tool's stand-in, by npx, installed",
    ):
        pattern = rf"^{re.escape(name)} +[0-9.]+ (x|kB|MB|MiB)"
        assert re.search(pattern, done.stdout, re.MULTILINE), done.stdout
    # Each with its figure, or with how to build what is not there.
    for name in ("native", "--help: native", "nuitka", "--help: nuitka"):
        pattern = rf"^{re.escape(name)} +([0-9.]+ |- .*not built: python3 scripts/build.py n)"
        assert re.search(pattern, done.stdout, re.MULTILINE), done.stdout


def test_a_target_for_every_run_is_missed_by_one_slow_run() -> None:
    from scripts.benchmarks import start_time

    rows = start_time._help_rows(".pyz", [7.0, 7.0, 13.5], 1.0)
    assert [(row.value, row.target, row.met) for row in rows] == [(7.0, 13.0, True), (13.5, 13.0, False)]
    rows = start_time._help_rows(start_time._FRESH, [7.0, 7.0, 13.5], 1.0)
    assert [row.met for row in rows] == [True, False]
    rows = start_time._help_rows("native", [7.0, 7.0, 16.5], 1.0)
    assert [(row.target, row.met) for row in rows] == [(16.0, True), (None, True)]


def test_what_was_not_built_is_said_and_misses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from scripts import bench
    from scripts.benchmarks import size

    packed = tmp_path / "dist" / "gonkagate-setup.pyz"
    packed.parent.mkdir()
    packed.write_bytes(bytes(150_000))
    monkeypatch.setattr(cache, "ROOT", tmp_path)
    monkeypatch.setattr(size, "packed", lambda: packed)
    rows = {row.name: row for row in size.measure(1)}
    assert (rows[".pyz"].value, rows[".pyz"].met, rows["native"].met) == (150.0, True, True)
    assert re.fullmatch(
        r"native +- MB +not built: python3 scripts/build.py native", bench._line(rows["native"])
    )
    (tmp_path / "dist" / native.name()).write_bytes(bytes(7_000_001))
    row = next(row for row in size.measure(1) if row.name == "native")
    assert not row.met
    assert "target 7 MB, MISSED" in bench._line(row)


def test_continuous_integration_runs_what_a_person_runs() -> None:
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert "set -euo pipefail" in lines
    assert lines[-1] == "python3 scripts/test.py"
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
