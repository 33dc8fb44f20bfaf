"""What a release names agrees with itself: versions, file names, bill of materials, workflows."""

from __future__ import annotations

import hashlib
import re
import subprocess
from pathlib import Path

import pytest

from gonkagate_setup import __version__
from scripts import release
from scripts.building import contents, sbom, stage
from tests.support.machine import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_version_has_a_section_in_the_changelog() -> None:
    assert stage.version(stage.SETUP) == __version__
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
    bill = sbom.document("x", [])
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    inside = {component["name"]: component for component in bill["components"]}
    assert set(inside) == {"json5"}
    assert f"json5=={inside['json5']['version']} " in text("vendor/json5/requirements.txt")
    assert inside["json5"]["hashes"][0]["content"] in text("vendor/json5/requirements.txt")
    references = {component["bom-ref"] for component in bill["components"]}
    assert set(bill["dependencies"][0]["dependsOn"]) == references


PYTHON = {"CPython": "3.13.5", "OpenSSL": "3.0.19", "zlib": "1.3.1", "Expat": "2.7.1", "builtin": []}
LINUX = ["EXTENSION python3.13/lib-dynload/_ssl.cpython-313-x86_64-linux-gnu.so", "BINARY libssl.so.3"]
LINUX += ["BINARY libcrypto.so.3", "BINARY libpython3.13.so.1.0", "BINARY libz.so.1"]
WINDOWS = ["EXTENSION _ctypes.pyd", "EXTENSION _ssl.pyd", "BINARY libffi-8.dll", "BINARY VCRUNTIME140.dll"]
WINDOWS += ["BINARY libcrypto-3.dll", "BINARY libssl-3.dll", "BINARY python313.dll", "BINARY python3.dll"]
MACOS = ["EXTENSION python3.13/lib-dynload/pyexpat.cpython-313-darwin.so", "BINARY libssl.3.dylib"]
MACOS += ["BINARY libcrypto.3.dylib", "BINARY Python.framework/Versions/3.13/Python", "SYMLINK Python"]
STATIC = ["EXTENSION _ssl.cpython-313-x86_64-linux-gnu.so"]


@pytest.mark.parametrize(
    ("lines", "more"),
    [
        (LINUX, set()),
        (WINDOWS, {"libffi", "Microsoft Visual C++ runtime"}),
        (MACOS, {"Expat"}),
        (STATIC, set()),
        ([*LINUX, "BINARY libsurprise.so.1"], {"libsurprise.so.1"}),
    ],
    ids=["Linux", "Windows", "macOS", "linked statically", "unknown"],
)
def test_a_binarys_bill_names_the_libraries_inside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: list[str], more: set[str]
) -> None:
    split = [line.split(" ") for line in lines]
    found = {one["name"]: one for one in contents.described(split, PYTHON)}
    assert set(found) == {"CPython", "PyInstaller bootloader", "OpenSSL", "zlib"} | more
    assert {found[name]["version"] for name in ("CPython", "OpenSSL", "zlib")} == {
        "3.13.5",
        "3.0.19",
        "1.3.1",
    }
    texts = text("build/native/libraries.txt")
    for name in set(found) - {"CPython", "PyInstaller bootloader", "libsurprise.so.1"}:
        assert name in texts
    sbom.write(tmp_path / "gonkagate-setup-linux-x86_64.cdx.json", sbom.document("x", list(found.values())))
    (tmp_path / "gonkagate-setup-linux-x86_64").write_bytes(b"")
    if "libsurprise.so.1" in more:
        with pytest.raises(release.ReleaseError, match=r"no licence is known for libsurprise\.so\.1"):
            release.write_sums(tmp_path)
    else:
        release.write_sums(tmp_path)


def test_a_binary_without_its_bill_is_no_release(tmp_path: Path) -> None:
    (tmp_path / "gonkagate-setup-windows-x86_64.exe").write_bytes(b"")
    with pytest.raises(release.ReleaseError, match="has no bill of materials"):
        release.write_sums(tmp_path)


