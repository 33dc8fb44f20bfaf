"""A throw-away place for runs: state folder, worktree, temporary folder; and commands in real processes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Mapping, Sequence

from tests.stand_in.chat import ChatStandIn
from tests.support import watching
from tests.support.machine import ROOT
from tests.support.overlord_records import Run, read_run

_SECONDS = 60.0
_MINUTE_MS = 60_000


@dataclass(frozen=True)
class Ended:
    """A command that has ended: the status as Popen gives it (negative for a signal), and what it said."""

    arguments: tuple[str, ...]
    status: int
    stdout: str
    stderr: str

    @property
    def report(self) -> dict[str, Any]:
        """The one JSON object; AssertionError for anything else."""
        try:
            value = json.loads(self.stdout)
        except ValueError:
            raise AssertionError(f"no JSON: {self}") from None
        assert isinstance(value, dict)
        return value

    @property
    def code(self) -> str | None:
        """The error code, None if there was no error."""
        code = self.report.get("errorCode")
        return None if code is None else str(code)


class Place:
    """One home for runs under `root`, with a service; the key is the service's."""

    def __init__(self, root: Path, service: ChatStandIn, *, timeout_ms: int = 20_000) -> None:
        self.root = root
        self.service = service
        self.timeout_ms = timeout_ms
        for name in ("home", "state", "worktree", "worktree/.git", "tmp"):
            (root / name).mkdir(parents=True)

    @property
    def state(self) -> Path:
        """MMI_OVERLORD_HOME."""
        return self.root / "state"

    @property
    def worktree(self) -> Path:
        """Where commands are run."""
        return self.root / "worktree"

    def environ(self, **more: str) -> dict[str, str]:
        """The whole environment of a command."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.root / "home"),
            "TMPDIR": str(self.root / "tmp"),
            "PYTHONPATH": watching.python_path(str(ROOT)),
            "PYTHONDONTWRITEBYTECODE": "1",
            "MMI_OVERLORD_HOME": str(self.state),
            "MMI_OVERLORD_SHELL": "posix",
            "MMI_OVERLORD_LLM_BASE_URL": self.service.base_url,
            "MMI_OVERLORD_LLM_API_KEY": self.service.key,
            "MMI_OVERLORD_LLM_TIMEOUT_MS": str(self.timeout_ms),
            **more,
        }

    def begin(self, *arguments: str, environ: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """`python -m overlord` in its own process group."""
        return subprocess.Popen(
            [sys.executable, "-m", "overlord", *arguments],
            cwd=self.worktree,
            env=dict(self.environ() if environ is None else environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="surrogateescape",
            start_new_session=True,
        )

    def end(self, process: subprocess.Popen[str], seconds: float = _SECONDS) -> Ended:
        """Wait for the command; AssertionError if it hangs."""
        try:
            stdout, stderr = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGABRT)
            stdout, stderr = process.communicate()
            raise AssertionError(f"{process.args!r} hung: {stdout}{stderr}") from None
        watching.say(stdout)
        watching.say(stderr)
        arguments = process.args
        assert isinstance(arguments, list)
        return Ended(tuple(map(str, arguments[3:])), process.returncode, stdout, stderr)

    def run(self, *arguments: str, environ: Mapping[str, str] | None = None) -> Ended:
        """`python -m overlord`, to its end."""
        return self.end(self.begin(*arguments, environ=environ))

    def json(self, *arguments: str, status: int | Sequence[int] = 0, **environ: str) -> dict[str, Any]:
        """The report of a command that ends with this status, or one of these."""
        ended = self.run(*arguments, "--json", environ=self.environ(**environ))
        wanted = [status] if isinstance(status, int) else status
        assert ended.status in wanted, ended
        assert ended.report["exitStatus"] == ended.status
        return ended.report

    def run_folders(self) -> list[Path]:
        """The folders of all runs, those without a registry too."""
        folder = self.state / "runs"
        return sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []

    def runs(self) -> list[Run]:
        """All runs as they are on disk."""
        return [read_run(path) for path in self.run_folders() if os.path.lexists(path / "registry.json")]

    def only_run(self) -> Run:
        """The only run."""
        (run,) = self.runs()
        return run

    def crash_reports(self) -> list[str]:
        """What the program wrote about faults of its own."""
        return [path.read_text(encoding="utf-8") for path in (self.root / "tmp").glob("*crash*")]

    def keep(self, template: Path) -> None:
        """Keep everything as it is now, for `again`."""
        shutil.copytree(self.root, template, symlinks=True)

    def again(self, template: Path) -> None:
        """Everything as it was kept, at the same place; the service answers as usual."""
        shutil.rmtree(self.root)
        shutil.copytree(template, self.root, symlinks=True)
        self.service.clear()
        self.service.requests.clear()
