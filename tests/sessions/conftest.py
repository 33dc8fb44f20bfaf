"""A throw-away machine with a person at its terminal."""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Callable, Iterator, Mapping

import pytest

from scripts import opencode_versions
from tests.machine import ROOT, Machine
from tests.sessions.screen import Screen
from tests.stand_in import StandIn

EXPECTED = Path(__file__).parent / "expected"
_UPDATE = "UPDATE_SCREENS"
# Our own wrapping depends on how long paths are, so the machine's root has the same length everywhere.
_ROOT_LENGTH = 26

collect_ignore = ["test_device.py", "test_setup.py"] if sys.platform == "win32" else []


class Desk:
    """`machine`, and screens on it; `sessions` are all that were opened."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.sessions: list[Screen] = []

    def sit(
        self,
        *arguments: str,
        columns: int = 80,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        shell: str = "{}",
    ) -> Screen:
        """Start our program on a terminal of `columns`; `shell` is a command line with {} in its place."""
        command = " ".join([*self.machine.python, *arguments])
        environ = {**self.machine.environment, "PYTHONPATH": str(ROOT), "TERM": "dumb", **(env or {})}
        screen = Screen(
            ["/bin/sh", "-c", "exec " + shell.format(command) if shell == "{}" else shell.format(command)],
            environ=environ,
            cwd=cwd or self.machine.project,
            columns=columns,
        )
        self.sessions.append(screen)
        return screen

    def shown(self, screen: Screen) -> str:
        """The screen's text as it is everywhere: without this machine's places, times and versions."""
        text = screen.text.replace(str(self.machine.root), "/machine")
        text = re.sub(r"( \d+ s)+$", "", text, flags=re.MULTILINE)
        text = re.sub(r"\.bak-\d{8}T\d{6}Z", ".bak-<time>", text)
        text = re.sub(r"\.[0-9a-f]{12}\.bak", ".<digest>.bak", text)
        text = re.sub(r"opencode \d+\.\d+\.\d+", "opencode <version>", text)
        # Only said when it takes long enough to be noticed.
        return text.replace("checking the edit with a second parser ...\n", "") + "\n"


@pytest.fixture
def desk(stand_in: StandIn) -> Iterator[Desk]:
    """Somebody at the terminal of a throw-away machine with the newest opencode."""
    base = Path("/tmp").resolve()
    root = Path(tempfile.mkdtemp(prefix="g" * (_ROOT_LENGTH - len(str(base)) - 9), dir=base))
    made = Desk(Machine(root, stand_in, opencode_versions.executable(opencode_versions.NEWEST)))
    yield made
    said = "".join(screen.raw for screen in made.sessions).encode()
    assert [name for canary in made.machine.canaries for name in canary.encodings_in(said)] == []
    assert made.machine.leaks() == []
    shutil.rmtree(root)


@pytest.fixture
def matches(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compare a text with the stored expectation of that name; UPDATE_SCREENS=1 stores it instead."""

    def compare(text: str, name: str) -> None:
        path = EXPECTED / f"{name}.txt"
        if os.environ.get(_UPDATE):
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
            pytest.skip(f"{request.node.name}: stored {path.name} because {_UPDATE} is set; look at it")
        assert text == path.read_text(encoding="utf-8"), f"{name}; after a look, {_UPDATE}=1 stores it"

    return compare
