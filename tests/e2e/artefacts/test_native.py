"""The native binaries of this machine, by both builders: self-contained, and they do the whole job.

Building takes longer than everything else, so these run with --deep only. With --built FOLDER they test the
binary that scripts/build.py put there, PyInstaller's alone. Nuitka's part needs a C compiler.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.building import nuitka, sbom
from scripts.building.native import name
from scripts.lib import cache
from tests.conftest import Record
from tests.e2e.artefacts.test_install_sh import SCRIPT, SHELLS, Box
from tests.e2e.artefacts.test_pyz import copy_of_sources
from tests.faults.mounted import mounts, unshare
from tests.support.machine import ROOT, Machine
from tests.support.release_server import NATIVE, PROGRAM, PYZ, Release

pytestmark = pytest.mark.deep

SIZE_LIMIT = 7_000_000
BUILDERS = ("native", "nuitka")


def build(root: Path, output: Path, artefact: str = "native") -> Path:
    command = [sys.executable, "scripts/build.py", artefact, "--output", str(output)]
    environ = {**os.environ, "GONKAGATE_SETUP_CACHE": str(cache.folder()), "HOME": str(root)}
    done = subprocess.run(command, cwd=root, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (made,) = (path for path in output.iterdir() if not path.name.endswith(sbom.SUFFIX))
    return made


def need_compiler() -> None:
    if not nuitka.has_compiler():
        pytest.skip("Nuitka needs a C compiler, and neither cc, gcc nor clang is on PATH")


@pytest.fixture(scope="session", params=BUILDERS)
def binary(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The binary of each builder in turn."""
    if request.param == "native":
        made: Path = request.getfixturevalue("native")
        return made
    if request.config.getoption("--built"):
        pytest.skip("--built names a folder with PyInstaller's binary")
    need_compiler()
    return build(ROOT, tmp_path_factory.mktemp(request.param), request.param)


@pytest.fixture(scope="session")
def native(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The one in the folder that --built names, else one made now."""
    folder = request.config.getoption("--built")
    return Path(folder).resolve() / name() if folder else build(ROOT, tmp_path_factory.mktemp("native"))


def test_two_builds_in_different_folders_are_the_same_bytes(tmp_path: Path) -> None:
    first = build(copy_of_sources(tmp_path / "one"), tmp_path / "out-1")
    second = build(copy_of_sources(tmp_path / "two" / "deeper"), tmp_path / "out-2")
    assert first.read_bytes() == second.read_bytes()
    bills = [path.with_name(path.name + sbom.SUFFIX).read_bytes() for path in (first, second)]
    assert bills[0] == bills[1]


def test_whether_two_builds_by_nuitka_are_the_same_bytes_is_reported(tmp_path: Path, figure: Record) -> None:
    need_compiler()
    first = build(copy_of_sources(tmp_path / "one"), tmp_path / "out-1", "nuitka").read_bytes()
    second = build(copy_of_sources(tmp_path / "two" / "deeper"), tmp_path / "out-2", "nuitka").read_bytes()
    figure("two builds by Nuitka with the same bytes", float(first == second), "(1: yes, 0: no)")
    assert first
    assert second


def test_it_names_no_path_of_this_machine_and_its_size_is_kept(binary: Path, figure: Record) -> None:
    figure(f"size of {binary.name}", binary.stat().st_size / 1_000_000, "MB")
    assert str(ROOT).encode() not in binary.read_bytes()
    # Nuitka's has no limit: it is the second opinion.
    if "nuitka" not in binary.name and name().endswith("-linux-x86_64"):
        assert binary.stat().st_size <= SIZE_LIMIT


def test_its_bill_names_the_libraries_inside_and_it_carries_their_licences(native: Path) -> None:
    bill = json.loads(native.with_name(native.name + sbom.SUFFIX).read_text(encoding="utf-8"))
    inside = {one["name"]: one for one in bill["components"]}
    assert {"json5", "CPython", "PyInstaller bootloader", "OpenSSL", "zlib"} <= set(inside)
    assert [one["name"] for one in bill["components"] if not one.get("licenses")] == []
    data = native.read_bytes()
    for file in ("LICENSES.txt", "Python.txt", "PyInstaller.txt", "Libraries.txt"):
        assert file.encode() in data, file


def test_it_does_the_whole_job_and_leaves_nothing_in_the_temporary_folder(
    machine: Machine, binary: Path
) -> None:
    machine.python = [str(binary)]
    done = machine.run_setup("--scope", "user", "--yes", "--json", "--api-key-stdin", stdin=machine.key)
    assert done.status == 0, done.output
    assert done.json["ok"] is True
    answered = machine.opencode("run", "say hi")
    assert "Hello from the GonkaGate stand-in." in answered.stdout, answered.output
    assert {request.key for request in machine.stand_in.requests} == {machine.key}
    # Where PyInstaller's and Nuitka's binaries unpack themselves, and our own folders.
    ours = ("_MEI", "onefile", "gonka")
    assert [path.name for path in machine.temp.iterdir() if path.name.startswith(ours)] == []


def test_verify_live_speaks_tls_from_inside_the_binary(machine: Machine, binary: Path) -> None:
    machine.python = [str(binary)]
    machine.run_setup("--scope", "user", "--yes", "--json", "--api-key-stdin", stdin=machine.key)
    done = machine.run_setup("verify", "--live", "--json")
    assert done.status == 0, done.output


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["models"], ["completion", "bash"]])
def test_every_plain_command_works(binary: Path, arguments: list[str]) -> None:
    done = subprocess.run([str(binary), *arguments], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout


@pytest.mark.skipif(not mounts(), reason="this machine lets no test mount a file system (unshare -rm)")
@pytest.mark.parametrize(
    ("options", "works"),
    [("size=40m", True), ("size=40m,noexec", False), ("size=1m", False)],
    ids=["roomy", "noexec", "full"],
)
def test_installing_it_with_a_temporary_folder_that_is_full_or_noexec(
    native: Path, options: str, works: bool, tmp_path: Path
) -> None:
    """Left to itself, the binary stays unpacked there."""
    with Release() as release:
        release.assets = {NATIVE: native.read_bytes(), PYZ: PROGRAM}
        box = Box(tmp_path, SHELLS["bash"], release)
        script = f'mount -t tmpfs -o {options} none "$TMPDIR" && "$@"; echo "status $?" && ls -A "$TMPDIR"'
        outer = f"PATH=$PATH:/usr/bin:/bin:/usr/sbin:/sbin; {script}"
        copy = str(shutil.copy(SCRIPT, box.bin / "install.sh"))
        done = subprocess.run(
            [str(unshare), "-rm", "/bin/sh", "-c", outer, "sh", "bash", copy, "--no-run"],
            env=box.environment, cwd=box.home, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.stdout == "status 0\n", done.stderr
        assert box.target.read_bytes() == (native.read_bytes() if works else PROGRAM), done.stderr
