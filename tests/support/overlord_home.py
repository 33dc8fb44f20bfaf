"""A throw-away home and worktree in which `mmi-cli overlord` runs as a process, against any chat service."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Mapping

from tests.support import watching
from tests.support.canary import ISSUED, SEARCHED, in_all, leaks
from tests.support.machine import ROOT, Finished

_SECONDS = 120.0
_WINDOWS_NEEDS = ("COMSPEC", "PATHEXT", "SYSTEMDRIVE", "SYSTEMROOT", "WINDIR")


class OverlordHome:
    """`worktree` is where commands run, `state` the state folder; nothing of the real environment is there.

    `command` is the program. `environ` is what every command gets, apart from what `run` adds.
    """

    def __init__(self, root: Path, environ: Mapping[str, str]) -> None:
        self.root = root
        self.home, self.worktree, self.state = root / "home", root / "work", root / "state"
        (self.worktree / ".git").mkdir(parents=True)
        self.home.mkdir()
        self.command = [sys.executable, "-m", "overlord"]
        self.environ = {
            "HOME": str(self.home),
            "USERPROFILE": str(self.home),
            "PATH": os.defpath,
            "MMI_OVERLORD_HOME": str(self.state),
            "MMI_OVERLORD_SHELL": "posix",
            **{name: os.environ[name] for name in _WINDOWS_NEEDS if name in os.environ},
            **environ,
        }
        self._said: list[tuple[str, Finished]] = []

    def start(self, *arguments: str, stdin: str | None = None, **environ: str) -> subprocess.Popen[str]:
        """Begin a command; the caller ends it."""
        child = subprocess.Popen(
            [*self.command, *arguments],
            cwd=self.worktree,
            env={**self.environ, "PYTHONPATH": watching.python_path(str(ROOT)), **environ},
            stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="surrogateescape",
        )
        if stdin is not None:
            assert isinstance(child.stdin, io.TextIOWrapper)
            # As bytes: Windows would make two characters of a line end.
            child.stdin.buffer.write(stdin.encode("utf-8", "surrogateescape"))
            child.stdin.close()
            child.stdin = None
        return child

    def end(self, child: subprocess.Popen[str], name: str = "") -> Finished:
        """Wait for a command that was begun."""
        began = time.monotonic()
        try:
            stdout, stderr = child.communicate(timeout=_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            raise
        done = Finished(child.returncode, stdout, stderr, time.monotonic() - began)
        self._said.append((name, done))
        return done

    def run(self, *arguments: str, stdin: str | None = None, **environ: str) -> Finished:
        """Run a command to its end."""
        return self.end(self.start(*arguments, stdin=stdin, **environ), " ".join(arguments))

    def json(self, *arguments: str, stdin: str | None = None, **environ: str) -> dict[str, Any]:
        """Run a command with --json; the object that it printed, with what `run` gives checked."""
        done = self.run(*arguments, "--json", stdin=stdin, **environ)
        assert done.stdout.isascii(), done.output
        assert done.json["exitStatus"] == done.status, done.output
        assert done.stderr == "", done.output
        return done.json

    def runs(self) -> list[Path]:
        """The folders of all runs, oldest first."""
        return sorted((self.state / "runs").glob("run-*"), key=lambda path: path.stat().st_mtime_ns)

    def registry(self, run: Path | None = None) -> dict[str, Any]:
        """The registry of that run, of the newest one by default."""
        text = ((run or self.runs()[-1]) / "registry.json").read_text(encoding="utf-8")
        value: dict[str, Any] = json.loads(text)
        return value

    def servant(self, slot: str) -> dict[str, Any]:
        """A servant in the newest run's registry."""
        return next(one for one in self.registry()["servants"] if one["id"] == slot)

    def ledger(self, run: Path | None = None) -> list[dict[str, Any]]:
        """The events of that run's ledger."""
        lines = ((run or self.runs()[-1]) / "ledger.jsonl").read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]

    def leaks(self) -> list[str]:
        """Where a key stands that it must not: any file below the root, any output of a command."""
        found = leaks(ISSUED, [self.root], set())
        for arguments, done in self._said:
            SEARCHED.outputs += 1
            said = (done.stdout + done.stderr).encode(errors="surrogateescape")
            found += in_all(ISSUED, said, f"output of: {arguments}")
        return found
