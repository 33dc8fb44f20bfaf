"""Start opencode, always with its own state folder, leaving nothing behind.

What opencode prints can contain the key in clear (below 1.18.33, and on standard error in every version),
so it is written to a file without a name and never echoed.
"""

from __future__ import annotations

import contextlib
import os
import re
import threading
from pathlib import Path
from typing import Final, Mapping, Sequence

from foundation import disk
from foundation.errors import Refusal, Where
from foundation.processes import Output, UnfinishedError, run_bounded

TIMEOUT: Final = 90.0
OUTPUT_LIMIT: Final = 64 * 1024 * 1024
AGAIN: Final = "then run this command again"
_PREFIX: Final = "opencode-asked-"
# The names that tempfile makes from the prefix (its own alphabet and length).
_LEFT: Final = re.compile(re.escape(_PREFIX) + r"[a-z0-9_]{8}")
_STALE_SECONDS: Final = 24 * 60 * 60


def run(
    executable: Path,
    arguments: Sequence[str],
    environ: Mapping[str, str],
    cwd: Path,
    *,
    hidden: Mapping[str, str],
    timeout: float = TIMEOUT,
    limit: int = OUTPUT_LIMIT,
    scratch: Path | None = None,
    stop: threading.Event | None = None,
    locks: bool = True,
) -> Output:
    """Run opencode to its end, as `run_bounded` does.

    Its state and output are in a private temporary folder, created below `scratch` if that is given.
    Without `locks` it cannot take any lock, and so starts nothing in the background that needs one.
    Refusal opencode_unresponsive if a limit is exceeded or `stop` is set, opencode_not_found if it cannot
    be started.
    """
    import shutil

    folder, state = _private_folder(scratch, locks=locks)
    try:
        return run_bounded(
            [str(executable), *arguments],
            environ,
            hidden,
            cwd,
            timeout=timeout,
            limit=limit,
            folder=folder,
            extra=_own_settings(state, cwd),
            stop=stop,
        )
    except UnfinishedError as problem:
        raise Refusal(
            "opencode_unresponsive",
            f"`opencode {' '.join(arguments)}` {problem}",
            next_step=f"run that command in this folder to see why it takes so long, {AGAIN}",
        ) from None
    except OSError as error:
        if str(error.filename).startswith(str(folder)):
            raise _unwritable(folder, error) from None
        raise Refusal(
            "opencode_not_found",
            f"opencode could not be started: {_why(error, executable)}",
            where=Where(str(executable)),
            next_step=_cure(error, executable),
        ) from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _own_settings(state: Path, cwd: Path) -> dict[str, str]:
    """What opencode gets in addition to the cleaned environment.

    `debug config` leaves locks in the state folder that delay the user's next start by a minute.
    """
    settings = {"XDG_STATE_HOME": str(state), "PWD": str(cwd)}
    if os.name == "nt":
        # A .cmd launcher that calls node by name must not find one in the folder that it runs in
        # (https://learn.microsoft.com/windows/win32/api/processenv, NeedCurrentDirectoryForExePathW).
        settings["NODEFAULTCURRENTDIRECTORYINEXEPATH"] = "1"
    return settings


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
        raise _unwritable(place, problem) from None
    return folder, folder / "state"


def _unwritable(place: Path, problem: OSError) -> Refusal:
    return Refusal(
        "opencode_proof_unavailable",
        f"opencode cannot be asked: its output cannot be written here ({problem.strerror or problem})",
        where=Where(str(place)),
        next_step=f"free up space there, or set TMPDIR to another folder, {AGAIN}",
    )


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


def _why(error: OSError, executable: Path) -> str:
    first = _first_line(executable)
    if isinstance(error, FileNotFoundError) and first and error.filename == str(executable):
        return f"the program that its first line names does not exist ({first})"
    return error.strerror or type(error).__name__


def _cure(error: OSError, executable: Path) -> str:
    if isinstance(error, FileNotFoundError) and _first_line(executable):
        return f"install what its first line names, or correct {executable}; {AGAIN}"
    if isinstance(error, PermissionError):
        return f"make it executable for your user (`ls -l '{executable}'`), {AGAIN}"
    return f"install the opencode for this machine, for example with `npm install -g opencode-ai`, {AGAIN}"


def _first_line(executable: Path) -> str:
    """The `#!` line of a script, empty for anything else."""
    try:
        with executable.open("rb") as file:
            head = file.read(128)
    except OSError:
        return ""
    line = head.split(b"\n")[0].decode("utf-8", "replace").strip() if head.startswith(b"#!") else ""
    return "".join(filter(str.isprintable, line))
