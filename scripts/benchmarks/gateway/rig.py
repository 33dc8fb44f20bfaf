"""What measures: the runtime and the client in C, cores of their own, CPU time and memory of a process tree.

The runtime (`stub.c`) and the client (`load.c`) share one core, and the gateway has another. As root all of
them are SCHED_FIFO while a cell is measured, so that other work of this machine is not measured too.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Final, Iterator, Sequence

from scripts.benchmarks import BenchmarkError
from scripts.lib import cache

PARTS: Final = Path(__file__).parent
EVENTS: Final = 103
_PRIORITY: Final = 10
_POLL: Final = 0.005
_TICKS: Final = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


@dataclass(frozen=True)
class Cell:
    """What the client saw, in microseconds, and the gateway's CPU time in seconds over it."""

    requests: int
    seconds: float
    p50: float
    p99: float
    first_byte_p50: float
    cpu: float

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds

    @property
    def cpu_each(self) -> float:
        """CPU time a request, in microseconds."""
        return self.cpu / self.requests * 1e6


def why_not() -> str | None:
    """Why nothing can be measured on this machine."""
    if sys.platform != "linux":
        return "this section needs Linux: it reads /proc and pins processes to cores"
    if len(os.sched_getaffinity(0)) < 2:  # noqa: PLR2004 - one for the gateway, one for the rest
        return "this section needs two cores"
    if _compiler() is None:
        return "this section needs a C compiler (cc, gcc or clang)"
    return None


def _compiler() -> str | None:
    return next((found for name in ("cc", "gcc", "clang") if (found := shutil.which(name))), None)


def compiled(name: str, folder: Path) -> Path:
    """The program made from `name`.c."""
    target = folder / name
    options = ["-O2", "-D_GNU_SOURCE", "-o", str(target), str(PARTS / f"{name}.c")]
    cache.run([str(_compiler()), *options], cwd=folder, what=f"compiling {name}.c")
    return target


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody listens on."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]


def _placed(core: int) -> Callable[[], None]:
    def place() -> None:
        os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[core]})

    return place


def _first(core: int) -> Callable[[], None]:
    """Also before all other work of the machine, if that is allowed."""

    def place() -> None:
        _placed(core)()
        with contextlib.suppress(PermissionError):
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(_PRIORITY))

    return place


@contextlib.contextmanager
def running(
    command: Sequence[str], *, core: int, log: Path, environ: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A process on that core, first until `calm`, and ended with all that it started."""
    with log.open("ab") as file:
        child = subprocess.Popen(
            command,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            preexec_fn=_first(core),  # noqa: PLW1509 - no thread here holds a lock meanwhile
            start_new_session=True,
        )
    try:
        yield child
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGTERM)
        try:
            child.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait(10)


@contextlib.contextmanager
def stub(program: Path, ports: Sequence[int], folder: Path) -> Iterator[None]:
    """The runtime on the client's core."""
    with running([str(program), *map(str, ports)], core=0, log=folder / "stub.log") as child:
        _until(lambda: _connects(ports[0]), 10, "the stub")
        with first([child.pid]):
            yield


@contextlib.contextmanager
def first(pids: Sequence[int]) -> Iterator[None]:
    """These processes, with their threads, come before all other work of the machine."""
    threads = [int(task.name) for pid in pids for task in Path(f"/proc/{pid}/task").iterdir()]
    _schedule(threads, os.SCHED_FIFO, _PRIORITY)
    try:
        yield
    finally:
        _schedule(threads, os.SCHED_OTHER, 0)


def calm(pid: int) -> None:
    """The tree of this process takes its turn with all other work again."""
    threads = [int(task.name) for one in tree(pid) for task in Path(f"/proc/{one}/task").iterdir()]
    _schedule(threads, os.SCHED_OTHER, 0)


def _schedule(threads: Sequence[int], policy: int, priority: int) -> None:
    for thread in threads:
        with contextlib.suppress(PermissionError, ProcessLookupError):
            os.sched_setscheduler(thread, policy, os.sched_param(priority))


def tree(pid: int) -> list[int]:
    """A process and all that it started."""
    children: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = path.read_text().rpartition(")")[2].split()
            children.setdefault(int(fields[1]), []).append(int(path.parent.name))
    found = [pid]
    for one in found:
        found += children.get(one, [])
    return found


def cpu_seconds(pid: int) -> float:
    """What the tree has used so far, in its own code and in the kernel."""
    total = 0
    for one in tree(pid):
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
    return total / _TICKS


def memory(pid: int) -> float:
    """The tree's proportional share of memory (PSS), in MB."""
    total = 0
    for one in tree(pid):
        with contextlib.suppress(OSError):
            text = Path(f"/proc/{one}/smaps_rollup").read_text()
            total += next(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:"))
    return total / 1024


@dataclass(frozen=True)
class Client:
    """The client in C, and where it keeps the bodies that it sends."""

    program: Path
    folder: Path

    def run(
        self,
        port: int,
        body: bytes,
        *,
        connections: int,
        seconds: float,
        most: int = 0,
        header: str = "",
        gateway: int | None = None,
        fifo: bool = True,
    ) -> Cell:
        """One cell; BenchmarkError if an answer was wrong."""
        file = self.folder / "body.json"
        file.write_bytes(body)
        command = [str(self.program), str(port), str(connections), str(seconds), str(most), str(file)]
        before = cpu_seconds(gateway) if gateway else 0.0
        with contextlib.ExitStack() as stack:
            if fifo:
                stack.enter_context(first(tree(gateway) if gateway else []))
            done = subprocess.run(
                [*command, header] if header else command,
                capture_output=True,
                text=True,
                check=False,
                timeout=3600,
                preexec_fn=_first(0) if fifo else _placed(0),
            )
        used = cpu_seconds(gateway) - before if gateway else 0.0
        if done.returncode != 0:
            raise BenchmarkError(f"the client ended with {done.returncode}: {done.stderr.strip()}")
        said: dict[str, Any] = json.loads(done.stdout)
        if said["errors"] or not said["requests"]:
            raise BenchmarkError(f"{said['errors']} wrong answers, the first with {said['wrong_status']}")
        return Cell(said["requests"], said["seconds"], said["p50"], said["p99"], said["first_byte_p50"], used)


def until_served(port: int, body: bytes, header: str, within: float, child: subprocess.Popen[bytes]) -> None:
    """Until a chat was answered with 200."""

    def served() -> bool:
        if child.poll() is not None:
            raise BenchmarkError(f"the gateway ended with {child.returncode} before it served a chat")
        return _status(port, body, header) == http.client.OK

    _until(served, within, "the first chat")


def _status(port: int, body: bytes, header: str) -> int:
    headers = {"Content-Type": "application/json"}
    if header:
        name, _, value = header.partition(": ")
        headers[name] = value
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("POST", "/v1/chat/completions", body, headers)
        answer = connection.getresponse()
        answer.read()
    except (OSError, http.client.HTTPException):
        return 0
    else:
        return answer.status
    finally:
        connection.close()


def _connects(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


def _until(check: Callable[[], bool], within: float, what: str) -> None:
    deadline = time.monotonic() + within
    while not check():
        if time.monotonic() > deadline:
            raise BenchmarkError(f"{what} was not there within {within:.0f} s")
        time.sleep(_POLL)
