"""What a release needs besides its artefacts; docs/release.md describes all steps.

python3 scripts/release.py check v0.1.0           version, changelog and checkout agree
python3 scripts/release.py tag v0.1.0             check, then make the annotated tag (push it yourself)
python3 scripts/release.py notes v0.1.0           this version's section of CHANGELOG.md
python3 scripts/release.py compare FIRST SECOND   two builds are the same files with the same bytes
python3 scripts/release.py sums FOLDER            check the bills of materials, write FOLDER/SHA256SUMS
python3 scripts/release.py verify FOLDER DIGEST   FOLDER is what its SHA256SUMS lists, which has DIGEST
"""

from __future__ import annotations

import argparse
import hashlib
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts.building import sbom
from scripts.building.stage import SETUP, version
from scripts.lib.cache import ROOT

_SUMS: Final = "SHA256SUMS"


class ReleaseError(Exception):
    """Why there is no release; the text says what to do."""


def check(tag: str, *, may_exist: bool = True) -> None:
    """Everything that names the version agrees, and nothing in the checkout is uncommitted."""
    if tag != f"v{version(SETUP)}":
        raise ReleaseError(f"the tag is {tag}, but gonkagate_setup/__init__.py says {version(SETUP)}")
    heading = _section(tag).splitlines()[0]
    if not re.fullmatch(rf"## \[{re.escape(version(SETUP))}\] - \d{{4}}-\d\d-\d\d", heading):
        raise ReleaseError(f"CHANGELOG.md: give the section a date instead of: {heading}")
    changed = _git("status", "--porcelain")
    if changed:
        raise ReleaseError(f"commit these first:\n{changed}")
    if not may_exist and _git("tag", "--list", tag):
        raise ReleaseError(f"the tag {tag} already exists")


def tag(name: str) -> None:
    """Make the annotated tag, after `check`."""
    check(name, may_exist=False)
    _git("tag", "--annotate", name, "--message", f"gonkagate-setup {version(SETUP)}")
    print(f"tagged {name}; to release it: git push origin {name}")


def notes(tag_name: str) -> str:
    """The section of CHANGELOG.md, without its heading."""
    return "\n".join(_section(tag_name).splitlines()[1:]).strip() + "\n"


def _section(tag_name: str) -> str:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    sections = re.split(r"(?=^## )", text, flags=re.MULTILINE)
    wanted = f"## [{tag_name[1:]}]"
    found = next((section for section in sections if section.startswith(wanted)), None)
    if found is None:
        raise ReleaseError(f"CHANGELOG.md has no section {wanted}")
    return found


def compare(first: Path, second: Path) -> None:
    """Both folders hold the same names with the same bytes, and nothing but files."""
    digests = [_digests(folder) for folder in (first, second)]
    differing = [
        name for name in sorted(set().union(*digests)) if digests[0].get(name) != digests[1].get(name)
    ]
    if differing or not digests[0]:
        raise ReleaseError(f"not the same in both builds: {', '.join(differing) or 'nothing was built'}")
    print(f"{len(digests[0])} files are the same in both builds")


def write_sums(folder: Path) -> None:
    """List every file of `folder` as sha256sum wants it; refused where a bill of materials is missing."""
    check_bills(folder)
    digests = _digests(folder)
    (folder / _SUMS).write_bytes(_listing(digests))
    print(f"{folder / _SUMS} lists {len(digests)} files")


def check_bills(folder: Path) -> None:
    """Every native binary of `folder` has its bill of materials, and each component in it a licence."""
    binaries = re.compile(rf"{SETUP.name}-(linux|macos|windows)-[\w]+(\.exe)?")
    for path in _files(folder):
        bill = path.with_name(path.name + sbom.SUFFIX)
        if binaries.fullmatch(path.name) and not bill.is_file():
            raise ReleaseError(f"{path.name} has no bill of materials {bill.name}")
    for path in sorted(folder.glob(f"*{sbom.SUFFIX}")):
        content = sbom.parsed(path.read_text(encoding="utf-8"))
        unknown = [one["name"] for one in content["components"] if not one.get("licenses")]
        if unknown:
            raise ReleaseError(
                f"{path.name}: no licence is known for {', '.join(unknown)}; name it in"
                " scripts/building/contents.py, and its text in build/native/libraries.txt"
            )


def verify(folder: Path, digest: str) -> None:
    """`folder` holds exactly what its SHA256SUMS lists, and that list is the one with this digest."""
    found = _digests(folder)
    sums = folder / _SUMS
    if not sums.is_file() or hashlib.sha256(sums.read_bytes()).hexdigest() != digest:
        raise ReleaseError(f"{sums} is not the list that this release was made with ({digest})")
    if sums.read_bytes() != _listing(found):
        raise ReleaseError(f"{folder} does not contain exactly what its {_SUMS} lists")
    print(f"{len(found)} files are what {_SUMS} lists")


def _listing(digests: dict[str, str]) -> bytes:
    return "".join(f"{digest}  {name}\n" for name, digest in digests.items()).encode()


def _digests(folder: Path) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in _files(folder)
        if path.name != _SUMS
    }


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise ReleaseError(f"there is no folder {folder}")
    paths = sorted(folder.iterdir())
    other = [path.name for path in paths if not path.is_file()]
    if other:
        raise ReleaseError(f"{folder} contains something that is not a file: {', '.join(other)}")
    return paths


def _git(*arguments: str) -> str:
    git = shutil.which("git")
    if git is None:
        raise ReleaseError("git is not on PATH")
    done = subprocess.run([git, "-C", str(ROOT), *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise ReleaseError(f"git {arguments[0]}: {done.stderr.strip()}")
    return done.stdout.strip()


def main(arguments: list[str]) -> int:
    """Exit status 0, or 1 with a sentence on standard error."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    steps = parser.add_subparsers(dest="step", required=True)
    for name in ("check", "tag", "notes"):
        steps.add_parser(name).add_argument("tag")
    folders = steps.add_parser("compare")
    folders.add_argument("first", type=Path)
    folders.add_argument("second", type=Path)
    steps.add_parser("sums").add_argument("folder", type=Path)
    verification = steps.add_parser("verify")
    verification.add_argument("folder", type=Path)
    verification.add_argument("digest")
    options = parser.parse_args(arguments)
    try:
        _run(options)
    except ReleaseError as error:
        print(f"release: {error}", file=sys.stderr)
        return 1
    return 0


def _run(options: argparse.Namespace) -> None:
    if options.step == "check":
        check(options.tag)
    elif options.step == "tag":
        tag(options.tag)
    elif options.step == "notes":
        print(notes(options.tag), end="")
    elif options.step == "compare":
        compare(options.first, options.second)
    elif options.step == "sums":
        write_sums(options.folder)
    else:
        verify(options.folder, options.digest)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
