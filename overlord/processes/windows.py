"""Processes on Windows (learn.microsoft.com: OpenProcess, GetProcessTimes, CreateToolhelp32Snapshot)."""

from __future__ import annotations

import ctypes
from pathlib import PureWindowsPath
from typing import Any, Final

from overlord.processes.process import Process

_QUERY: Final = 0x1000  # PROCESS_QUERY_LIMITED_INFORMATION
_SNAPSHOT_OF_PROCESSES: Final = 0x2  # TH32CS_SNAPPROCESS
_STILL_ACTIVE: Final = 259
_LONGEST_PATH: Final = 32768


class _Entry(ctypes.Structure):
    _fields_ = (
        ("size", ctypes.c_uint32),
        ("usage", ctypes.c_uint32),
        ("pid", ctypes.c_uint32),
        ("heap", ctypes.c_size_t),
        ("module", ctypes.c_uint32),
        ("threads", ctypes.c_uint32),
        ("parent", ctypes.c_uint32),
        ("priority", ctypes.c_int32),
        ("flags", ctypes.c_uint32),
        ("file", ctypes.c_wchar * 260),
    )


def inspect(pid: int) -> Process | None:
    """See processes.inspect."""
    windows: Any = ctypes
    kernel = windows.WinDLL("kernel32", use_last_error=True)
    kernel.OpenProcess.restype = ctypes.c_void_p
    kernel.CreateToolhelp32Snapshot.restype = ctypes.c_void_p
    handle = kernel.OpenProcess(_QUERY, False, pid)
    entry = _entry(kernel, pid)
    if not handle:
        # One that may not be opened lives, and proves nothing.
        return None if entry is None else Process(pid, int(entry.parent), None, None, _stem(entry.file))
    try:
        status = ctypes.c_uint32()
        if kernel.GetExitCodeProcess(ctypes.c_void_p(handle), ctypes.byref(status)) and (
            status.value != _STILL_ACTIVE
        ):
            return None
        path = _path(kernel, handle)
        name = path or ("" if entry is None else str(entry.file))
        parent = 0 if entry is None else int(entry.parent)
        return Process(pid, parent, _start_time(kernel, handle), path, _stem(name))
    finally:
        kernel.CloseHandle(ctypes.c_void_p(handle))


def _start_time(kernel: Any, handle: int) -> str | None:
    created, ended, in_kernel, in_user = (ctypes.c_uint64() for _ in range(4))
    times = [ctypes.byref(value) for value in (created, ended, in_kernel, in_user)]
    return str(created.value) if kernel.GetProcessTimes(ctypes.c_void_p(handle), *times) else None


def _path(kernel: Any, handle: int) -> str | None:
    buffer = ctypes.create_unicode_buffer(_LONGEST_PATH)
    length = ctypes.c_uint32(_LONGEST_PATH)
    done = kernel.QueryFullProcessImageNameW(ctypes.c_void_p(handle), 0, buffer, ctypes.byref(length))
    return buffer.value if done else None


def _entry(kernel: Any, pid: int) -> _Entry | None:
    snapshot = ctypes.c_void_p(kernel.CreateToolhelp32Snapshot(_SNAPSHOT_OF_PROCESSES, 0))
    entry = _Entry()
    entry.size = ctypes.sizeof(entry)
    try:
        more = kernel.Process32FirstW(snapshot, ctypes.byref(entry))
        while more:
            if entry.pid == pid:
                return entry
            more = kernel.Process32NextW(snapshot, ctypes.byref(entry))
        return None
    finally:
        kernel.CloseHandle(snapshot)


def _stem(path: str) -> str:
    return PureWindowsPath(path).stem
