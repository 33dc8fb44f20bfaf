"""Run another program: limited in time and output, without our secrets, leaving nothing behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any, Final, Mapping, Protocol, Sequence

from foundation.programs import environment

# How often a running program's output is measured; its end is noticed at once, by a thread in wait().
_WATCH_SECONDS: Final = 0.05
_CHUNK: Final = 64 * 1024
# CREATE_NEW_PROCESS_GROUP and CREATE_NO_WINDOW; subprocess names them on Windows only.
_WINDOWS_FLAGS: Final = 0x00000200 | 0x08000000


@dataclass(frozen=True)
class Output:
    """The result of a finished run: exit status, standard output, and the beginning of standard error."""

    status: int
    stdout: bytes
    stderr: bytes


class UnfinishedError(Exception):
    """The program did not end by itself; the text continues its name: "printed more than …"."""


def run_bounded(
    command: Sequence[str],
    environ: Mapping[str, str],
    hidden: Mapping[str, str],
    cwd: Path,
    *,
    timeout: float,
    limit: int,
    folder: Path | None = None,
    extra: Mapping[str, str] | None = None,
    stop: threading.Event | None = None,
) -> Output:
    """Run a program with closed input, limited in time (seconds) and output (bytes per stream).

    It gets `environ` without what is `hidden`, as `programs.environment` says, and with `extra`. Its output
    goes to files without a name in `folder`; None: through pipes, which need no disk. Setting `stop` from
    another thread ends it. All that it started ends with it. Raises UnfinishedError if a limit is exceeded,
    OSError if it cannot be started.
    """
    settings = {**environment(environ, hidden), **(extra or {})}
    with contextlib.ExitStack() as stack:
        files = [] if folder is None else [stack.enter_context(_nameless(folder)) for _ in range(2)]
        process = _start(command, settings, cwd, files)
        try:
            streams: list[_Stream] = [_File(file) for file in files]
            if folder is None:
                streams = [_Pipe(pipe, limit) for pipe in (process.stdout, process.stderr) if pipe]
            _watch(process, streams, timeout, limit, stop)
        finally:
            _end(process, environ, hidden)
        stdout, stderr = (stream.content(limit) for stream in streams)
        return Output(process.returncode, stdout, stderr)


def _nameless(folder: Path) -> contextlib.AbstractContextManager[IO[bytes]]:
    import tempfile

    return tempfile.TemporaryFile(dir=folder)


def _start(
    command: Sequence[str], environ: Mapping[str, str], cwd: Path, files: Sequence[IO[bytes]]
) -> subprocess.Popen[bytes]:
    # Its own process group: a time-out ends its children too, and Ctrl-C in the terminal reaches only us.
    extra: dict[str, Any] = {"start_new_session": True}
    if os.name == "nt":
        extra = {"creationflags": _WINDOWS_FLAGS}
    out, err = files or (subprocess.PIPE, subprocess.PIPE)
    return subprocess.Popen(
        _command_line(command),
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=err,
        cwd=cwd,
        env=dict(environ),
        **extra,
    )


def _command_line(command: Sequence[str]) -> str | list[str]:
    """The arguments for Popen. cmd.exe, which runs a .cmd, reads an unquoted path with `&` as two words."""
    if os.name == "nt":
        return f'"{command[0]}" {subprocess.list2cmdline(command[1:])}'
    return list(command)


class _Stream(Protocol):
    def size(self) -> int: ...

    def content(self, limit: int) -> bytes: ...


class _File:
    """Output in a file."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def size(self) -> int:
        return os.fstat(self._file.fileno()).st_size

    def content(self, limit: int) -> bytes:
        self._file.seek(0)
        return self._file.read(limit)


class _Pipe:
    """Output through a pipe, read by a thread; a process that left the group may keep it open for ever."""

    def __init__(self, pipe: IO[bytes], limit: int) -> None:
        self._kept = bytearray()
        self._ended = threading.Event()
        threading.Thread(target=self._read, args=(pipe, limit), daemon=True).start()

    def _read(self, pipe: IO[bytes], limit: int) -> None:
        with pipe:
            for data in iter(partial(pipe.read1, _CHUNK), b""):  # type: ignore[attr-defined]  # BufferedReader
                self._kept += data
                if len(self._kept) > limit:
                    break
        self._ended.set()

    def size(self) -> int:
        return len(self._kept)

    def content(self, limit: int) -> bytes:
        self._ended.wait(1)
        return bytes(self._kept[:limit])


def _watch(
    process: subprocess.Popen[bytes],
    streams: Sequence[_Stream],
    timeout: float,
    limit: int,
    stop: threading.Event | None,
) -> None:
    import time

    ended = threading.Event()

    def wait() -> None:
        process.wait()
        ended.set()

    threading.Thread(target=wait, daemon=True).start()
    deadline = time.monotonic() + timeout
    while not ended.wait(_WATCH_SECONDS):
        if time.monotonic() > deadline:
            raise UnfinishedError(f"did not finish within {timeout:g} seconds")
        if stop is not None and stop.is_set():
            raise UnfinishedError("was ended because the run was cancelled")
        if any(stream.size() > limit for stream in streams):
            break
    if any(stream.size() > limit for stream in streams):
        raise UnfinishedError(f"printed more than {limit // (1024 * 1024)} MiB")


def _end(process: subprocess.Popen[bytes], environ: Mapping[str, str], hidden: Mapping[str, str]) -> None:
    """End the whole group, even after a normal end, because it may have left children behind."""
    if os.name == "nt":
        if process.poll() is None:
            # os.environ has every name in capitals there.
            taskkill = Path(environ.get("SYSTEMROOT", r"C:\Windows"), "System32", "taskkill.exe")
            with contextlib.suppress(OSError, subprocess.TimeoutExpired):
                subprocess.run(  # the tree, because a .cmd launcher is not the program itself
                    [str(taskkill), "/T", "/F", "/PID", str(process.pid)],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    check=False,
                    env=environment(environ, hidden),
                    timeout=20,
                )
            process.kill()
    else:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()
