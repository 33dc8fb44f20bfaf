"""The demo of sovereigncode: a cloned project, made a workspace, with a yes, a no, and a changed log."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from scripts.building import bundle
from scripts.demos import showing
from scripts.demos.showing import DemoError, throw_away
from scripts.lib import cache, opencode_versions

# The user at the terminal, and what a gateway does when a model calls a tool.
PERSON: Final = """
import json, pexpect, sys
child = pexpect.spawn(sys.argv[1], json.loads(sys.argv[2]), encoding="utf-8", dimensions=(50, 100))
child.timeout = 120
child.logfile_read = sys.stdout
for expected, typed in json.loads(sys.argv[3]):
    child.expect(expected)
    child.sendline(typed)
child.expect(pexpect.EOF)
child.close()
sys.exit(child.exitstatus)
"""
_GATEWAY: Final = """
import sys
sys.path.insert(0, sys.argv[1] + "/site-packages")
from datetime import timedelta
from pathlib import Path
from foundation import host
from sovereigncode.approvals.call import Call
from sovereigncode.approvals.store import Approvals, Asked
from sovereigncode.audit.log import AuditLog
here = host.current({})
approvals = Approvals(here.cwd, here, AuditLog(here.cwd, here))
call = Call.of("bash", '{"command": "%s"}' % sys.argv[2], sys.argv[3], "ses_demo")
print(approvals.request(Asked(call, "publish", sys.argv[2]), timedelta(minutes=5)).id)
"""


class Project:
    """A fresh clone of a real project, in a home of its own, and the program beside it."""

    def __init__(self, root: Path, built: Path, opencode: Path, tools: Path) -> None:
        self.folder, self._home, self._bin = root / "project", root / "home", root / "bin"
        for folder in (self._home, self._bin):
            folder.mkdir()
        (self._bin / "opencode").symlink_to(opencode)
        for tool in ("git", "node", "sh", "env", "uname"):
            found = shutil.which(tool)
            if found is not None:
                (self._bin / tool).symlink_to(found)
        cache.run(["git", "clone", "--quiet", str(cache.ROOT), str(self.folder)], cwd=root, what="cloning")
        self._built, self._tools = built, tools

    @property
    def environ(self) -> dict[str, str]:
        """The whole environment of everything that runs here."""
        return {"HOME": str(self._home), "PATH": str(self._bin), "TERM": "xterm", "LANG": "C.UTF-8"}

    def run(self, *arguments: str, stdin: str = "", expected: int = 0) -> str:
        """Run the program and show what it says."""
        print(f"\n$ python sovereigncode.pyz {' '.join(arguments)}", flush=True)
        done = self._started([sys.executable, str(self._built), *arguments], stdin)
        print(done.stderr + done.stdout, end="", flush=True)
        if done.returncode != expected:
            raise DemoError(f"{arguments} ended with {done.returncode}, not with {expected}")
        return done.stdout

    def types(self, *arguments: str, answers: list[tuple[str, str]]) -> None:
        """Run the program in a pseudo-terminal, where somebody answers."""
        print(f"\n$ python sovereigncode.pyz {' '.join(arguments)}     (in a terminal)", flush=True)
        words = json.dumps([str(self._built), *arguments])
        done = self._started([str(self._tools), "-c", PERSON, sys.executable, words, json.dumps(answers)])
        print(done.stdout.replace("\r\n", "\n") + done.stderr, end="", flush=True)
        if done.returncode != 0:
            raise DemoError(f"{arguments} in a terminal ended with {done.returncode}")

    def asks(self, command: str, capsule: str) -> str:
        """What the gateway does when a model wants this: an approval that waits. Its id."""
        done = self._started([sys.executable, "-c", _GATEWAY, str(self._built), command, capsule])
        if done.returncode != 0:
            raise DemoError(f"no approval could be made: {done.stderr}")
        print(f"\n(An agent wants to run: {command})")
        return done.stdout.strip()

    def _started(self, command: list[str], stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.environ,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )


def show(arguments: list[str]) -> None:
    """The whole job; DemoError for what did not happen."""
    parser = showing.options("sovereigncode", __doc__)
    showing.add_opencode(parser)
    options = parser.parse_args(arguments)
    tools = cache.python_environment(sys.executable, "test.txt")
    opencode = opencode_versions.executable(options.opencode)
    with throw_away("sovereigncode", keep=options.keep) as root:
        print("Everything below happens in a throw-away folder. Building sovereigncode.pyz first.")
        built = bundle.build(bundle.SOVEREIGNCODE_PYZ, root)
        print(f"{built.name} has {built.stat().st_size:,} bytes.")
        _job(Project(root, built, opencode, tools))
    print("\nDone. All of this was decided, approved and recorded by the program alone; no model was asked.")


def _job(project: Project) -> None:
    project.types(
        "init",
        answers=[
            ("What is the data", "restricted"),
            ("Which region", "NZ"),
            ("What may requests be for", "software_engineering, code_review"),
            ("Whose policy", "acme"),
            ("Write these files", "y"),
        ],
    )
    capsule = json.loads((project.folder / ".sovereigncode" / "capsule.json").read_bytes())["capsule_id"]
    project.run("check")
    project.run("evaluate", stdin=_request(region="NZ", sovereignty_tier=3))
    project.run("evaluate", stdin=_request(region="US", sovereignty_tier=0), expected=6)
    wanted = project.asks("git push origin main", capsule)
    project.types("approvals", "approve", wanted, answers=[("Type yes to approve this", "yes")])
    project.run("approvals", "reject", project.asks("npm publish", capsule), "--note", "not today")
    project.run("approvals", "list")
    project.run("audit", "show")
    project.run("audit", "verify")
    (log,) = (project.folder / ".sovereigncode" / "audit").glob("audit-*.jsonl")
    lines = log.read_bytes().split(b"\n")
    lines[1] = lines[1].replace(b"deny", b"Deny", 1)
    log.write_bytes(b"\n".join(lines))
    print("\n(Somebody changes one byte in line 2 of the log.)")
    said = project.run("audit", "verify", "--json", expected=6)
    if json.loads(said)["line"] != 2:  # noqa: PLR2004 - the line that was changed
        raise DemoError("audit verify does not name the line that was changed")


def _request(**facts: Any) -> str:
    return json.dumps(
        {"action": "model_call", "model_id": "lumynax/coder", "purpose": "code_review", **facts}
    )
