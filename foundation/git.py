"""What git says: where a work tree begins, whether git trusts it, and what git would not commit."""

from __future__ import annotations

import os
import re
import shlex
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Final, Mapping

from foundation.host import Host
from foundation.processes import Output, UnfinishedError, run_bounded
from foundation.programs import find

_SECONDS: Final = 10.0
_IGNORES_SECONDS: Final = 5.0
_OUTPUT_BYTES: Final = 1024 * 1024


@dataclass(frozen=True)
class Distrust:
    """A repository of another user, which git does not use, and the command that makes it trust it."""

    root: PurePath
    cure: str


def marked(folder: Path) -> Path | None:
    """The innermost folder, from this one upwards, with a `.git` in it; None for none."""
    return next((one for one in (folder, *folder.parents) if os.path.lexists(one / ".git")), None)


def worktree(host: Host, cwd: Path) -> tuple[Path | None, Distrust | None]:
    """The root of the work tree around `cwd` (None for none), and why git refuses to use it.

    None also without git, or without an answer in time.
    """
    start = marked(cwd)
    if start is None:
        return None, None
    names = ("--git-dir", "--git-common-dir", "--show-toplevel")
    # In English, so that a refusal is recognised.
    answer = _ask(host, start, ("rev-parse", *names), _SECONDS, {"LC_ALL": "C"})
    if answer is None:
        return None, None
    lines = os.fsdecode(answer.stdout).splitlines()
    if answer.status != 0 or not lines:
        return (start if len(lines) >= 2 else None), _distrust(start, answer.stderr)  # noqa: PLR2004
    return Path(lines[-1]).resolve(), None


def _distrust(root: Path, told: bytes) -> Distrust | None:
    # git 2.35.2 said "unsafe repository (… is owned by someone else)" instead.
    text = os.fsdecode(told)
    if "dubious ownership" not in text and "unsafe repository" not in text:
        return None
    hint = re.search(r"^\s*(git config --global --add safe\.directory \S.*?)\s*$", text, re.MULTILINE)
    built = f"git config --global --add safe.directory {shlex.quote(root.as_posix())}"
    return Distrust(root, hint[1] if hint else built)


def ignores(host: Host, worktree: Path, path: Path) -> bool:
    """Whether git ignores the path in that work tree; False also without git or without an answer in time."""
    environ = {name: value for name, value in host.environ.items() if not name.startswith("GIT_")}
    # A repository may name a program to run at core.fsmonitor; it must not be started.
    arguments = ("-c", "core.fsmonitor=false", "check-ignore", "--quiet", "--", str(path))
    answer = _ask(replace(host, environ=environ), worktree, arguments, _IGNORES_SECONDS)
    return answer is not None and answer.status == 0


def _ask(
    host: Host, cwd: Path, arguments: tuple[str, ...], seconds: float, extra: Mapping[str, str] | None = None
) -> Output | None:
    git = find("git", host)
    if git is None:
        return None
    try:
        return run_bounded(
            [str(git), *arguments],
            host.environ,
            host.hidden,
            cwd,
            timeout=seconds,
            limit=_OUTPUT_BYTES,
            extra=extra,
        )
    except (OSError, UnfinishedError):
        return None
