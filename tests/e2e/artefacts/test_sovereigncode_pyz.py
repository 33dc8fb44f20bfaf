"""sovereigncode.pyz: one file for every Python from 3.10, with its libraries and their licences in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Callable

import pytest

from scripts.building import bundle
from scripts.lib import cache, pythons

CAPSULE = {"capsule_id": "shop", "subject_id": "acme", "jurisdiction": "NZ", "sensitivity": "internal"}
POLICY = "version: 1\ntenant: acme\ntools: {shell: deny}\n"
PYTHONS = [one for one in pythons.find() if one.version >= (3, 10)]
TOO_OLD = [one for one in pythons.find() if one.version < (3, 10)]

if not sys.version_info >= (3, 10):
    pytest.skip("sovereigncode needs Python 3.10", allow_module_level=True)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bundle.build(bundle.SOVEREIGNCODE_PYZ, tmp_path_factory.mktemp("dist"))


def run(
    python: pythons.Interpreter, built: Path, folder: Path, *arguments: str, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    home = folder / "home"
    home.mkdir(exist_ok=True)
    environ = {"HOME": str(home), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "PYTHONPATH": str(folder)}
    if os.name == "nt":
        environ = {**os.environ, "USERPROFILE": str(home), "LOCALAPPDATA": str(home)}
    return subprocess.run(
        [python.path, str(built), *arguments],
        cwd=folder, env=environ, input=stdin, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("python", PYTHONS, ids=str)
def test_it_decides_records_and_verifies_on_every_python(
    python: pythons.Interpreter, built: Path, tmp_path: Path
) -> None:
    # What lies beside it, or is named by PYTHONPATH, is never taken instead of what is in it.
    for name in ("yaml.py", "rfc8785.py", "foundation.py"):
        (tmp_path / name).write_text("raise SystemExit('taken from outside')\n")
    workspace = tmp_path / ".sovereigncode"
    workspace.mkdir()
    (workspace / "capsule.json").write_text(json.dumps(CAPSULE))
    (workspace / "tenant-policy.yaml").write_text(POLICY)
    request = json.dumps({"action": "shell", "purpose": "code_review"})
    denied = run(python, built, tmp_path, "evaluate", "--json", stdin=request)
    assert denied.returncode == 6, denied
    assert [reason["code"] for reason in json.loads(denied.stdout)["reasons"]] == ["tool_denied"]
    assert run(python, built, tmp_path, "check").returncode == 0
    verified = run(python, built, tmp_path, "audit", "verify", "--json")
    assert json.loads(verified.stdout)["records"] == 1
    done = run(python, built, tmp_path, "init", "--yes")
    assert done.returncode == 0, done
    assert not (tmp_path / "home" / ".shiv").exists()


@pytest.mark.parametrize("python", TOO_OLD, ids=str)
def test_an_older_python_says_what_is_needed(
    python: pythons.Interpreter, built: Path, tmp_path: Path
) -> None:
    done = run(python, built, tmp_path, "--version")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("sovereigncode needs Python 3.10 or newer, and this is Python 3.")


def test_it_has_no_native_part_and_every_licence(
    built: Path, figure: Callable[[str, float, str], None]
) -> None:
    with zipfile.ZipFile(built) as archive:
        names = archive.namelist()
        licences = archive.read("LICENSES.txt").decode()
    assert [name for name in names if name.endswith((".so", ".pyd", ".dll", ".pyc"))] == []
    pinned = bundle.SOVEREIGNCODE_PYZ.pinned()
    about = {name.split("/")[1].split("-")[0] for name in names if ".dist-info/" in name}
    assert {bundle.normal(name) for name in about} == pinned
    for name in pinned:
        assert f"==== site-packages/{name}" in licences.lower().replace("_", "-"), name
    assert "GNU GENERAL PUBLIC" not in licences
    assert {"site-packages/sovereigncode/capsule.schema.json", "environment.json"} <= set(names)
    assert str(cache.ROOT) not in licences
    figure("size of sovereigncode.pyz", built.stat().st_size / 1000, "kB")


def test_the_same_sources_give_the_same_bytes(built: Path, tmp_path: Path) -> None:
    assert bundle.build(bundle.SOVEREIGNCODE_PYZ, tmp_path).read_bytes() == built.read_bytes()
