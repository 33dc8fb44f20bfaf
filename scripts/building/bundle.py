"""sovereigncode.pyz: shiv assembles the program and its pinned libraries; it starts from the archive itself.

The libraries are installed under the oldest supported Python of this machine, because pip leaves out what
only an older Python needs. Native parts are removed: each library has the same in Python, and one file runs
everywhere. Why shiv's own start is replaced is said in pyz.py.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Final

from scripts.building import pyz
from scripts.building.stage import SOVEREIGNCODE, commit
from scripts.lib import cache, pythons

NAME: Final = "sovereigncode.pyz"
OLDEST: Final = (3, 10)
PACKAGES: Final = ("sovereigncode", "foundation", "opencode_config")
_ENTRY: Final = "sovereigncode.cli:run"
_RECIPE: Final = cache.ROOT / "build" / "sovereigncode" / "__main__.py"
_NATIVE: Final = (".so", ".pyd", ".dylib", ".dll")
# What pip writes about how it installed something; licences and METADATA stay.
_ABOUT_PIP: Final = ("RECORD", "WHEEL", "INSTALLER", "REQUESTED", "direct_url.json", "top_level.txt")
_LEFT_OUT: Final = shutil.ignore_patterns("__pycache__", "*.pyc", "_build.py")


def build(output: Path) -> Path:
    """Make `output`/sovereigncode.pyz: the same bytes from the same sources and pins."""
    python = oldest()
    libraries = cache.python_environment(python.path, "sovereigncode.txt")
    shiv = cache.python_environment(sys.executable, "shiv.txt")
    with tempfile.TemporaryDirectory() as folder:
        staged = Path(folder, "stage")
        staged.mkdir()
        _stage_libraries(libraries, staged)
        _stage_packages(staged)
        assembled = Path(folder, NAME)
        options = ["--reproducible", "--site-packages", str(staged), "-e", _ENTRY, "-o", str(assembled)]
        environ = {name: value for name, value in os.environ.items() if name != "SOURCE_DATE_EPOCH"}
        cache.run(
            [str(shiv), "-W", "ignore::DeprecationWarning", "-m", "shiv", *options],
            cwd=Path(folder),
            environ=environ,
            what=f"building {NAME}",
        )
        output.mkdir(parents=True, exist_ok=True)
        target = output / NAME
        pyz.write(target, _members(assembled))
    return target


def oldest() -> pythons.Interpreter:
    """The oldest supported Python that is here."""
    found = [one for one in pythons.find() if one.version >= OLDEST]
    if not found:
        raise cache.PreparationError("building sovereigncode.pyz needs Python 3.10 or newer with venv")
    return found[-1]


def _stage_libraries(python: Path, staged: Path) -> None:
    """Copy what sovereigncode.txt pins, whose hashes pip has checked, from its own environment."""
    (installed,) = python.parents[1].glob("[Ll]ib/**/site-packages")
    for name in sorted(_pinned()):
        about = next(
            path for path in installed.glob("*.dist-info") if _normal(path.name.split("-")[0]) == name
        )
        for line in (about / "RECORD").read_text(encoding="utf-8").splitlines():
            relative = Path(line.rsplit(",", 2)[0].strip('"'))
            unwanted = relative.suffix in (*_NATIVE, ".pyc") or relative.name in _ABOUT_PIP
            if ".." in relative.parts or relative.is_absolute() or unwanted:
                continue
            (staged / relative).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(installed / relative, staged / relative)


def _pinned() -> set[str]:
    text = (cache.REQUIREMENTS / "sovereigncode.txt").read_text(encoding="utf-8")
    return {_normal(match[1]) for match in re.finditer(r"^([\w.-]+)==", text, re.MULTILINE)}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _stage_packages(staged: Path) -> None:
    for name in PACKAGES:
        shutil.copytree(cache.ROOT / name, staged / name, ignore=_LEFT_OUT)
    head = commit(SOVEREIGNCODE)
    if head is not None:
        text = f'"""Written by scripts/build.py."""\n\nCOMMIT = "{head}"\n'
        (staged / "sovereigncode" / "_build.py").write_text(text, encoding="utf-8")


def _members(assembled: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(assembled) as archive:
        members = {
            name: archive.read(name)
            for name in archive.namelist()
            if name.startswith("site-packages/") and not name.endswith("/")
        }
        members["environment.json"] = archive.read("environment.json")
    members["__main__.py"] = _RECIPE.read_bytes()
    members["LICENSES.txt"] = _licences(members)
    return members


def _licences(members: dict[str, bytes]) -> bytes:
    """Our own licence, json5's, and every licence file of the libraries, in one text."""
    own = [(name, (cache.ROOT / name).read_bytes()) for name in ("NOTICE", "LICENSE", "vendor/json5/LICENSE")]
    pattern = re.compile(r"site-packages/([^/]+)\.dist-info/(?:licenses/)?(?:LICEN[CS]E|NOTICE|COPYING)[^/]*")
    theirs = [(name, data) for name, data in sorted(members.items()) if pattern.fullmatch(name)]
    return b"\n".join(b"==== %s ====\n\n%s" % (name.encode(), data) for name, data in (*own, *theirs))
