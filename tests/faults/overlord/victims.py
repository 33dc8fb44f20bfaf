"""Commands that count their system calls, and are killed, cancelled or made to fail at a chosen one.

`Victims` is a process that has loaded the whole program, and forks itself for each command: a command costs
some milliseconds so, and is a real process with threads of its own. What is counted are the calls of `os` on
files (interception.py), those of sockets, and the writes to standard output and error, of all threads.
"""

from __future__ import annotations

import contextlib
import errno
import faulthandler
import importlib
import io
import json
import os
import pkgutil
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Final, Iterator, Mapping, Sequence, TypedDict
from unittest import mock

from tests.faults.interception import Action, Counter, failing, intercepted, kill
from tests.support import watching

SOCKET_CALLS: Final = (
    *("connect", "send", "sendall", "recv", "recv_into", "setsockopt", "settimeout", "shutdown"),
    *("close", "makefile"),
)
# What writes, and can fail for want of room or rights.
WRITING: Final = frozenset(
    ("create", "chmod", "fchmod", "flock", "fsync", "ftruncate", "mkdir", "replace", "unlink", "write")
)
_SECONDS: Final = 60.0
_HUNG: Final = 124


class Tally(Counter):
    """A counter for several threads, which make their calls in another order each time.

    `writing`: `act` waits for a call that writes. `onwards`: it also runs in place of every later one.
    """

    def __init__(
        self,
        at: int | None = None,
        act: Action | None = None,
        *,
        writing: bool = False,
        onwards: bool = False,
    ) -> None:
        super().__init__(at, act)
        self._writing = writing
        self._onwards = onwards
        self._acted = False
        self._lock = threading.Lock()

    def call(self, name: str, do: Callable[[], Any]) -> Any:
        if getattr(self._paused, "here", False):
            return do()
        with self._lock:
            self.names.append(name)
            acts = self._acts(name)
            self._acted = self._acted or acts
        if acts and self.act is not None:
            return self.act(name, do)
        return do()

    def _acts(self, name: str) -> bool:
        if self.at is None or len(self.names) < self.at:
            return False
        if self._acted:
            return self._onwards and name in WRITING
        return name in WRITING if self._writing else True


class _Screen(io.FileIO):
    """Standard output or error, whose writes are counted."""

    tally: Tally

    def write(self, data: Any) -> int:
        written: int = self.tally.call("screen", lambda: super(_Screen, self).write(data))
        return written


