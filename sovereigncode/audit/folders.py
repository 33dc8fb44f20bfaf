"""A workspace's folders of records: real folders and files of this user, which nobody else can write into."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final, NoReturn

from foundation.errors import Refusal, Where
from foundation.files.links import is_shared, leads_on
from foundation.files.reading import reason
from foundation.files.replace import Folder
from foundation.files.writable import advice

WORKSPACE: Final = ".sovereigncode"
_AGAIN: Final = "then try again"


def opened(root: Path, name: str, kind: str) -> Folder | None:
    """The folder `.sovereigncode/<name>` of the workspace `root`; None if there is none yet.

    Raises Refusal workspace_unusable without `.sovereigncode`, and the refusal `kind` for a link, for what is
    not a folder, for another user's folder, and for one that another user can write into. Raises OSError.
    """
    folder = _workspace(root, kind)
    try:
        return _opened(folder / name, kind)
    except FileNotFoundError:
        return None


def made(root: Path, name: str, kind: str) -> Folder:
    """As `opened`, but the folder is made (mode 0700) if there is none."""
    there = opened(root, name, kind)
    if there is not None:
        return there
    with Folder(_workspace(root, kind)) as above:
        with suppress(FileExistsError):  # another process was quicker
            above.make(name, 0o700)
        above.sync()
    return _opened(_workspace(root, kind) / name, kind)


def require_own_file(path: Path, descriptor: int, kind: str) -> os.stat_result:
    """The status of an open file; refuse what is not a plain file of this user with one name.

    Raises the refusal `kind`. Closes nothing.
    """
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        refuse(kind, path, "this is not a plain file", f"move it out of the way, {_AGAIN}")
    if status.st_nlink > 1:
        refuse(kind, path, "this file has a second name (a hard link)", f"remove the other name, {_AGAIN}")
    if is_shared(status):
        _refuse_shared(path, status, kind)
    return status


def refuse(kind: str, place: Path, message: str, next_step: str) -> NoReturn:
    """Raise a Refusal about a file or folder."""
    raise Refusal(kind, message, where=Where(str(place)), next_step=next_step)


def not_read(place: Path, problem: OSError, kind: str) -> Refusal:
    """The refusal for a file or folder that cannot be read."""
    return Refusal(
        kind,
        f"this cannot be read ({reason(problem)})",
        where=Where(str(place)),
        next_step=f"make it readable for your user, {_AGAIN}",
    )


def not_written(place: Path, problem: OSError) -> Refusal:
    """The refusal for a file that cannot be written; what helps is judged by what is there."""
    why, next_step = advice(place, problem)
    return Refusal(
        "write_failed",
        f"this cannot be written ({why}), so nothing is done that had to be recorded first",
        where=Where(str(place)),
        next_step=next_step.replace("run this command again", "try again"),
    )


def _workspace(root: Path, kind: str) -> Path:
    folder = Path(os.path.realpath(root)) / WORKSPACE
    try:
        _require_own_folder(folder, kind)
    except FileNotFoundError:
        refuse(
            "workspace_unusable",
            folder,
            "this folder does not exist, so there is nothing to record in",
            "make the workspace with: sovereigncode init",
        )
    return folder


def _opened(path: Path, kind: str) -> Folder:
    _require_own_folder(path, kind)
    return Folder(path)


def _require_own_folder(path: Path, kind: str) -> None:
    status = path.lstat()
    if leads_on(status):
        refuse(
            kind,
            path,
            "this is a link, but records are kept in a real folder only",
            f"replace the link with a folder, {_AGAIN}",
        )
    if not stat.S_ISDIR(status.st_mode):
        refuse(kind, path, "this is not a folder", f"move it out of the way, {_AGAIN}")
    if is_shared(status):
        _refuse_shared(path, status, kind)


def _refuse_shared(path: Path, status: os.stat_result, kind: str) -> NoReturn:
    if os.name != "nt" and status.st_uid not in (0, os.getuid()):
        refuse(
            kind,
            path,
            f"this belongs to another user (user {status.st_uid}), who can change what is recorded here",
            "run this as that user, or make the whole workspace yours",
        )
    refuse(
        kind,
        path,
        f"other users can write here (mode {stat.S_IMODE(status.st_mode):04o}), so records could be forged",
        f"take that away with: chmod go-w {path}; {_AGAIN}",
    )
