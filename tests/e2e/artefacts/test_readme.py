"""A newcomer with a fresh home types what the README prints, and gets to a working `opencode run`.

Only where the downloads come from is ours: git takes the repository from this checkout, and a `curl` on the
PATH hands out the .pyz that was built here.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.artefacts.test_pyz import build
from tests.sessions.desk import Desk, desk_with
from tests.sessions.screen import Screen
from tests.stand_in import StandIn
from tests.support.machine import ROOT, Machine

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the README's commands are for a POSIX shell")

README = (ROOT / "README.md").read_text(encoding="utf-8")
REPOSITORY = "https://github.com/GonkaGate/gonkagate-setup"
DOWNLOAD = f"{REPOSITORY}/releases/latest/download"


def block(after: str) -> list[str]:
    """The lines of the first shell block after that text."""
    return re.split(r"```sh\n|```", README.split(after, 1)[1])[1].strip().split("\n")


def command(machine: Machine, name: str, script: str) -> None:
    path = machine.bin / name
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)


def follow(desk: Desk, lines: list[str], *answers: str) -> Screen:
    machine = desk.machine
    command(machine, "python3", f'exec {sys.executable} "$@"')
    screen = Screen(
        ["/bin/sh", "-e", "-c", "\n".join(lines)],
        environ={**machine.environment, "GIT_TERMINAL_PROMPT": "0"},
        cwd=machine.elsewhere,
        timeout=120,
    )
    desk.sessions.append(screen)
    for answer in answers:
        screen.answer("]: ", answer)
    assert screen.end() == 0, screen.text
    return screen


def works(machine: Machine, cwd: Path) -> None:
    done = machine.opencode("run", "say hi", cwd=cwd)
    assert "Hello from the GonkaGate stand-in." in done.stdout, done.output
    assert {request.key for request in machine.stand_in.requests} == {machine.key}


def test_from_a_checkout(stand_in: StandIn) -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout, so there is none to clone")
    lines = block("**Or from a checkout**")
    assert lines[0] == f"git clone {REPOSITORY}"
    with desk_with(stand_in) as desk:
        machine = desk.machine
        subprocess.run(
            ["git", "config", "--file", machine.home / ".gitconfig", f"url.{ROOT}.insteadOf", REPOSITORY],
            check=True,
        )
        # "everywhere", as the README says
        follow(desk, lines, "", "1", machine.key, "")
        works(machine, machine.project)


def test_from_the_one_file(stand_in: StandIn, tmp_path: Path) -> None:
    lines = block("**Or one file**")
    assert lines[0] == f"curl -fsSLO {DOWNLOAD}/gonkagate-setup.pyz"
    packed = build(ROOT, tmp_path)
    with desk_with(stand_in) as desk:
        machine = desk.machine
        known = f'[ "$*" = "-fsSLO {DOWNLOAD}/gonkagate-setup.pyz" ] || exit 22'
        command(machine, "curl", f"{known}\ncat '{packed}' >gonkagate-setup.pyz")
        follow(desk, lines, "", "", machine.key, "")
        works(machine, machine.elsewhere)


def test_every_way_in_comes_before_what_it_does_and_the_page_about_installing_comes_first() -> None:
    places = [
        README.index(text) for text in ("/install.sh | sh", "/gonkagate-setup.pyz", "git clone", "opencode\n")
    ]
    assert places[:3] == sorted(places[:3])
    more = README.split("## More", 1)[1]
    assert re.findall(r"\]\((docs/[\w.-]+)\)", more)[0] == "docs/install.md"
    assert f"curl -fsSL {DOWNLOAD}/install.sh | sh" in README
    assert f"curl -fsSL {DOWNLOAD}/install.sh | sh" in (ROOT / "docs" / "install.md").read_text(
        encoding="utf-8"
    )
    assert not re.search(r"(?<![\w/])python (?!3)(-m|gonkagate)", README)
