"""The native binary of this machine: reproducible, self-contained, and it does the whole job.

Building takes longer than everything else, so these run with --deep only.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from scripts import cache
from tests.e2e.test_pyz import copy_of_sources
from tests.machine import ROOT, Machine

pytestmark = pytest.mark.deep

SIZE_LIMIT = 7_000_000


def build(root: Path, output: Path, artefact: str = "native") -> Path:
    command = [sys.executable, "scripts/build.py", artefact, "--output", str(output)]
    environ = {"PATH": "/usr/bin:/bin", "GONKAGATE_SETUP_CACHE": str(cache.folder()), "HOME": str(root)}
    done = subprocess.run(command, cwd=root, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (made,) = output.iterdir()
    return made


@pytest.fixture(scope="session")
def native(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(ROOT, tmp_path_factory.mktemp("native"))


def test_two_builds_in_different_folders_are_the_same_bytes(tmp_path: Path) -> None:
    first = build(copy_of_sources(tmp_path / "one"), tmp_path / "out-1")
    second = build(copy_of_sources(tmp_path / "two" / "deeper"), tmp_path / "out-2")
    assert first.read_bytes() == second.read_bytes()


def test_it_is_small_and_names_no_path_of_this_machine(native: Path) -> None:
    assert native.stat().st_size <= SIZE_LIMIT
    assert str(ROOT).encode() not in native.read_bytes()


def test_it_does_the_whole_job_and_leaves_nothing_in_the_temporary_folder(
    machine: Machine, native: Path
) -> None:
    machine.python = [str(native)]
    done = machine.run_setup("--scope", "user", "--yes", "--json", "--api-key-stdin", stdin=machine.key)
    assert done.status == 0, done.output
    assert done.json["ok"] is True
    answered = machine.opencode("run", "say hi")
    assert "Hello from the GonkaGate stand-in." in answered.stdout, answered.output
    assert {request.key for request in machine.stand_in.requests} == {machine.key}
    assert [path.name for path in machine.temp.iterdir() if path.name.startswith(("_MEI", "gonka"))] == []


def test_verify_live_speaks_tls_from_inside_the_binary(machine: Machine, native: Path) -> None:
    machine.python = [str(native)]
    machine.run_setup("--scope", "user", "--yes", "--json", "--api-key-stdin", stdin=machine.key)
    done = machine.run_setup("verify", "--live", "--json")
    assert done.status == 0, done.output


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["models"], ["completion", "bash"]])
def test_every_plain_command_works(native: Path, arguments: list[str]) -> None:
    done = subprocess.run([str(native), *arguments], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout
