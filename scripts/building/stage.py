"""What goes into every artefact: a clean copy of the package with what it shares, and the git commit."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

from scripts.lib.cache import ROOT

PACKAGE: Final = "gonkagate_setup"
PROGRAM: Final = "gonkagate-setup"
# Every artefact has its own copy of these inside the package, under a private name: two programs of this
# repository in one environment must not overwrite each other's files.
SHARED: Final = ("foundation", "opencode_config")
# What artefacts are made from, besides the package: an sdist carries it to build every one of them again.
BESIDE_THE_PACKAGE: Final = (
    *("pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE", "NOTICE", "build", "scripts", "vendor"),
)
# Our own and json5's, below the root of the checkout.
LICENCES: Final = ("NOTICE", "LICENSE", "vendor/json5/LICENSE")

_STAMP = "_build.py"
_SHARED_IMPORT: Final = re.compile(rf"^( *(?:from|import) )({'|'.join(SHARED)})(?=[. ])", re.MULTILINE)
_LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc", _STAMP)


def version() -> str:
    """The version, from its one place."""
    text = (ROOT / PACKAGE / "__init__.py").read_text(encoding="utf-8")
    match = re.search(r'^__version__ = "([^"]+)"$', text, re.MULTILINE)
    if match is None:
        raise ValueError(f"no __version__ in {PACKAGE}/__init__.py")
    return match[1]


def commit(*packages: str) -> str | None:
    """The checkout's commit, `-modified` when an artefact would differ; None outside a checkout.

    `packages` are those of another program's artefact.
    """
    head = _git("rev-parse", "--short=12", "HEAD")
    if head is None:
        return None
    changed = _git("status", "--porcelain", "--", *(packages or (PACKAGE, *SHARED)), *BESIDE_THE_PACKAGE)
    return f"{head}-modified" if changed else head


def stamp(commit_text: str | None) -> bytes | None:
    """The content of the module that `gonkagate_setup.version` reads, None when the commit is unknown.

    An unpacked sdist is not a checkout; it has the stamp that it was made with.
    """
    if commit_text is not None:
        return f'"""Written by scripts/build.py."""\n\nCOMMIT = "{commit_text}"\n'.encode()
    carried = ROOT / PACKAGE / _STAMP
    return carried.read_bytes() if carried.is_file() else None


def copy_sources(target: Path) -> None:
    """Copy what is next to the package as git tracks it; outside a checkout, all of it."""
    listed = _git("ls-files", "-z", "--", *BESIDE_THE_PACKAGE)
    if listed is None:
        paths = [ROOT / name for name in BESIDE_THE_PACKAGE]
        files = [file for path in paths for file in (path.rglob("*") if path.is_dir() else [path])]
        names = [
            file.relative_to(ROOT) for file in files if file.is_file() and "__pycache__" not in file.parts
        ]
    else:
        names = [Path(name) for name in listed.split("\0") if name and (ROOT / name).is_file()]
    for name in names:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, target / name)
    for path in target.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)


def stage(folder: Path) -> None:
    """Copy the package below `folder`: sources and json5's licence only, the same modes on every machine.

    An unpacked sdist has the shared packages in their private place already.
    """
    target = folder / PACKAGE
    shutil.copytree(ROOT / PACKAGE, target, ignore=_LEFT_OUT)
    for name in SHARED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, target / f"_{name}", ignore=_LEFT_OUT)
    for path in target.rglob("*.py"):
        source = path.read_bytes()
        path.write_bytes(private_imports(source.decode()).encode())
    content = stamp(commit())
    if content is not None:
        (target / _STAMP).write_bytes(content)
    for path in (target, *target.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


def private_imports(source: str) -> str:
    """`source`, importing the shared packages from their private place; its lines stay where they are."""
    return _SHARED_IMPORT.sub(rf"\1{PACKAGE}._\2", source)


def licence_text() -> bytes:
    """Every licence of what all artefacts contain, in one text."""
    return b"\n".join(
        b"==== %s ====\n\n%s" % (name.encode(), (ROOT / name).read_bytes()) for name in LICENCES
    )


def _git(*arguments: str) -> str | None:
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        return None
    done = subprocess.run([git, "-C", str(ROOT), *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()
