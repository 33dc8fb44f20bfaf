"""What `init` asks and shows at a real terminal, and what is there after a yes, a no, and Ctrl-C."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest

from marama_route.core import config
from tests.support.sources import ROOT

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminal for pexpect")
KEY = re.compile(r"mr_[A-Za-z0-9_-]{43}")


class Person:
    """A home, and somebody at a terminal in it."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.home.mkdir(mode=0o700)
        base = self.home / ("Library/Application Support" if sys.platform == "darwin" else ".config")
        self.config = base / "marama-route" / "config.yaml"
        self.environ = {
            "HOME": str(self.home),
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": str(ROOT),
            "TERM": "xterm",
            "LANG": "C.UTF-8",
        }
        if sys.platform == "darwin":
            self.environ = {**os.environ, **self.environ}

    def types(self, *arguments: str) -> pexpect.spawn[str]:
        return pexpect.spawn(
            sys.executable,
            ["-m", "marama_route", *arguments],
            cwd=str(self.home),
            env=self.environ,
            encoding="utf-8",
            timeout=60,
            dimensions=(60, 120),
        )

    def runs(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "marama_route", *arguments],
            cwd=self.home,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            start_new_session=True,
        )


@pytest.fixture
def person(tmp_path: Path) -> Person:
    return Person(tmp_path)


def ended(child: pexpect.spawn[str]) -> int | None:
    child.expect(pexpect.EOF)
    child.close()
    return child.exitstatus


def answered(person: Person) -> pexpect.spawn[str]:
    """Up to the last question, with a wrong answer on the way."""
    child = person.types("init")
    child.expect_exact("What is this organisation called?")
    child.sendline("no spaces please")
    child.expect_exact("Please use letters")
    child.sendline("acme")
    child.expect_exact("In which region is this machine?")
    child.sendline("")
    child.expect_exact("+  - id: acme")
    return child


def test_yes_writes_the_file_and_shows_two_keys(person: Person) -> None:
    child = answered(person)
    child.expect_exact("Write this file?")
    assert not person.config.exists()
    child.sendline("y")
    child.expect_exact("These keys are shown only now")
    shown = KEY.findall(str(child.before))
    assert ended(child) == 0
    assert len(set(shown)) == 2
    read, mistakes = config.read(person.config.read_bytes(), "")
    assert read is not None, mistakes
    assert [tenant.id for tenant in read.tenants] == ["acme"]
    assert not KEY.search(person.config.read_text())
    assert person.runs("models", "--offline").returncode == 0


@pytest.mark.parametrize("answer", ["n", "\x03", "\x04"])
def test_anything_else_writes_nothing(person: Person, answer: str) -> None:
    child = answered(person)
    child.expect_exact("Write this file?")
    if answer == "n":
        child.sendline(answer)
    else:
        child.send(answer)
    assert ended(child) == (6 if answer == "n" else 130)
    assert not person.config.exists()
    assert [path for path in person.home.rglob("*") if path.is_file()] == []


def test_a_file_that_is_there_is_replaced_only_with_a_typed_yes(person: Person) -> None:
    assert person.runs("init", "--yes").returncode == 0
    before = person.config.read_bytes()
    for answer, status in (("", 6), ("y", 0)):
        child = answered(person)
        child.expect_exact("its keys stop working")
        child.expect_exact("Replace the file?")
        child.sendline(answer)
        assert ended(child) == status
        assert (person.config.read_bytes() == before) is (status == 6)
    (copy,) = person.config.parent.glob("config.yaml.bak-*")
    assert copy.read_bytes() == before


def test_without_a_terminal_nothing_is_asked(person: Person) -> None:
    ran = person.runs("init")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "--tenant" in ran.stderr
    assert not person.config.exists()
