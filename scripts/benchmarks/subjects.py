"""What is measured: our program in its forms, on throw-away machines with the newest opencode."""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Iterator

from scripts.benchmarks import BenchmarkError
from scripts.building import native
from scripts.lib import cache, opencode_versions
from tests.stand_in import HOST, Authority, StandIn
from tests.support.machine import Finished, Machine


@dataclass(frozen=True)
class Subject:
    """One form of the program; setups have targets only with `python -m`, as the .pyz has its own start."""

    name: str
    command: tuple[str, ...]
    has_targets: bool


@dataclass(frozen=True)
class Artefact:
    """One file of a release: its recipe's name for scripts/build.py, and where it is when it was built."""

    name: str
    recipe: str
    path: Path

    @property
    def missing(self) -> str:
        """What to say when it is not there; empty when it is."""
        if self.path.is_file():
            return ""
        return f"not built: python3 scripts/build.py {self.recipe}"


@lru_cache(maxsize=1)
def packed() -> Path:
    """The .pyz, built first."""
    cache.run([sys.executable, "scripts/build.py", "pyz"], cwd=cache.ROOT, what="building the .pyz")
    return cache.ROOT / "dist" / "gonkagate-setup.pyz"


def binaries() -> tuple[Artefact, ...]:
    """The native binaries, which take minutes to build: those in dist/ are measured, and none is built."""
    folder = cache.ROOT / "dist"
    return (
        Artefact("native", "native", folder / native.name()),
        Artefact("nuitka", "nuitka", folder / native.name("-nuitka")),
    )


def subjects() -> tuple[Subject, ...]:
    """`python -m gonkagate_setup` from the checkout, and the .pyz."""
    return (
        Subject("python -m", (sys.executable, "-m", "gonkagate_setup"), has_targets=True),
        Subject(".pyz", (sys.executable, str(packed())), has_targets=False),
    )


def forms() -> tuple[Subject, ...]:
    """All forms that are here: those of `subjects` and the binaries that were built."""
    built = [Subject(one.name, (str(one.path),), has_targets=False) for one in binaries() if not one.missing]
    return (*subjects(), *built)


@contextmanager
def service() -> Iterator[tuple[Path, StandIn]]:
    """A temporary folder for machines, and the stand-in service that they reach."""
    # With this variable warm starts would compile everything again, so their times would mean nothing.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory(prefix="gonkagate-setup-bench-") as folder:
        root = Path(folder)
        with StandIn(Authority(root, HOST)) as running:
            yield root, running


def machine(root: Path, running: StandIn, subject: Subject | None = None) -> Machine:
    """A fresh machine that runs `subject`."""
    made = Machine(root, running, opencode_versions.executable(opencode_versions.NEWEST))
    if subject is not None:
        made.python = list(subject.command)
    return made


def set_up(on: Machine, *, key: bool) -> Finished:
    """One whole setup; the key is piped in the first time and found in its file on a rerun."""
    arguments = ["--scope", "user", "--yes", "--json"]
    if key:
        return succeeded(on.run_setup(*arguments, "--api-key-stdin", stdin=on.key))
    return succeeded(on.run_setup(*arguments))


def succeeded(done: Finished) -> Finished:
    """`done`, or BenchmarkError when it failed: a failure's time means nothing."""
    if done.status != 0:
        raise BenchmarkError(f"a measured command failed\n{done.output}")
    return done
