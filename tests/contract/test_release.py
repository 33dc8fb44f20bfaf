"""What a release names agrees with itself: versions, file names, bill of materials, workflows."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

from gonkagate_setup import __version__
from scripts import release
from scripts.building import sbom, stage
from tests.machine import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_version_has_a_section_in_the_changelog() -> None:
    assert stage.version() == __version__
    assert "###" in release.notes(f"v{__version__}")


def test_a_tag_of_another_version_is_refused() -> None:
    with pytest.raises(release.ReleaseError, match=re.escape(__version__)):
        release.check("v9.9.9")


def test_sums_are_those_that_sha256sum_checks(tmp_path: Path) -> None:
    (tmp_path / "b").write_bytes(b"two")
    (tmp_path / "a").write_bytes(b"one")
    release.write_sums(tmp_path)
    expected = f"{hashlib.sha256(b'one').hexdigest()}  a\n{hashlib.sha256(b'two').hexdigest()}  b\n"
    assert (tmp_path / "SHA256SUMS").read_text() == expected


def test_builds_that_differ_are_named(tmp_path: Path) -> None:
    for folder, data in (("one", b"x"), ("two", b"y")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "same").write_bytes(b"same")
        (tmp_path / folder / "other").write_bytes(data)
    (tmp_path / "two" / "more").write_bytes(b"")
    with pytest.raises(release.ReleaseError, match="more, other"):
        release.compare(tmp_path / "one", tmp_path / "two")
    release.compare(tmp_path / "one", tmp_path / "one")
    (tmp_path / "empty").mkdir()
    with pytest.raises(release.ReleaseError, match="nothing was built"):
        release.compare(tmp_path / "empty", tmp_path / "empty")


def test_the_bill_of_materials_names_what_is_inside() -> None:
    bill = sbom.document()
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    inside = {component["name"]: component for component in bill["components"]}
    assert set(inside) == {"json5", "CPython", "PyInstaller bootloader"}
    assert f"json5=={inside['json5']['version']} " in text("vendor/json5/requirements.txt")
    assert inside["json5"]["hashes"][0]["content"] in text("vendor/json5/requirements.txt")
    references = {component["bom-ref"] for component in bill["components"]}
    assert set(bill["dependencies"][0]["dependsOn"]) == references


def test_the_notice_names_the_vendored_version() -> None:
    assert f"version {sbom.document()['components'][0]['version']}," in text("NOTICE")


def test_the_install_scripts_ask_for_what_the_release_builds() -> None:
    workflow = text(".github/workflows/release.yml")
    assert "os: [ubuntu-22.04, ubuntu-22.04-arm, macos-15, macos-15-intel, windows-2025]" in workflow
    # ubuntu-22.04 has glibc 2.35.
    assert "MINIMUM_GLIBC=2.35\n" in text("scripts/install.sh")
    for name in ("install.sh", "install.ps1"):
        assert "https://github.com/GonkaGate/gonkagate-setup/releases" in text(f"scripts/{name}")


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_action_is_pinned_by_hash_and_nothing_is_granted_by_default(path: Path) -> None:
    workflow = path.read_text(encoding="utf-8")
    uses = re.findall(r"uses: (\S+)(.*)", workflow)
    assert uses
    for action, comment in uses:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", action), action
        assert re.fullmatch(r" # v\d+\.\d+\.\d+", comment), action
    assert "\npermissions: {}\n" in workflow
    assert workflow.count("persist-credentials: false") == workflow.count("actions/checkout@")


@pytest.mark.parametrize("option", ["--dir", "--version", "--pyz", "--no-run", "--uninstall"])
def test_the_install_options_are_documented(option: str) -> None:
    assert f"`{option}" in text("docs/install.md")
    assert option in text("scripts/install.sh")


@pytest.mark.parametrize("option", ["-Dir", "-Version", "-Pyz", "-NoRun", "-Uninstall"])
def test_the_windows_install_options_are_documented(option: str) -> None:
    assert f"`{option}`" in text("docs/install.md")
    assert option in text("scripts/install.ps1")