def test_what_is_published_is_what_was_listed(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"one")
    release.write_sums(tmp_path)
    digest = hashlib.sha256((tmp_path / "SHA256SUMS").read_bytes()).hexdigest()
    release.verify(tmp_path, digest)
    with pytest.raises(release.ReleaseError, match="is not the list"):
        release.verify(tmp_path, "0" * 64)
    (tmp_path / "more").write_bytes(b"")
    with pytest.raises(release.ReleaseError, match="does not contain exactly"):
        release.verify(tmp_path, digest)
    (tmp_path / "more").unlink()
    (tmp_path / "a").write_bytes(b"two")
    with pytest.raises(release.ReleaseError, match="does not contain exactly"):
        release.verify(tmp_path, digest)


def test_a_folder_among_the_builds_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "one" / "inner").mkdir(parents=True)
    assert release.main(["compare", str(tmp_path / "one"), str(tmp_path / "one")]) == 1
    assert capsys.readouterr().err.endswith("contains something that is not a file: inner\n")
    assert release.main(["compare", str(tmp_path / "two"), str(tmp_path / "one")]) == 1
    assert "there is no folder" in capsys.readouterr().err


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A git checkout with a file at each place that artefacts are made from."""
    root = tmp_path / "checkout"
    for name in (stage.SETUP.package, *stage.SETUP.shared, *stage.BESIDE_THE_PACKAGE):
        place = root / name if "." in name or name.isupper() else root / name / "inside" / "file.py"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("x\n", encoding="utf-8")
    identity = ["-c", "user.name=x", "-c", "user.email=x@example.invalid", "-c", "commit.gpgsign=false"]
    for command in (["init", "-q"], ["add", "-A"], [*identity, "commit", "-q", "-m", "x"]):
        subprocess.run(["git", "-C", str(root), *command], check=True)
    monkeypatch.setattr(stage, "ROOT", root)
    return root


@pytest.mark.parametrize("name", [stage.SETUP.package, *stage.SETUP.shared, *stage.BESIDE_THE_PACKAGE])
def test_a_change_in_what_artefacts_are_made_from_shows_in_the_version(checkout: Path, name: str) -> None:
    assert re.fullmatch("[0-9a-f]{12}", str(stage.commit(stage.SETUP)))
    path = checkout / name
    (path if path.is_file() else path / "inside" / "file.py").write_text("y\n", encoding="utf-8")
    assert str(stage.commit(stage.SETUP)).endswith("-modified")


def test_what_git_does_not_track_stays_out_of_the_sdist(checkout: Path, tmp_path: Path) -> None:
    (checkout / "scripts" / "mine.txt").write_text("mine\n", encoding="utf-8")
    stage.copy_sources(tmp_path / "copy")
    copied = {path.relative_to(tmp_path / "copy").as_posix() for path in (tmp_path / "copy").rglob("*.*")}
    assert copied == {
        *(name for name in stage.BESIDE_THE_PACKAGE if "." in name),
        *(f"{name}/inside/file.py" for name in ("build", "scripts", "vendor")),
    }


def test_the_notice_names_the_vendored_version() -> None:
    assert f"version {sbom.document('x', [])['components'][0]['version']}," in text("NOTICE")


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
        assert re.fullmatch(r"[\w-]+(/[\w-]+)+@[0-9a-f]{40}", action), action
        assert re.fullmatch(r" # v\d+\.\d+\.\d+", comment), action
    assert "\npermissions: {}\n" in workflow
    assert workflow.count("persist-credentials: false") == workflow.count("actions/checkout@")


def jobs(name: str) -> dict[str, str]:
    """The text of each job of a workflow."""
    _, _, body = text(f".github/workflows/{name}").partition("\njobs:\n")
    parts = re.split(r"^  ([\w-]+):\n", body, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2]))


def test_a_release_is_what_was_tested_listed_and_verified() -> None:
    release_jobs = jobs("release.yml")
    assert list(release_jobs) == ["green", "build", "draft", "verify", "publish"]
    assert '--workflow ci.yml --branch main --event push --commit "$GITHUB_SHA"' in release_jobs["green"]
    for job, needs in (
        ("build", "green"),
        ("draft", "build"),
        ("verify", "draft"),
        ("publish", "[draft, verify]"),
    ):
        assert f"    needs: {needs}\n" in release_jobs[job]
    for job in ("verify", "publish"):
        assert "SUMS: ${{ needs.draft.outputs.sums }}" in release_jobs[job]
        assert re.search(r'release\.py verify \S+ "\$SUMS"', release_jobs[job])
    draft = release_jobs["draft"]
    assert draft.index("--method DELETE") < draft.index("gh release create")
    publish = release_jobs["publish"]
    assert publish.index("release.py verify") < publish.index("--draft=false")


def test_nothing_starts_before_the_fast_job_and_opencode_is_kept_as_long_as_its_versions() -> None:
    ci = jobs("ci.yml")
    assert ci["fast"].endswith("      - run: python scripts/test.py --fast\n\n")
    for name in set(ci) - {"fast"}:
        assert ci[name].startswith("    needs: fast\n"), name
        # Overlord has nothing to do with opencode.
        assert ("path: .cache/opencode\n" in ci[name]) is (name != "overlord"), name
    # The suite installs every version, so it alone stores them; no release is made of what was stored.
    assert [name for name in ci if "uses: actions/cache@" in ci[name]] == ["suite"]
    assert "actions/cache" not in text(".github/workflows/release.yml")
    (key,) = set(re.findall(r"key: (.+)", text(".github/workflows/ci.yml")))
    (versions,) = re.findall(r"hashFiles\('(.+?)'\)", key)
    assert re.search(r"^SUPPORTED\b.* = \(", text(versions), re.MULTILINE)


def test_overlord_is_tested_on_every_kind_of_system_and_shown() -> None:
    body = jobs("ci.yml")["overlord"]
    systems = re.search(r"os: \[(.+)\]", body)
    assert systems
    assert {name.split("-")[0] for name in systems[1].split(", ")} == {"windows", "macos", "ubuntu"}
    assert "scripts/demo.py overlord\n" in body
    (run,) = re.findall(r"scripts/test\.py ((?:\s*tests/\S+)+)", body)
    folders = {
        path.parent.relative_to(ROOT).as_posix() for path in (ROOT / "tests").rglob("overlord/__init__.py")
    }
    assert folders | {"tests/e2e/artefacts/test_mmi_cli.py"} == set(run.split())


def test_what_the_workflows_start_is_there() -> None:
    for path in WORKFLOWS:
        for script in re.findall(r"\bscripts/[\w/]+\.\w+", path.read_text(encoding="utf-8")):
            assert (ROOT / script).is_file(), f"{path.name}: {script}"


@pytest.mark.parametrize(("workflow", "job"), [("ci.yml", "artefacts"), ("release.yml", "build")])
def test_the_workflows_run_every_artefact_and_the_tests_of_the_native_binary(workflow: str, job: str) -> None:
    body = jobs(workflow)[job]
    assert "scripts/test.py --deep --figures --built dist tests/e2e/artefacts/test_native.py\n" in body
    shown = set(re.findall(r"--artifact (\w+)", body))
    if '--artifact "$ARTEFACT"' in body:
        matrix = re.search(r"artefact: \[(.+)\]", body)
        assert matrix
        shown |= set(matrix[1].split(", "))
    assert {"pyz", "native", "wheel", "sdist"} <= shown
    # Only a POSIX shell would expand it.
    assert "dist/gonkagate" not in body


@pytest.mark.parametrize("option", ["--dir", "--version", "--pyz", "--no-run", "--uninstall"])
def test_the_install_options_are_documented(option: str) -> None:
    assert f"`{option}" in text("docs/install.md")
    assert option in text("scripts/install.sh")


@pytest.mark.parametrize("option", ["-Dir", "-Version", "-Pyz", "-NoRun", "-Uninstall"])
def test_the_windows_install_options_are_documented(option: str) -> None:
    assert f"`{option}`" in text("docs/install.md")
    assert option in text("scripts/install.ps1")
