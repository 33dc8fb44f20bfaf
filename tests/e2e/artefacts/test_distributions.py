"""The wheel and the sdist, installed from their files alone: what they run is what they carry."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import pytest

from gonkagate_setup import __version__
from scripts.building import distributions, stage
from scripts.lib import installing
from tests.support.machine import Machine

ALONE = {"PYTHONPATH": ""}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("distributions")
    distributions.build(folder)
    return folder


def test_both_are_made_and_the_same_again(built: Path, tmp_path: Path) -> None:
    distributions.build(tmp_path / "again")
    names = {f"gonkagate_setup-{__version__}-py3-none-any.whl", f"gonkagate_setup-{__version__}.tar.gz"}
    assert {path.name for path in built.iterdir()} == names
    for name in names:
        assert (built / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_the_wheel_shares_no_file_with_another_program_of_this_repository(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        sources = {name: archive.read(name).decode() for name in names if name.endswith(".py")}
    assert {name.split("/")[0] for name in names} == {
        "gonkagate_setup",
        f"gonkagate_setup-{__version__}.dist-info",
    }
    public = re.compile(rf"^ *(?:from|import) ({'|'.join(stage.SETUP.shared)})\b", re.MULTILINE)
    assert [name for name, text in sources.items() if public.search(text)] == []
    assert "gonkagate_setup/_foundation/host.py" in sources


@pytest.mark.parametrize("pattern", ["*.whl", "*.tar.gz"])
def test_it_installs_and_sets_up(built: Path, pattern: str, tmp_path: Path, machine: Machine) -> None:
    (artefact,) = built.glob(pattern)
    machine.python = [str(installing.install(artefact, tmp_path / "installed"))]
    said = machine.run_setup("--version", env=ALONE)
    commit = stage.commit(stage.SETUP)
    # From a checkout there would be no commit.
    expected = f"gonkagate-setup {__version__}" + (f" (commit {commit})" if commit else "")
    assert (said.status, said.stdout.strip()) == (0, expected)
    done = machine.run_setup(
        "--scope", "user", "--yes", "--json", "--api-key-stdin", stdin=machine.key, env=ALONE
    )
    assert done.status == 0, done.output
    assert done.json["ok"] is True