@contextlib.contextmanager
def everything(tally: Tally) -> Iterator[None]:
    """Count files, sockets and screens inside the context."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(intercepted(tally))
        for name in SOCKET_CALLS:
            stack.enter_context(mock.patch.object(socket.socket, name, _counted(tally, name)))
        stack.enter_context(
            mock.patch.object(socket, "getaddrinfo", _plain(tally, "getaddrinfo", socket.getaddrinfo))
        )
        for name, number in (("stdout", 1), ("stderr", 2)):
            screen = _Screen(number, "w", closefd=False)
            screen.tally = tally
            stream = io.TextIOWrapper(io.BufferedWriter(screen), encoding="utf-8")
            stack.enter_context(mock.patch.object(sys, name, stream))
        yield


def _counted(tally: Tally, name: str) -> Callable[..., Any]:
    original = getattr(socket.socket, name)

    def method(self: socket.socket, *arguments: Any, **named: Any) -> Any:
        return tally.call(f"socket.{name}", lambda: original(self, *arguments, **named))

    return method


def _plain(tally: Tally, name: str, original: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *arguments, **named: tally.call(name, lambda: original(*arguments, **named))


# Not what is put in its place.
_write: Final = os.write


def _half(name: str, do: Callable[[], Any]) -> int:
    """Write half of it, and then nothing more: be killed at the next call."""
    assert name == "write", name
    given = [cell.cell_contents for cell in getattr(do, "__closure__", ())]
    descriptor, data = next(one for one in given if isinstance(one, tuple))
    return _write(descriptor, bytes(data)[: len(data) // 2])


def _half_then_killed(name: str, do: Callable[[], Any]) -> None:
    if name == "write":  # another one in its place, because of the threads
        _half(name, do)
    os.kill(os.getpid(), signal.SIGKILL)


def _half_then_full() -> Action:
    """As a disk does that is filling up: half is written, what comes then fails."""
    calls: list[str] = []

    def act(name: str, do: Callable[[], Any]) -> Any:
        calls.append(name)
        return _half(name, do) if len(calls) == 1 and name == "write" else failing(errno.ENOSPC)(name, do)

    return act


def _signalled(number: int) -> Action:
    def act(_name: str, do: Callable[[], Any]) -> Any:
        os.kill(os.getpid(), number)
        return do()

    return act


def action(words: str) -> Action:
    """`kill`, `half` (of a write, then a kill), `full` (half, then ENOSPC), `signal:15`, `fail:28`."""
    what, _, number = words.partition(":")
    if what == "signal":
        return _signalled(int(number))
    if what == "fail":
        return failing(int(number))
    return {"kill": kill, "half": _half_then_killed, "full": _half_then_full()}[what]


# The process that forks.


def _load() -> None:
    import foundation
    import overlord

    for package in (overlord, foundation):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not found.name.endswith(("__main__", "windows", "darwin")):
                with contextlib.suppress(ImportError):
                    importlib.import_module(found.name)
    for name in (
        "encodings.ascii",
        "encodings.idna",
        "encodings.latin_1",
        "stringprep",
        "email.parser",
        "http.client",
        "ssl",
    ):
        importlib.import_module(name)


def _serve() -> None:
    _load()
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            _be(order)
        print(json.dumps(_waited(child)), flush=True)


def _waited(child: int) -> int:
    until = time.monotonic() + _SECONDS
    while time.monotonic() < until:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return _HUNG


def _be(order: Mapping[str, Any]) -> None:
    status = 99
    try:
        os.setsid()
        os.environ.clear()
        os.environ.update(order["environ"])
        os.chdir(order["cwd"])
        sys.argv = ["python -m overlord", *order["argv"]]
        for number, path, flags in (
            (0, os.devnull, os.O_RDONLY),
            (1, order["stdout"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
            (2, order["stderr"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
        ):
            opened = os.open(path, flags, 0o600)
            os.dup2(opened, number)
            os.close(opened)
        if order.get("user") is not None:
            os.setgroups([])
            os.setgid(order["user"])
            os.setuid(order["user"])
        # As a command that was just started has them.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        # Where it hangs, shortly before it is killed.
        faulthandler.dump_traceback_later(_SECONDS - 2, file=2)
        status = _run(order)
    except BaseException:
        os.write(2, traceback.format_exc().encode())
        raise
    finally:
        os._exit(status)


def _run(order: Mapping[str, Any]) -> int:
    from overlord.cli import main

    words = order.get("act", "")
    act = action(words) if words else None
    tally = Tally(order.get("at"), act, writing=words.startswith("f"), onwards=order.get("onwards", False))
    try:
        with everything(tally):
            status = main(order["argv"])
            sys.stdout.flush()
    finally:
        if order.get("user") is None:
            Path(order["calls"]).write_text(json.dumps(tally.names), encoding="utf-8")
    return status


# The side of the tests.


@dataclass(frozen=True)
class Fate:
    """How a victim ended: status (negative for a signal), what it said, its calls if it was not killed."""

    status: int
    stdout: str
    stderr: str
    calls: tuple[str, ...]

    @property
    def report(self) -> dict[str, Any]:
        """The one JSON object."""
        try:
            value: dict[str, Any] = json.loads(self.stdout)
        except ValueError:
            raise AssertionError(f"no JSON: {self}") from None
        return value


class How(TypedDict, total=False):
    """How a command is run: `act` in place of its call number `at`, counted from 1; see Tally and `action`.

    `user` is who it runs as, in place of root.
    """

    at: int
    act: str
    onwards: bool
    user: int


class Victims:
    """The process that forks; a context manager. Its files are in `folder`."""

    def __init__(self, folder: Path, root: Path) -> None:
        self._folder = folder
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.overlord.victims"],
            cwd=root,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )
        self._line()

    def __enter__(self) -> Victims:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate(timeout=_SECONDS)

    def run(
        self,
        argv: Sequence[str],
        cwd: Path,
        environ: Mapping[str, str],
        how: How,
    ) -> Fate:
        """Run one command."""
        files = {name: self._folder / name for name in ("stdout", "stderr", "calls")}
        files["calls"].unlink(missing_ok=True)
        order = {"argv": list(argv), "cwd": str(cwd), "environ": dict(environ), **how}
        order.update((name, str(path)) for name, path in files.items())
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        status = int(self._line())
        out, err = (files[name].read_bytes().decode("utf-8", "replace") for name in ("stdout", "stderr"))
        watching.say(out)
        watching.say(err)
        if status == _HUNG:
            raise AssertionError(f"{list(argv)} hung, {how}: {out}{err}")
        calls = json.loads(files["calls"].read_text()) if files["calls"].exists() else []
        return Fate(status, out, err, tuple(calls))

    def _line(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())


if __name__ == "__main__":
    _serve()
