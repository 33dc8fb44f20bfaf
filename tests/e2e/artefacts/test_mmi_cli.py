"""mmi-cli as people get it: the packed file under every Python, and the wheel beside the setup's."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from overlord import __version__
from scripts.building import distributions, pyz
from scripts.building.stage import OVERLORD
from scripts.lib import cache, installing, pythons

SIZE_LIMIT = 120_000
PYTHONS = pythons.find()


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pyz.build_program(OVERLORD, tmp_path_factory.mktemp("packed"))


def run(*command: str, home: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=home,
        env={"PATH": "/usr/bin:/bin", "HOME": str(home), "USERPROFILE": str(home), "LANG": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_it_is_the_same_bytes_again_small_and_carries_its_licence(packed: Path, tmp_path: Path) -> None:
    previous = os.umask(0o077)
    try:
        again = pyz.build_program(OVERLORD, tmp_path / "deeper" / "tief äß")
    finally:
        os.umask(previous)
    assert again.read_bytes() == packed.read_bytes()
    assert packed.stat().st_size <= SIZE_LIMIT
    with zipfile.ZipFile(packed) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    assert (cache.ROOT / "LICENSE").read_bytes() in content["LICENSES.txt"]
    assert [name for name, data in content.items() if str(cache.ROOT).encode() in data] == []
    # Nothing of the setup comes along.
    assert b"gonkagate_setup" not in content["sources.txt"] + content["index.txt"] + content["__main__.py"]


@pytest.mark.parametrize("python", PYTHONS, ids=str)
def test_it_runs_under_every_python_and_leaves_nothing(
    python: pythons.Interpreter, packed: Path, tmp_path: Path
) -> None:
    said = run(python.path, "-I", "-W", "error", str(packed), "overlord", "--version", home=tmp_path)
    assert (said.returncode, said.stderr) == (0, "")
    assert said.stdout.startswith(f"mmi-cli {__version__}")
    none = run(python.path, "-W", "error", str(packed), "overlord", "list", home=tmp_path)
    assert (none.returncode, none.stdout, none.stderr) == (0, "0 runs.\n", "")
    refused = run(python.path, "-W", "error", str(packed), "overlord", "start", home=tmp_path)
    assert refused.returncode == 4
    assert refused.stderr.endswith("Next: export SAKANA_API_KEY=...   (make one at console.sakana.ai)\n")
    assert list(tmp_path.iterdir()) == []


def test_the_word_overlord_is_needed(packed: Path, tmp_path: Path) -> None:
    done = run(sys.executable, str(packed), "status", home=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.endswith("Next: see: mmi-cli overlord --help\n")


def test_both_wheels_in_one_environment(tmp_path: Path) -> None:
    wheel = distributions.build_wheel(OVERLORD, tmp_path / "dist")
    setup = distributions.build(tmp_path / "dist")
    program = installing.install(setup, tmp_path)
    installing.install_into(tmp_path, wheel)
    for name, expected in (("gonkagate-setup", "gonkagate-setup "), ("mmi-cli", f"mmi-cli {__version__}")):
        done = run(str(program.with_name(name + program.suffix)), "--version", home=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith(expected)
    with zipfile.ZipFile(wheel) as archive:
        assert {name.split("/")[0] for name in archive.namelist()} == {
            "overlord",
            f"mmi_cli-{__version__}.dist-info",
        }


def test_the_demo_shows_a_run(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(cache.ROOT / "scripts" / "demo.py"), "overlord"],
        cwd=tmp_path,
        env={**os.environ, "HOME": str(tmp_path), "GONKAGATE_SETUP_CACHE": str(cache.folder())},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for shown in (
        "[8/8] Ready.",
        "3 of 4 answered. Next: mmi-cli overlord retry m-0003",
        "normal-3: blocked, the service is not available at the moment (HTTP 500)",
        "ultra     fugu-ultra  blocked (interrupted)",
        "Back: ultra.",
        "POST /v1/chat/completions   Bearer ***   500   normal-3, fugu, 6 messages",
        "# Overlord run run-",
        "does not hold the key",
    ):
        assert shown in done.stdout, done.stdout
    assert list(tmp_path.iterdir()) == []
