"""The wheel of marama-route and sovereigncode, in one environment with the other wheels of this project."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from scripts.building import bundle, distributions, stage
from scripts.building.stage import GATEWAY, OVERLORD
from scripts.lib import cache, installing, pythons

if not sys.version_info >= (3, 10):
    pytest.skip("marama-route needs Python 3.10", allow_module_level=True)

PROGRAMS = {
    "gonkagate-setup": stage.SETUP,
    "mmi-cli": OVERLORD,
    "sovereigncode": stage.SOVEREIGNCODE,
    "marama-route": GATEWAY,
}
CAPSULE = {"capsule_id": "shop", "subject_id": "acme", "jurisdiction": "NZ", "sensitivity": "internal"}
EVERY_MODULE = """
import importlib, pkgutil
import marama_route, sovereigncode
names = [one.name for package in (marama_route, sovereigncode)
         for one in pkgutil.walk_packages(package.__path__, package.__name__ + ".")]
for name in names:
    if not name.endswith("__main__"):
        importlib.import_module(name)
print(len(names))
"""


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("wheels")
    return [
        distributions.build(folder),
        distributions.build_wheel(OVERLORD, folder),
        distributions.build_wheel(GATEWAY, folder),
    ]


@pytest.fixture(scope="module")
def programs(wheels: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the commands of all wheels: installed from the files alone, without an index."""
    folder = tmp_path_factory.mktemp("installed")
    program = installing.install(wheels[0], folder)
    for wheel in wheels[1:]:
        installing.install_into(folder, wheel)
    # The libraries, where scripts/requirements pins them.
    libraries = cache.python_environment(sys.executable, bundle.GATEWAY_PYZ.requirements)
    (theirs,) = libraries.parents[1].glob("[Ll]ib/**/site-packages")
    (ours,) = program.parents[1].glob("[Ll]ib/**/site-packages")
    (ours / "libraries.pth").write_text(f"{theirs}\n")
    return program.parent


def run(programs: Path, home: Path, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    suffix = ".exe" if os.name == "nt" else ""
    environ = {"HOME": str(home), "USERPROFILE": str(home), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
    return subprocess.run(
        [str(programs / f"{name}{suffix}"), *arguments],
        cwd=home,
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_no_wheel_has_a_file_of_another(wheels: list[Path]) -> None:
    seen: dict[str, str] = {}
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                assert name not in seen, (name, wheel.name, seen[name])
                seen[name] = wheel.name
    tops = {name.split("/")[0] for name in seen if ".dist-info" not in name}
    assert tops == {"gonkagate_setup", "overlord", "sovereigncode", "marama_route"}


@pytest.mark.parametrize("name", PROGRAMS)
def test_each_says_its_version(name: str, programs: Path, tmp_path: Path) -> None:
    done = run(programs, tmp_path, name, "--version")
    commit = stage.commit(PROGRAMS[name] if name != "sovereigncode" else GATEWAY)
    expected = f"{name} {stage.version(PROGRAMS[name])}" + (f" (commit {commit})" if commit else "")
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, expected, "")
    assert list(tmp_path.iterdir()) == []


def test_both_programs_of_the_wheel_have_one_version() -> None:
    from marama_route import __version__

    assert stage.version(GATEWAY) == __version__


def test_every_module_of_the_wheel_can_be_imported(programs: Path, tmp_path: Path) -> None:
    """All of them find the shared packages in their private place, also what is imported late."""
    done = run(programs, tmp_path, Path(cache.executable(programs.parent)).name, "-I", "-c", EVERY_MODULE)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 200


def test_both_programs_work_together(programs: Path, tmp_path: Path) -> None:
    workspace = tmp_path / ".sovereigncode"
    workspace.mkdir()
    (workspace / "capsule.json").write_text(json.dumps(CAPSULE))
    checked = run(programs, tmp_path, "sovereigncode", "check", "--json")
    assert (checked.returncode, json.loads(checked.stdout)["ok"]) == (0, True), checked
    wrong = run(programs, tmp_path, "marama-route", "key", "create", "--json")
    assert (wrong.returncode, json.loads(wrong.stdout)["ok"]) == (5, False), wrong


def test_the_wheel_is_the_same_bytes_again_and_says_what_it_needs(wheels: list[Path], tmp_path: Path) -> None:
    again = distributions.build_wheel(GATEWAY, tmp_path)
    assert again.read_bytes() == wheels[2].read_bytes()
    with zipfile.ZipFile(again) as archive:
        (name,) = [one for one in archive.namelist() if one.endswith(".dist-info/METADATA")]
        metadata = archive.read(name).decode()
        licences = [one for one in archive.namelist() if "/licenses/" in one]
    assert "Requires-Python: >=3.10\n" in metadata
    assert re.findall(r"^Provides-Extra: (.*)$", metadata, re.MULTILINE) == ["fast"]
    assert len(licences) == 3


def test_the_oldest_python_is_the_one_that_is_promised() -> None:
    assert bundle.oldest().version == min(one.version for one in pythons.find() if one.version >= (3, 10))
