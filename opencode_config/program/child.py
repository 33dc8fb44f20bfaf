"""Start opencode, limited in time and output, leaving nothing behind. Nothing else starts it.

What opencode prints can contain the key in clear (below 1.18.33, and on standard error in every version),
so it is written to a file without a name and never echoed.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, Mapping, Sequence

from foundation import disk
from foundation.errors import Refusal, Where
from foundation.programs import environment

TIMEOUT: Final = 90.0
OUTPUT_LIMIT: Final = 64 * 1024 * 1024
_PREFIX: Final = "gonkagate-setup-"
# The names that tempfile makes from the prefix (its own alphabet and length).
_LEFT: Final = re.compile(re.escape(_PREFIX) + r"[a-z0-9_]{8}")
_STALE_SECONDS: Final = 24 * 60 * 60
# How often the size of a running opencode's output is checked; its end is noticed at once, by a thread in
# wait().
_WATCH_SECONDS: Final = 0.05


@dataclass(frozen=True)
class Output:
    """The result of a finished run: exit status, standard output, and the beginning of standard error."""

    status: int
    stdout: bytes
    stderr: bytes


def run(
    executable: Path,
    arguments: Sequence[str],
    environ: Mapping[str, str],
    cwd: Path,
    *,
    timeout: float = TIMEOUT,
    limit: int = OUTPUT_LIMIT,
    scratch: Path | None = None,
    stop: threading.Event | None = None,
    locks: bool = True,
) -> Output:
    """Run opencode to its end, limited in time (seconds) and output (bytes).

    Its state and output are in a private temporary folder, created below `scratch` if that is given.
    Without `locks` it cannot take any lock, and so starts nothing in the background that needs one.
    Setting `stop` from another thread ends it. Refusal opencode_unresponsive if a limit is exceeded,
    opencode_not_found if it cannot be started.
    """
    import shutil
    import tempfile

    folder, state = _private_folder(scratch, locks=locks)
    try:
        with tempfile.TemporaryFile(dir=folder) as out, tempfile.TemporaryFile(dir=folder) as err:
            process = _start(executable, arguments, _child_environ(environ, state, cwd), cwd, out, err)
            try:
                _watch(process, (out, err), timeout, limit, arguments, stop)
            finally:
                _kill(process, environ)
            return Output(process.returncode, _content(out, limit), _content(err, limit))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _private_folder(scratch: Path | None, *, locks: bool) -> tuple[Path, Path]:
    """The folder for its output and, in it, the one for its state."""
    import shutil
    import tempfile

    if scratch is not None and disk.full([scratch]):
        scratch = None  # so that opencode's own message about it is not lost for the same reason
    folder: Path | None = None
    try:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=scratch))
        if not locks:
            _take_locks_away(folder / "state")
    except OSError as problem:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
        # FileNotFoundError without a name: there is no writable temporary folder at all.
        place = scratch or Path(problem.filename or "the temporary folder")
        raise Refusal(
            "opencode_proof_unavailable",
            f"opencode cannot be asked: its output cannot be written here ({problem.strerror or problem})",
            where=Where(str(place)),
            next_step="free up space there, or set TMPDIR to another folder, then run this command again",
        ) from None
    return folder, folder / "state"


def sweep(now: float, folder: Path | None = None) -> None:
    """Remove the private folders that killed runs left in the temporary folder, a day and more ago.

    `now` is in seconds since 1970. Only folders with exactly such a name that belong to this user.
    """
    import shutil
    import tempfile

    with contextlib.suppress(OSError), os.scandir(folder or tempfile.gettempdir()) as entries:
        for entry in entries:
            if _LEFT.fullmatch(entry.name) is None or not entry.is_dir(follow_symlinks=False):
                continue
            status = entry.stat(follow_symlinks=False)
            mine = os.name == "nt" or status.st_uid == os.getuid()
            if mine and now - status.st_mtime > _STALE_SECONDS:
                shutil.rmtree(entry.path, ignore_errors=True)


def _take_locks_away(state: Path) -> None:
    """Put a file in the place of the folder in which opencode makes its locks.

    `debug config` needs no lock, but begins an npm install of `@opencode-ai/plugin` into each config folder
    and a download of its model catalogue, both of which need one, and ends before they do (measured with
    1.14.34, 1.17.19 and 1.18.33: the same output without them, and 0.07 to 0.18 s sooner).
    """
    opencode = state / "opencode"
    opencode.mkdir(parents=True)
    (opencode / "locks").touch()


def _start(
    executable: Path,
    arguments: Sequence[str],
    environ: Mapping[str, str],
    cwd: Path,
    out: IO[bytes],
    err: IO[bytes],
) -> subprocess.Popen[bytes]:
    # Its own process group: a time-out ends its children too, and Ctrl-C in the terminal reaches only us.
    extra: dict[str, Any] = {"start_new_session": True}
    if os.name == "nt":
        extra = {"creationflags": _WINDOWS_FLAGS}
    try:
        return subprocess.Popen(
            _command(executable, arguments),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            cwd=cwd,
            env=dict(environ),
            **extra,
        )
    except OSError as error:
        raise Refusal(
            "opencode_not_found",
            f"opencode could not be started: {_why(error, executable)}",
            where=Where(str(executable)),
            next_step=_cure(error, executable),
        ) from None


def _why(error: OSError, executable: Path) -> str:
    first = _first_line(executable)
    if isinstance(error, FileNotFoundError) and first and error.filename == str(executable):
        return f"the program that its first line names does not exist ({first})"
    return error.strerror or type(error).__name__


def _cure(error: OSError, executable: Path) -> str:
    if isinstance(error, FileNotFoundError) and _first_line(executable):
        return f"install what its first line names, or correct {executable}; then run this command again"
    if isinstance(error, PermissionError):
        return f"make it executable for your user (`ls -l '{executable}'`), then run this command again"
    return (
        "install the opencode for this machine, for example with `npm install -g opencode-ai`, "
        "then run this command again"
    )


def _first_line(executable: Path) -> str:
    """The `#!` line of a script, empty for anything else."""
    try:
        with executable.open("rb") as file:
            head = file.read(128)
    except OSError:
        return ""
    line = head.split(b"\n")[0].decode("utf-8", "replace").strip() if head.startswith(b"#!") else ""
    return "".join(filter(str.isprintable, line))


def _command(executable: Path, arguments: Sequence[str]) -> str | list[str]:
    """The arguments for Popen. cmd.exe, which runs a .cmd, reads an unquoted path with `&` as two words."""
    if os.name == "nt":
        return f'"{executable}" {subprocess.list2cmdline(arguments)}'
    return [str(executable), *arguments]


# CREATE_NEW_PROCESS_GROUP and CREATE_NO_WINDOW; subprocess names them on Windows only.
_WINDOWS_FLAGS: Final = 0x00000200 | 0x08000000


def _watch(
    process: subprocess.Popen[bytes],
    files: tuple[IO[bytes], ...],
    timeout: float,
    limit: int,
    arguments: Sequence[str],
    stop: threading.Event | None,
) -> None:
    import time

    ended = threading.Event()

    def wait() -> None:
        process.wait()
        ended.set()

    threading.Thread(target=wait, daemon=True).start()
    deadline = time.monotonic() + timeout
    command = "`opencode " + " ".join(arguments) + "`"
    while not ended.wait(_WATCH_SECONDS):
        if time.monotonic() > deadline:
            raise _unresponsive(f"{command} did not finish within {timeout:g} seconds")
        if stop is not None and stop.is_set():
            raise _unresponsive(f"{command} was ended because the run was cancelled")
        if any(os.fstat(file.fileno()).st_size > limit for file in files):
            break
    if any(os.fstat(file.fileno()).st_size > limit for file in files):
        raise _unresponsive(f"{command} printed more than {limit // (1024 * 1024)} MiB")


def _unresponsive(message: str) -> Refusal:
    return Refusal(
        "opencode_unresponsive",
        message,
        next_step="run that command in this folder to see why it takes so long, then run this command again",
    )


def _kill(process: subprocess.Popen[bytes], environ: Mapping[str, str]) -> None:
    """End the whole group, even after a normal end, because opencode may have left children behind."""
    if os.name == "nt":
        if process.poll() is None:
            # os.environ has every name in capitals there.
            taskkill = Path(environ.get("SYSTEMROOT", r"C:\Windows"), "System32", "taskkill.exe")
            with contextlib.suppress(OSError, subprocess.TimeoutExpired):
                subprocess.run(  # the whole tree, because a .cmd launcher is not opencode itself
                    [str(taskkill), "/T", "/F", "/PID", str(process.pid)],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    check=False,
                    env=environment(environ),
                    timeout=20,
                )
            process.kill()
    else:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _content(file: IO[bytes], limit: int) -> bytes:
    file.seek(0)
    return file.read(limit)


def _child_environ(environ: Mapping[str, str], state: Path, cwd: Path) -> dict[str, str]:
    """The environment for opencode: as any child's, with its own state folder.

    `debug config` leaves locks in the state folder that delay the user's next start by a minute.
    """
    cleaned = {**environment(environ), "XDG_STATE_HOME": str(state), "PWD": str(cwd)}
    if os.name == "nt":
        # A .cmd launcher that calls node by name must not find one in the folder that it runs in
        # (https://learn.microsoft.com/windows/win32/api/processenv, NeedCurrentDirectoryForExePathW).
        cleaned["NODEFAULTCURRENTDIRECTORYINEXEPATH"] = "1"
    return cleaned
