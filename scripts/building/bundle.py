"""sovereigncode.pyz and marama-route.pyz: shiv assembles a program and its pinned libraries in one file.

Such a file starts from the archive itself; why shiv's own start is replaced is said in pyz.py. The libraries
are installed, with their hashes checked, under the oldest supported Python of this machine, because pip
leaves out what only an older Python needs. Native parts are removed: each library has the same in Python, so
one file runs everywhere, and no compiler is needed.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from email import message_from_bytes
from pathlib import Path
from typing import Any, Final

from scripts.building import pyz, sbom
from scripts.building.stage import GATEWAY, SOVEREIGNCODE, Program, commit, licence_text
from scripts.lib import cache, pythons

OLDEST: Final = (3, 10)
BILL: Final = "sbom.cdx.json"
_RECIPE: Final = cache.ROOT / "build" / "bundle" / "__main__.py"
# With the sources of the native parts.
_NATIVE: Final = (*(".so", ".pyd", ".dylib", ".dll"), *(".c", ".h", ".hash", ".pxd", ".pxi", ".pyx"))
# What pip writes about how it installed something; licences and METADATA stay. Type checkers read stubs.
_ABOUT_PIP: Final = ("RECORD", "WHEEL", "INSTALLER", "REQUESTED", "direct_url.json", "top_level.txt")
_FOR_TYPES: Final = (".pyi", ".typed")
_LEFT_OUT: Final = shutil.ignore_patterns("__pycache__", "*.pyc", "_build.py")
# What libraries call a licence that has a name of its own in SPDX; others say it in License-Expression.
_SPDX: Final = {
    "Apache 2": "Apache-2.0",
    "Apache 2.0": "Apache-2.0",
    "License :: OSI Approved :: Apache Software License": "Apache-2.0",
    "License :: OSI Approved :: MIT License": "MIT",
}


@dataclass(frozen=True)
class Bundle:
    """A program, the package whose `cli.run` starts it, and the file that pins its libraries."""

    program: Program
    starts: str

    @property
    def name(self) -> str:
        """What the file is called."""
        return pyz.name(self.program)

    @property
    def requirements(self) -> str:
        """In scripts/requirements."""
        return f"{self.program.name}.txt"

    def pinned(self) -> set[str]:
        """The libraries that the oldest Python gets, by normal name."""
        text = (cache.REQUIREMENTS / self.requirements).read_text(encoding="utf-8")
        return {normal(match[1]) for match in re.finditer(r"^([\w.-]+)==", text, re.MULTILINE)}


SOVEREIGNCODE_PYZ: Final = Bundle(SOVEREIGNCODE, "sovereigncode")
GATEWAY_PYZ: Final = Bundle(GATEWAY, "marama_route")


def build(bundle: Bundle, output: Path) -> Path:
    """Make the file in `output`: the same bytes from the same sources and pins. Its path."""
    python = oldest()
    libraries = cache.python_environment(python.path, bundle.requirements)
    shiv = cache.python_environment(sys.executable, "shiv.txt")
    with tempfile.TemporaryDirectory() as folder:
        staged = Path(folder, "stage")
        staged.mkdir()
        _stage_libraries(bundle, libraries, staged)
        _stage_packages(bundle.program, staged)
        assembled = Path(folder, bundle.name)
        options = ["--reproducible", "--site-packages", str(staged)]
        options += ["-e", f"{bundle.starts}.cli:run", "-o", str(assembled)]
        environ = {name: value for name, value in os.environ.items() if name != "SOURCE_DATE_EPOCH"}
        cache.run(
            [str(shiv), "-W", "ignore::DeprecationWarning", "-m", "shiv", *options],
            cwd=Path(folder),
            environ=environ,
            what=f"building {bundle.name}",
        )
        output.mkdir(parents=True, exist_ok=True)
        target = output / bundle.name
        pyz.write(target, _members(bundle, assembled))
    return target


def oldest() -> pythons.Interpreter:
    """The oldest supported Python that is here."""
    found = [one for one in pythons.find() if one.version >= OLDEST]
    if not found:
        raise cache.PreparationError("building this .pyz needs Python 3.10 or newer with venv")
    return found[-1]


def normal(name: str) -> str:
    """The name of a library as registries compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _stage_libraries(bundle: Bundle, python: Path, staged: Path) -> None:
    """Copy what the requirements pin, whose hashes pip has checked, from its own environment."""
    (installed,) = python.parents[1].glob("[Ll]ib/**/site-packages")
    found = {normal(path.name.split("-")[0]): path for path in installed.glob("*.dist-info")}
    for name in sorted(bundle.pinned() & set(found)):
        for line in (found[name] / "RECORD").read_text(encoding="utf-8").splitlines():
            relative = Path(line.rsplit(",", 2)[0].strip('"'))
            unwanted = relative.suffix in (*_NATIVE, *_FOR_TYPES, ".pyc") or relative.name in _ABOUT_PIP
            if ".." in relative.parts or relative.is_absolute() or unwanted:
                continue
            (staged / relative).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(installed / relative, staged / relative)


