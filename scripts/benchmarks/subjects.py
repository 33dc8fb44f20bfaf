"""What is measured: our program in its two forms, on throw-away machines with the newest opencode."""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Iterator

from scripts import cache, opencode_versions
from scripts.benchmarks import BenchmarkError
from tests.machine import Finished, Machine
from tests.stand_in import HOST, Authority, StandIn


@dataclass(frozen=True)
class Subject:
    """One form of the program; only `python -m` has targets, the .pyz may cost its own start more."""

    name: str
    command: tuple[str, ...]
    has_targets: bool


@lru_cache(maxsize=1)
def subjects() -> tuple[Subject, ...]:
    """`python -m gonkagate_setup` from the checkout, and the .pyz, which is built first."""
    cache.run([sys.executable, "scripts/build.py", "pyz"], cwd=cache.ROOT, what="building the .pyz")
    artifact = cache.ROOT / "dist" / "gonkagate-setup.pyz"
    return (
        Subject("python -m", (sys.executable, "-m", "gonkagate_setup"), has_targets=True),
        Subject(".pyz", (sys.executable, str(artifact)), has_targets=False),
    )


@contextmanager
def service() -> Iterator[tuple[Path, StandIn]]:
    """A temporary folder for machines, and the stand-in service that they reach."""
    # With this variable warm starts would compile everything again and mean nothing.
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
