"""Somebody at the terminal of a throw-away machine."""

from __future__ import annotations

import re
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator, Mapping

from scripts.lib import opencode_versions
from tests.sessions.screen import Screen
from tests.stand_in import StandIn
from tests.support import watching
from tests.support.canary import SEARCHED, in_all
from tests.support.machine import ROOT, Machine
from tests.support.resolving import resolving_opencode

# Our own wrapping depends on how long paths are, so the machine's root has the same length everywhere.
_ROOT_LENGTH = 26


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
        shell: str = "exec {}",
    ) -> Screen:
        """Start our program on a terminal of `columns`; `shell` is a command line with {} in its place."""
        command = " ".join([*self.machine.python, *arguments])
        environ = {
            **self.machine.environment,
            "PYTHONPATH": watching.python_path(str(ROOT)),
            "TERM": "dumb",
            **(env or {}),
        }
        screen = Screen(
            ["/bin/sh", "-c", shell.format(command)],
            environ=environ,
            cwd=cwd or self.machine.project,
            columns=columns,
        )
        self.sessions.append(screen)
        return screen

    def shown(self, screen: Screen) -> str:
        """The screen's text as it is everywhere: without this machine's places, times and versions."""
        return _timeless(screen.text).replace(str(self.machine.root), "/machine")

    def coloured(self, screen: Screen) -> str:
        """The same with the colours in it, as codes in angle brackets."""
        text = screen.raw.replace("\r", "")
        text = re.sub("\x1b\\[([0-9;]+)m", r"<\1>", text).replace("\x1b", "<escape>")
        return _timeless("\n".join(line.rstrip() for line in text.rstrip().split("\n"))).replace(
            str(self.machine.root), "/machine"
        )

    def homely(self, screen: Screen) -> str:
        """The same for the docs, with places as they are on a person's machine."""
        return self.at_home(_timeless(screen.text))

    def at_home(self, text: str) -> str:
        """`text` with a person's places in it."""
        for place, name in (
            (self.machine.home, "/home/you"),
            (self.machine.project, "/home/you/project"),
            (self.machine.bin, "/usr/local/bin"),
        ):
            text = text.replace(str(place), name)
        return text


def _timeless(text: str) -> str:
    text = re.sub(r"( \d+ s)+$", "", text, flags=re.MULTILINE)
    # A second copy within the same second ends in -2.
    text = re.sub(r"\.bak-\d{8}T\d{6}Z(-\d+)?\b", ".bak-<time>", text)
    text = re.sub(r"\.[0-9a-f]{12}\.bak", ".<digest>.bak", text)
    text = re.sub(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+Z)?", "<time>", text)
    text = re.sub(r"opencode \d+\.\d+\.\d+", "opencode <version>", text)
    # Only said when it takes long enough to be noticed.
    return text.replace("checking the edit with a second parser ...\n", "") + "\n"


@contextmanager
def desk_with(stand_in: StandIn, *, quick: bool = False) -> Iterator[Desk]:
    """A desk on a machine of its own, with the newest opencode; every key is searched for at the end.

    `quick`: with an opencode that only resolves configs (tests/support/resolving.py).
    """
    base = Path("/tmp").resolve()
    prefix = "g" * (_ROOT_LENGTH - len(str(base)) - 9)
    with tempfile.TemporaryDirectory(prefix=prefix, dir=base) as root:
        opencode = None if quick else opencode_versions.executable(opencode_versions.NEWEST)
        made = Desk(Machine(Path(root), stand_in, opencode))
        if quick:
            resolving_opencode(made.machine)
        yield made
        said = "".join(screen.raw for screen in made.sessions).encode()
        SEARCHED.outputs += len(made.sessions)
        assert in_all(made.machine.canaries, said, "a screen") == []
        assert made.machine.leaks() == []
