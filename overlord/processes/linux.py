"""Processes on Linux, from /proc (man 5 proc)."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Final

from overlord.processes.process import Process

_PROC: Final = Path("/proc")
# The fields after the name, which is in parentheses and may contain anything.
_STATE, _PARENT, _START = 0, 1, 19
_ENDED: Final = ("Z", "X", "x")


def inspect(pid: int) -> Process | None:
    """See processes.inspect."""
    folder = _PROC / str(pid)
    try:
        text = (folder / "stat").read_bytes().decode("utf-8", "replace")
    except OSError:
        return None
    name = text[text.find("(") + 1 : text.rfind(")")]
    fields = text[text.rfind(")") + 1 :].split()
    if len(fields) <= _START or fields[_STATE] in _ENDED:
        return None
    boot = _boot_id()
    return Process(
        pid=pid,
        parent=int(fields[_PARENT]),
        start_time=None if boot is None else f"{boot}:{fields[_START]}",
        executable=_executable(folder / "exe"),
        name=name,
    )


def _executable(link: Path) -> str | None:
    try:
        return os.fspath(link.readlink())
    except OSError:
        return None


@lru_cache(maxsize=1)
def _boot_id() -> str | None:
    try:
        return (_PROC / "sys" / "kernel" / "random" / "boot_id").read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None
