"""What goes into every artefact: a clean copy of the package with what it shares, and the git commit."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from scripts.lib.cache import ROOT


@dataclass(frozen=True)
class Program:
    """A program of this repository: what it is called, its package, and what an artefact of it carries.

    Every artefact has its own copy of the `shared` packages inside the package, under a private name: two
    programs of this repository in one environment must not overwrite each other's files. `beside`: packages
    of the same artefact that use that copy too. `without`: modules of the shared packages that it does not
    import, so that it does not carry them. `licences`, and the `page` that a package registry shows, are
    below the root of the checkout.
    """

    name: str
    package: str
    shared: tuple[str, ...]
    licences: tuple[str, ...]
    beside: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    page: str = "README.md"

    @property
    def packages(self) -> tuple[str, ...]:
        """What it is made of, apart from libraries."""
        return (self.package, *self.beside, *self.shared)


_LATER: Final = ("foundation/program.py", "foundation/terminal/verbs.py")
SETUP: Final = Program(
    "gonkagate-setup",
    "gonkagate_setup",
    ("foundation", "opencode_config"),
    ("NOTICE", "LICENSE", "vendor/json5/LICENSE"),
    without=_LATER,
)
OVERLORD: Final = Program(
    "mmi-cli",
    "overlord",
    ("foundation",),
    ("NOTICE", "LICENSE"),
    without=_LATER,
    page="docs/overlord.md",
)
SOVEREIGNCODE: Final = Program(
    "sovereigncode",
    "sovereigncode",
    ("foundation", "opencode_config"),
    ("NOTICE", "LICENSE", "vendor/json5/LICENSE"),
    page="docs/sovereigncode.md",
)
# Its wheel has both: the gateway does nothing without the other's rules.
GATEWAY: Final = replace(
    SOVEREIGNCODE, name="marama-route", beside=("marama_route",), page="docs/marama-route.md"
)

# What artefacts are made from, besides the package: an sdist carries it to build every one of them again.
BESIDE_THE_PACKAGE: Final = (
    *("pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE", "NOTICE", "build", "scripts", "vendor"),
)
_STAMP = "_build.py"
_LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc", _STAMP)


def version(program: Program) -> str:
    """The version, from its one place."""
    text = (ROOT / program.package / "__init__.py").read_text(encoding="utf-8")
    match = re.search(r'^__version__ = "([^"]+)"$', text, re.MULTILINE)
    if match is None:
        raise ValueError(f"no __version__ in {program.package}/__init__.py")
    return match[1]


def commit(program: Program) -> str | None:
    """The checkout's commit, `-modified` when an artefact would differ; None outside a checkout."""
    head = _git("rev-parse", "--short=12", "HEAD")
    if head is None:
        return None
    changed = _git("status", "--porcelain", "--", *program.packages, *BESIDE_THE_PACKAGE)
    return f"{head}-modified" if changed else head


def stamp(program: Program, commit_text: str | None) -> bytes | None:
    """The content of the module that the program's `version` reads, None when the commit is unknown.

    An unpacked sdist is not a checkout; it has the stamp that it was made with.
    """
    if commit_text is not None:
        return f'"""Written by scripts/build.py."""\n\nCOMMIT = "{commit_text}"\n'.encode()
    carried = ROOT / program.package / _STAMP
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


def stage(program: Program, folder: Path) -> None:
    """Copy the packages below `folder`: sources and licences only, the same modes on every machine.

    An unpacked sdist has the shared packages in their private place already.
    """
    content = stamp(program, commit(program))
    for package in (program.package, *program.beside):
        target = folder / package
        shutil.copytree(ROOT / package, target, ignore=_LEFT_OUT)
        for name in program.shared if package == program.package else ():
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, target / f"_{name}", ignore=_LEFT_OUT)
        for module in program.without if package == program.package else ():
            (target / f"_{module}").unlink(missing_ok=True)
        for path in target.rglob("*.py"):
            source = path.read_bytes()
            path.write_bytes(private_imports(program, source.decode()).encode())
        if content is not None:
            (target / _STAMP).write_bytes(content)
        for path in (target, *target.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)


def private_imports(program: Program, source: str) -> str:
    """`source`, importing the shared packages from their private place; its lines stay where they are."""
    imported = re.compile(rf"^( *(?:from|import) )({'|'.join(program.shared)})(?=[. ])", re.MULTILINE)
    return imported.sub(rf"\1{program.package}._\2", source)


def licence_text(program: Program) -> bytes:
    """Every licence of what all artefacts of the program contain, in one text."""
    return b"\n".join(
        b"==== %s ====\n\n%s" % (name.encode(), (ROOT / name).read_bytes()) for name in program.licences
    )


def _git(*arguments: str) -> str | None:
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        return None
    done = subprocess.run([git, "-C", str(ROOT), *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()
