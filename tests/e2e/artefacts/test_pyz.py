"""The packed file: the same bytes from the same sources, on every Python, from anywhere, leaving nothing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Mapping

import pytest

from scripts.lib import cache
from tests.support import watching
from tests.support.machine import ROOT, Machine

MARK = "Python 3.9 or newer"
SIZE_LIMIT = 150_000


def interpreters() -> dict[str, str]:
    """Every Python of this machine by its version, from PATH and from pyenv."""
    names = ["python2.7", *(f"python3.{minor}" for minor in range(6, 20))]
    found = [path for name in names if (path := shutil.which(name))]
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    found += [str(path) for path in sorted(pyenv.glob("versions/*/bin/python"))]
    question = "import sys; print('%d.%d' % sys.version_info[:2])"
    answers: dict[str, str] = {}
    for path in [sys.executable, *found]:
        done = subprocess.run([path, "-c", question], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            answers.setdefault(done.stdout.strip(), path)
    return answers


PYTHONS = interpreters()
NEW_ENOUGH = [version for version in PYTHONS if tuple(map(int, version.split("."))) >= (3, 9)]
TOO_OLD = ("2.7", "3.6", "3.7", "3.8")


def copy_of_sources(target: Path) -> Path:
    """What a build reads, without git, so that a test may build from another folder."""
    target.mkdir(parents=True)
    skip = shutil.ignore_patterns("__pycache__")
    for name in ("gonkagate_setup", "scripts", "build", "vendor"):
        shutil.copytree(ROOT / name, target / name, ignore=skip)
    for name in ("LICENSE", "NOTICE"):
        shutil.copyfile(ROOT / name, target / name)
    return target


def build(root: Path, output: Path, umask: int = 0o022) -> Path:
    command = [sys.executable, "scripts/build.py", "pyz", "--output", str(output)]
    environ = {**os.environ, "GONKAGATE_SETUP_CACHE": str(cache.folder())}
    previous = os.umask(umask)
    try:
        done = subprocess.run(command, cwd=root, env=environ, capture_output=True, text=True, check=False)
    finally:
        os.umask(previous)
    assert done.returncode == 0, done.stdout + done.stderr
    return output / "gonkagate-setup.pyz"


@pytest.fixture(scope="session")
def pyz(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(ROOT, tmp_path_factory.mktemp("pyz"))


def run(
    python: str,
    archive: Path,
    *arguments: str,
    options: tuple[str, ...] = (),
    environ: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [python, *options, str(archive), *arguments],
        env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", **(environ or {})},
        cwd=archive.parent,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def files(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_two_builds_in_different_folders_under_different_umasks_are_the_same_bytes(tmp_path: Path) -> None:
    first = build(copy_of_sources(tmp_path / "one"), tmp_path / "out-1", 0o022)
    second = build(copy_of_sources(tmp_path / "two tief äß" / "deeper"), tmp_path / "out-2", 0o077)
    assert first.read_bytes() == second.read_bytes()


def test_it_is_small_and_carries_its_licences_and_no_path_of_this_machine(pyz: Path) -> None:
    assert pyz.stat().st_size <= SIZE_LIMIT
    with zipfile.ZipFile(pyz) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    for licence in ("LICENSE", "NOTICE", "vendor/json5/LICENSE"):
        assert (ROOT / licence).read_bytes() in content["LICENSES.txt"], licence
    for name, data in content.items():
        assert str(ROOT).encode() not in data, name
        assert str(Path.home()).encode() + b"/" not in data, name


def test_its_version_names_the_commit(pyz: Path) -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout, so there is no commit to name")
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()
    done = run(sys.executable, pyz, "--version")
    assert done.returncode == 0, done.stderr
    assert f"(commit {head[:12]}" in done.stdout


@pytest.mark.parametrize("version", NEW_ENOUGH)
def test_it_runs_isolated_with_warnings_as_errors_and_leaves_nothing(
    version: str, pyz: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "ein Ordner, größer 配置"
    home, temp = folder / "home", folder / "temp"
    home.mkdir(parents=True)
    temp.mkdir()
    archive = Path(shutil.copy(pyz, folder / "gonkagate setup ü.pyz"))
    before = files(folder)
    environ = {"HOME": str(home), "TMPDIR": str(temp), "USERPROFILE": str(home)}
    for arguments in (["--help"], ["--version"]):
        done = run(
            PYTHONS[version],
            archive,
            *arguments,
            options=("-I", "-W", "error", "-X", "utf8"),
            environ=environ,
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert "gonkagate-setup" in done.stdout
    assert files(folder) == before
    assert [path.name for path in (*home.iterdir(), *temp.iterdir())] == []


def test_it_needs_neither_a_home_nor_a_temporary_folder(pyz: Path) -> None:
    nowhere = "/dev/null/nowhere"
    done = run(sys.executable, pyz, "--version", environ={"HOME": nowhere, "TMPDIR": nowhere})
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("version", TOO_OLD)
def test_an_old_python_is_told_in_one_sentence(version: str, pyz: Path) -> None:
    if version not in PYTHONS:
        pytest.skip(f"Python {version} is not on this machine")
    done = run(PYTHONS[version], pyz, "--yes")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert MARK in done.stderr
    assert f"this is Python {version}" in done.stderr


def test_shiv_variables_of_the_environment_change_nothing(pyz: Path, tmp_path: Path) -> None:
    plain = run(sys.executable, pyz, "--version")
    environ = {
        "SHIV_INTERPRETER": "1",
        "SHIV_ENTRY_POINT": "antigravity:fly",
        "SHIV_MODULE": "antigravity:fly",
        "SHIV_ROOT": str(tmp_path / "root"),
    }
    done = run(sys.executable, pyz, "--version", environ=environ)
    assert (done.returncode, done.stdout, done.stderr) == (0, plain.stdout, "")
    assert not (tmp_path / "root").exists()


def test_a_refusal_keeps_its_exit_status(pyz: Path) -> None:
    done = run(sys.executable, pyz, "--json", "--no-such-option")
    assert done.returncode == 2
    assert json.loads(done.stdout)["ok"] is False


def test_every_module_still_loads_after_the_archive_is_gone(pyz: Path, tmp_path: Path) -> None:
    archive = Path(shutil.copy(pyz, tmp_path / "copy.pyz"))
    with zipfile.ZipFile(archive) as content:
        names = [line.split(" ")[1] for line in content.read("index.txt").decode().splitlines()]
    modules = [name[: -len(".py")].replace("/", ".") for name in names]
    modules = [name for name in modules if not name.endswith(("__init__", "__main__"))]
    assert "gonkagate_setup.cli" in modules
    script = (
        "import os, sys, zipimport\n"
        f"sys.path.insert(0, {str(archive)!r})\n"
        "import inside\n"
        f"inside.install(zipimport.zipimporter({str(archive)!r}))\n"
        f"os.unlink({str(archive)!r})\n"
        f"for name in {modules!r}:\n"
        "    __import__(name)\n"
        "import linecache\n"
        "module = sys.modules['gonkagate_setup.cli']\n"
        "assert 'def run()' in ''.join(linecache.getlines(module.__file__, vars(module)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_whole_setup_through_it_leaves_no_temporary_file(machine: Machine, pyz: Path) -> None:
    machine.python = [sys.executable, str(pyz)]
    done = machine.run_setup(
        "--scope",
        "user",
        "--yes",
        "--json",
        env={"GONKAGATE_API_KEY": machine.key, "PYTHONPATH": watching.python_path()},
    )
    assert done.status == 0, done.output
    assert machine.key_file.read_text(encoding="utf-8").strip() == machine.key
    assert [path.name for path in machine.temp.iterdir() if "gonkagate" in path.name] == []
