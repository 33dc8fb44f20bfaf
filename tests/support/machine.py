"""A throw-away machine: home, project, temporary folder and a PATH with the chosen opencode, git and node.

Used by the test fixtures, the demo and the benchmark. Nothing of the real environment comes along.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Mapping, Sequence

from tests.stand_in import StandIn
from tests.support import watching
from tests.support.canary import SEARCHED, Canary, in_all, leaks, new_canary

ROOT = Path(__file__).resolve().parents[2]
# What opencode, git and node call; everything else of the real machine stays out of PATH.
_TOOLS = ("git", "node", "env", "sh", "bash", "uname", "which", "cat", "ls", "rg")
_OPENCODE = "opencode.cmd" if sys.platform == "win32" else "opencode"
# Without these Windows programs do not start, find no cmd.exe, or load no library for sockets.
_WINDOWS_NEEDS = (
    *("COMSPEC", "NUMBER_OF_PROCESSORS", "OS", "PATHEXT", "PROCESSOR_ARCHITECTURE", "SYSTEMDRIVE"),
    *("SYSTEMROOT", "WINDIR"),
)


@dataclass(frozen=True)
class Finished:
    """A child process that ended: exit status (negative: signal), whole output, seconds it took."""

    status: int
    stdout: str
    stderr: str
    seconds: float

    @property
    def json(self) -> dict[str, Any]:
        """Standard output as exactly one JSON object."""
        value = json.loads(self.stdout)
        assert isinstance(value, dict), f"not a JSON object: {self.stdout!r}"
        return value

    @property
    def output(self) -> str:
        """Both streams, for messages of failing tests."""
        return f"status {self.status}\n--- stdout\n{self.stdout}\n--- stderr\n{self.stderr}"


class ChildTimeoutError(AssertionError):
    """A child process did not end in time; it was killed with its own children."""


class Machine:
    """`home`, `project` (an empty git work tree), `elsewhere` (not in git) and `temp` lie under `root`.

    `key` is accepted by the stand-in and belongs in one file, `key_file`; `allow_key_in` names others.
    """

    def __init__(self, root: Path, stand_in: StandIn, opencode: Path | None) -> None:
        self.root = root
        self.stand_in = stand_in
        self.home, self.project, self.elsewhere, self.temp, self.bin = (
            root / name for name in ("home", "project", "elsewhere", "temp", "bin")
        )
        for folder in (self.home, self.project, self.elsewhere, self.temp, self.bin):
            folder.mkdir(parents=True)
        self.canaries: list[Canary] = []
        self._allowed = {self.key_file}
        self._said: list[tuple[str, Finished]] = []
        self.python = [sys.executable, "-m", "gonkagate_setup"]
        self._path = [self.bin]
        for tool in _TOOLS:
            found = shutil.which(tool)
            if found and sys.platform == "win32":
                # A link needs a privilege there, and git.exe needs what lies beside it.
                self._path.append(Path(found).parent)
            elif found:
                (self.bin / Path(found).name).symlink_to(found)
        self.use_opencode(opencode)
        self.key = self.new_key()
        self.run(["git", "init", "--quiet", str(self.project)])

    # -- places

    @property
    def config_folder(self) -> Path:
        """opencode's global config folder; not there until something makes it."""
        return self.home / ".config" / "opencode"

    @property
    def user_config(self) -> Path:
        """The durable user target as long as nothing outranks it."""
        return self.config_folder / "opencode.json"

    @property
    def project_config(self) -> Path:
        """The project target."""
        return self.project / "opencode.json"

    @property
    def key_file(self) -> Path:
        """The one file that holds the key."""
        return self.home / ".gonkagate" / "opencode" / "api-key"

    @property
    def state_file(self) -> Path:
        """install-state.json."""
        return self.key_file.with_name("install-state.json")

    # -- what is on it

    def use_opencode(self, executable: Path | None) -> None:
        """Put that opencode on PATH, or none."""
        link = self.bin / _OPENCODE
        if link.is_symlink() or link.exists():
            link.unlink()
        if executable is not None and sys.platform == "win32":
            link.write_bytes(b'@call "%s" %%*\r\n' % os.fsencode(executable))
        elif executable is not None:
            link.symlink_to(executable)

    def new_key(self) -> str:
        """Another key that the stand-in accepts and that the final search looks for."""
        canary = new_canary()
        self.canaries.append(canary)
        self.stand_in.accept(canary.key)
        return canary.key

    def allow_key_in(self, *paths: Path) -> None:
        """This test plants a key in these files itself."""
        self._allowed.update(paths)

    @property
    def environment(self) -> dict[str, str]:
        """The whole environment of a plain shell on this machine, which sits behind the stand-in's proxy."""
        environ = {
            "HOME": str(self.home),
            "PATH": os.pathsep.join(dict.fromkeys(map(str, self._path))),
            "TERM": "dumb",
            "LANG": "C.UTF-8",
            "TMPDIR": str(self.temp),
            **self.stand_in.environment,
        }
        return {**environ, **self._of_windows()} if sys.platform == "win32" else environ

    def _of_windows(self) -> dict[str, str]:
        roaming, local = (self.home / "AppData" / name for name in ("Roaming", "Local"))
        return {
            **{name: os.environ[name] for name in _WINDOWS_NEEDS if name in os.environ},
            "USERPROFILE": str(self.home),
            "APPDATA": str(roaming),
            "LOCALAPPDATA": str(local),
            "PROGRAMDATA": str(self.root / "programdata"),
            "TEMP": str(self.temp),
            "TMP": str(self.temp),
        }

    def tree(self, *folders: Path) -> dict[str, tuple[str, bytes]]:
        """(mode, content) of everything under `folders`, by path: to show what changed and what did not."""
        found = {}
        for folder in folders or (self.home, self.project):
            for path in sorted(folder.rglob("*")):
                if ".git" in path.relative_to(folder).parts:
                    continue
                status = path.lstat()
                data = b""
                if stat.S_ISLNK(status.st_mode):
                    data = os.fsencode(os.readlink(path))  # noqa: PTH115  # Path.readlink leaves bytes behind
                elif stat.S_ISREG(status.st_mode):
                    data = path.read_bytes()
                found[str(path)] = (stat.filemode(status.st_mode), data)
        return found

    # -- what runs on it

    def run_setup(
        self,
        *arguments: str,
        stdin: str | None = None,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        timeout: float = 240,
    ) -> Finished:
        """Run our program (`self.python`) in the machine's environment with `env` on top."""
        environ = {**self.environment, "PYTHONPATH": watching.python_path(str(ROOT)), **(env or {})}
        done = self.run(
            [*self.python, *arguments], stdin=stdin, environ=environ, cwd=cwd or self.project, timeout=timeout
        )
        self._said.append((" ".join(arguments), done))
        return done

    def opencode(
        self,
        *arguments: str,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        timeout: float = 120,
    ) -> Finished:
        """Run the real opencode. Its stdin is closed: an open one makes `opencode run` hang."""
        environ = {**self.environment, **(env or {})}
        return self.run(
            [str(self.bin / _OPENCODE), *arguments], environ=environ, cwd=cwd or self.project, timeout=timeout
        )

    def run(
        self,
        command: Sequence[str],
        *,
        stdin: str | None = None,
        environ: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        timeout: float = 120,
    ) -> Finished:
        """Run a child in its own session, its output in files: opencode cuts what it writes into a pipe."""
        folder = Path(tempfile.mkdtemp())
        said = folder / "out", folder / "err"
        try:
            with said[0].open("wb") as out, said[1].open("wb") as err:
                start = time.monotonic()
                child = subprocess.Popen(
                    command,
                    cwd=cwd or self.root,
                    env=dict(self.environment if environ is None else environ),
                    stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
                    stdout=out,
                    stderr=err,
                    start_new_session=True,
                )
                # A wait with a time-out looks every 50 ms, which would be part of every measured time.
                late = threading.Timer(timeout, end_with_children, [child])
                late.start()
                try:
                    child.communicate(None if stdin is None else stdin.encode())
                finally:
                    late.cancel()
                seconds = time.monotonic() - start
            if seconds >= timeout:
                text = "\n".join(map(_text, said))
                raise ChildTimeoutError(f"{command} took longer than {timeout} s\n{text}")
            return Finished(child.returncode, _text(said[0]), _text(said[1]), seconds)
        finally:
            # On Windows a file stays while a child's child still has it.
            shutil.rmtree(folder, ignore_errors=True)

    # -- the final check

    def leaks(self) -> list[str]:
        """Where a key stands that it must not: any file of the machine, any output of our program."""
        found = leaks(self.canaries, [self.home, self.project, self.elsewhere, self.temp], self._allowed)
        for arguments, done in self._said:
            SEARCHED.outputs += 1
            said = (done.stdout + done.stderr).encode()
            found += in_all(self.canaries, said, f"output of: {arguments}")
        return found


def end_with_children(child: subprocess.Popen[bytes]) -> None:
    """Kill a child that was started in a session of its own, and all that it started."""
    if sys.platform == "win32":
        taskkill = Path(os.environ["SYSTEMROOT"], "System32", "taskkill.exe")
        subprocess.run([str(taskkill), "/T", "/F", "/PID", str(child.pid)], capture_output=True, check=False)
        child.kill()
    else:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def _text(file: Path) -> str:
    # By an own handle: the child's own children may still write through the other one.
    return file.read_bytes().decode(errors="replace").replace(os.linesep, "\n")
