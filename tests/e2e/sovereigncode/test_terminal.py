"""What is asked and answered at a real terminal: the questions of init, and a yes or no to a tool call."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pexpect
import pytest

from foundation import host as hosts
from sovereigncode.approvals.approval import Approval
from sovereigncode.approvals.call import Call
from sovereigncode.approvals.store import Approvals, Asked
from sovereigncode.audit.log import AuditLog
from tests.support.sources import ROOT

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminal for pexpect")
CAPSULE = {"capsule_id": "shop", "subject_id": "acme", "jurisdiction": "NZ", "sensitivity": "internal"}
DIFF = "--- a/app.py\n+++ b/app.py\n@@ -1 +1 @@\n-price = 1\n+price = 2\x1b[2J\n"


class Person:
    """A home, a project, and somebody at a terminal in it."""

    def __init__(self, folder: Path) -> None:
        self.home, self.project = folder / "home", folder / "project"
        self.home.mkdir()
        self.project.mkdir()
        self.environ = {
            "HOME": str(self.home),
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": str(ROOT),
            "TERM": "xterm",
            "LANG": "C.UTF-8",
        }
        self.command = [sys.executable, "-m", "sovereigncode"]

    def workspace(self) -> None:
        folder = self.project / ".sovereigncode"
        folder.mkdir()
        (folder / "capsule.json").write_text(json.dumps(CAPSULE))

    def types(self, *arguments: str) -> pexpect.spawn[str]:
        return pexpect.spawn(
            self.command[0],
            [*self.command[1:], *arguments],
            cwd=str(self.project),
            env={**os.environ, **self.environ} if sys.platform == "darwin" else self.environ,
            encoding="utf-8",
            timeout=60,
            dimensions=(60, 120),
        )

    def runs(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self.command, *arguments],
            cwd=self.project,
            env=self.environ,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            start_new_session=True,
        )

    @property
    def approvals(self) -> Approvals:
        host = dataclasses.replace(hosts.current({}), environ=self.environ, home=self.home, cwd=self.project)
        return Approvals(self.project, host, AuditLog(self.project, host))

    def asks(self, summary: str) -> Approval:
        call = Call.of("edit", '{"filePath": "app.py"}', "shop", "ses_1")
        return self.approvals.request(Asked(call, "file_write", summary, DIFF, "acme"), timedelta(minutes=5))

    def state(self, approval: Approval) -> str:
        return self.approvals.get(approval.id).state.value


@pytest.fixture
def person(tmp_path: Path) -> Person:
    return Person(tmp_path)


def ended(child: pexpect.spawn[str]) -> int | None:
    child.expect(pexpect.EOF)
    child.close()
    return child.exitstatus


def test_yes_is_typed_after_everything_was_shown(person: Person) -> None:
    person.workspace()
    asked = person.asks("change the price")
    child = person.types("approvals", "approve", asked.id[:20])
    child.expect_exact("change the price")
    # Colour for what is added; what the file itself contains cannot move the cursor.
    child.expect_exact("\x1b[32m+price = 2\\x1b[2J\x1b[0m")
    child.expect("Type yes to approve this: ")
    child.sendline("yes")
    child.expect_exact(f"{asked.id} is approved.")
    assert ended(child) == 0
    assert person.state(asked) == "approved"
    assert json.loads(person.runs("audit", "verify", "--json").stdout)["holds"] is True


@pytest.mark.parametrize("answer", ["y", "no", "", "YES"])
def test_anything_but_yes_approves_nothing(person: Person, answer: str) -> None:
    person.workspace()
    asked = person.asks("change the price")
    child = person.types("approvals", "approve", asked.id)
    child.expect("Type yes to approve this: ")
    child.sendline(answer)
    child.expect_exact("Not approved")
    assert ended(child) == 6
    assert person.state(asked) == "pending"


def test_a_program_that_pipes_yes_in_approves_nothing(person: Person) -> None:
    person.workspace()
    asked = person.asks("change the price")
    done = person.runs("approvals", "approve", asked.id, "--json", stdin="yes\n")
    assert done.returncode == 6
    assert json.loads(done.stdout)["error"]["code"] == "terminal_required"
    assert person.state(asked) == "pending"


def test_rejecting_and_deciding_twice(person: Person) -> None:
    person.workspace()
    asked = person.asks("change the price")
    assert person.runs("approvals", "reject", asked.id, "--note", "too cheap").returncode == 0
    shown = person.runs("approvals", "show", asked.id)
    assert "too cheap" in shown.stdout
    again = person.runs("approvals", "reject", asked.id, "--json")
    assert (again.returncode, json.loads(again.stdout)["error"]["code"]) == (6, "approval_decided")
    child = person.types("approvals", "approve", asked.id)
    assert ended(child) == 6
    assert person.state(asked) == "rejected"


def test_a_file_that_says_approved_has_gained_nothing(person: Person) -> None:
    person.workspace()
    asked = person.asks("change the price")
    path = person.project / ".sovereigncode" / "approvals" / f"{asked.id}.json"
    path.write_text(path.read_text().replace('"pending"', '"approved"'))
    (listed,) = json.loads(person.runs("approvals", "--json").stdout)["data"]
    assert listed["state"] == "invalid"
    again = Asked(asked.call, "file_write", "the same", tenant="acme")
    assert person.approvals.consume([again]) is None


def test_watching_shows_new_ones_as_they_come_and_takes_y_and_n(person: Person) -> None:
    person.workspace()
    first = person.asks("the first")
    child = person.types("approvals", "watch")
    child.expect_exact("the first")
    child.expect("Approve this\\?")
    child.sendline("y")
    child.expect_exact(f"{first.id} is approved.")
    second = person.asks("the second")
    child.expect_exact("the second")
    child.expect("Approve this\\?")
    child.sendline("what")
    child.expect("Approve this\\?")
    child.sendline("n")
    child.expect_exact(f"{second.id} is rejected.")
    child.sendintr()
    assert ended(child) == 130
    assert (person.state(first), person.state(second)) == ("approved", "rejected")


def test_watching_without_a_terminal_shows_and_decides_nothing(person: Person) -> None:
    person.workspace()
    asked = person.asks("the first")
    with subprocess.Popen(
        [*person.command, "approvals", "watch", "--json"],
        cwd=person.project, env=person.environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
        start_new_session=True,
    ) as child:  # fmt: skip
        said, _ = child.communicate(timeout=60)
    data: list[dict[str, Any]] = json.loads(said)["data"]
    assert [one["id"] for one in data] == [asked.id]
    assert person.state(asked) == "pending"


def test_init_asks_what_no_option_gives_shows_everything_and_asks_once(person: Person) -> None:
    child = person.types("init", "--tenant", "acme")
    child.expect("What is the data in this folder\\?")
    child.expect("1 to 7, Enter for 2")
    child.sendline("restricted")
    child.expect("Which region's law counts\\?")
    child.sendline("two words")
    child.expect("Please use letters")
    child.sendline("AU")
    child.expect("What may requests be for\\?")
    child.sendline("support, care")
    child.expect_exact('+  "sensitivity": "restricted",')
    child.expect("tenant: acme")
    child.expect_exact("opencode.json")
    child.expect("Write these files\\?")
    assert not (person.project / ".sovereigncode").exists()
    child.sendline("y")
    child.expect("This folder is a workspace")
    assert ended(child) == 0
    capsule = json.loads((person.project / ".sovereigncode" / "capsule.json").read_bytes())
    assert (capsule["sensitivity"], capsule["jurisdiction"]) == ("restricted", "AU")
    assert capsule["allowed_purposes"] == ["support", "care"]


def test_init_that_is_declined_ends_with_6_and_writes_nothing(person: Person) -> None:
    options = ("--sensitivity", "public", "--jurisdiction", "NZ", "--purpose", "a", "--tenant", "t")
    child = person.types("init", *options)
    child.expect("Write these files\\?")
    child.sendline("n")
    child.expect("Nothing was written")
    assert ended(child) == 6
    assert list(person.project.iterdir()) == []


def test_ctrl_c_at_a_question_ends_with_130_and_writes_nothing(person: Person) -> None:
    child = person.types("init")
    child.expect("Enter for 2")
    time.sleep(0.2)
    child.sendintr()
    assert ended(child) == 130
    assert list(person.project.iterdir()) == []