def _stage_packages(program: Program, staged: Path) -> None:
    head = commit(program)
    for name in program.packages:
        shutil.copytree(cache.ROOT / name, staged / name, ignore=_LEFT_OUT)
        if head is not None and name not in program.shared:
            text = f'"""Written by scripts/build.py."""\n\nCOMMIT = "{head}"\n'
            (staged / name / "_build.py").write_text(text, encoding="utf-8")


def _members(bundle: Bundle, assembled: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(assembled) as archive:
        members = {
            name: archive.read(name)
            for name in archive.namelist()
            if name.startswith("site-packages/") and not name.endswith("/")
        }
        members["environment.json"] = archive.read("environment.json")
    members["__main__.py"] = _start(bundle)
    members["LICENSES.txt"] = _licences(bundle.program, members)
    members[BILL] = sbom.text(sbom.document(bundle.name, _components(members), bundle.program))
    return members


def _start(bundle: Bundle) -> bytes:
    """What is run first; the recipe names sovereigncode."""
    text = _RECIPE.read_text(encoding="utf-8")
    text = text.replace("from sovereigncode.cli", f"from {bundle.starts}.cli")
    for said in ("Start of sovereigncode", '"sovereigncode needs', "python3.12 sovereigncode"):
        text = text.replace(said, said.replace("sovereigncode", bundle.program.name))
    return text.encode()


def _licences(program: Program, members: dict[str, bytes]) -> bytes:
    """Our own licence, json5's, and every licence file of the libraries, in one text."""
    pattern = re.compile(
        r"site-packages/[^/]+\.dist-info/(?:licenses/)?(?:[^/]+/)*(?:LICEN[CS]E|NOTICE|COPYING)[^/]*"
    )
    theirs = [(name, data) for name, data in sorted(members.items()) if pattern.fullmatch(name)]
    named = (b"==== %s ====\n\n%s" % (name.encode(), data) for name, data in theirs)
    return b"\n".join((licence_text(program), *named))


def _components(members: dict[str, bytes]) -> list[dict[str, Any]]:
    """The libraries, by what they say about themselves."""
    found = []
    for name, data in sorted(members.items()):
        if name.endswith(".dist-info/METADATA"):
            said = message_from_bytes(data)
            library, release = normal(str(said["Name"])), str(said["Version"])
            purl = f"pkg:pypi/{library}@{release}"
            found.append(sbom.component(library, release, purl, _expression(said)))
    return found


def _expression(said: Any) -> str | None:
    whole = said["License-Expression"] or said["License"]
    if whole is not None:
        return _SPDX.get(whole, str(whole))
    return next((_SPDX[one] for one in said.get_all("Classifier", []) if one in _SPDX), None)
