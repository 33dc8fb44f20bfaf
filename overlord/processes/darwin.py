"""Processes on macOS, from libproc (sys/proc_info.h, libproc.h)."""

from __future__ import annotations

import ctypes
from pathlib import PurePath
from typing import Any, Final

from overlord.processes.process import Process

_BSD_INFO: Final = 3  # PROC_PIDTBSDINFO
_LONGEST_PATH: Final = 4096  # PROC_PIDPATHINFO_MAXSIZE
_ZOMBIE: Final = 5  # SZOMB


class _BsdInfo(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_uint32) for name in ("flags", "status", "xstatus", "pid", "ppid", "uid", "gid")),
        *((name, ctypes.c_uint32) for name in ("ruid", "rgid", "svuid", "svgid", "reserved")),
        ("comm", ctypes.c_char * 16),
        ("name", ctypes.c_char * 32),
        *((name, ctypes.c_uint32) for name in ("nfiles", "pgid", "pjobc", "tdev", "tpgid")),
        ("nice", ctypes.c_int32),
        ("start_seconds", ctypes.c_uint64),
        ("start_microseconds", ctypes.c_uint64),
    )


def inspect(pid: int) -> Process | None:
    """See processes.inspect; the start is a time of day, so it differs across reboots."""
    library: Any = ctypes.CDLL("/usr/lib/libproc.dylib", use_errno=True)
    info = _BsdInfo()
    size = ctypes.sizeof(info)
    if library.proc_pidinfo(pid, _BSD_INFO, ctypes.c_uint64(0), ctypes.byref(info), size) != size:
        return None
    if info.status == _ZOMBIE:
        return None
    buffer = ctypes.create_string_buffer(_LONGEST_PATH)
    length = library.proc_pidpath(pid, buffer, _LONGEST_PATH)
    executable = buffer.value.decode("utf-8", "surrogateescape") if length > 0 else None
    return Process(
        pid=pid,
        parent=int(info.ppid),
        start_time=f"{info.start_seconds}.{info.start_microseconds:06d}",
        executable=executable,
        name=PurePath(executable).name if executable else info.comm.decode("utf-8", "replace"),
    )
