"""Living processes: who they are, which are above this one, and how one is ended."""

from __future__ import annotations

import os
import sys
import time
from typing import Final, Iterator

from overlord.processes.process import Process

_GRACE_SECONDS: Final = 5.0
_PAUSE: Final = 0.05
_MOST_PARENTS: Final = 64


def inspect(pid: int) -> Process | None:
    """The living process with that id, None if there is none; a zombie is none."""
    if pid <= 0:
        return None
    if sys.platform.startswith("linux"):
        from overlord.processes.linux import inspect as inspect_here
    elif sys.platform == "darwin":
        from overlord.processes.darwin import inspect as inspect_here
    elif sys.platform == "win32":
        from overlord.processes.windows import inspect as inspect_here
    else:
        return Process(pid, 0, None, None, "") if _exists(pid) else None
    return inspect_here(pid)


def parents() -> Iterator[Process]:
    """The processes above this one, the nearest first."""
    pid = os.getppid()
    for _ in range(_MOST_PARENTS):
        found = inspect(pid)
        if found is None:
            return
        yield found
        pid = found.parent


def end(process: Process) -> bool:
    """End the process: SIGTERM, and after 5 s SIGKILL; whether it has ended. Raises OSError.

    It is looked at again before each signal, so that another process with its id is never signalled.
    """
    import signal

    for name, seconds in (("SIGTERM", _GRACE_SECONDS), ("SIGKILL", _GRACE_SECONDS)):
        number = getattr(signal, name, signal.SIGTERM)
        if not _signal(process, number):
            return True
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if not _same(process):
                return True
            time.sleep(_PAUSE)
    return not _same(process)


def _same(process: Process) -> bool:
    now = inspect(process.pid)
    return now is not None and now.start_time == process.start_time


def _signal(process: Process, number: int) -> bool:
    """Send a signal; False if the process has ended."""
    if hasattr(os, "pidfd_open"):
        return _signal_descriptor(process, number)
    if not _same(process):
        return False
    try:
        os.kill(process.pid, number)
    except ProcessLookupError:
        return False
    return True


def _signal_descriptor(process: Process, number: int) -> bool:
    """On Linux a descriptor names one process for ever (man 2 pidfd_open); older kernels have none."""
    import signal

    try:
        descriptor = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return False
    except OSError:
        descriptor = -1
    try:
        if not _same(process):
            return False
        if descriptor >= 0 and hasattr(signal, "pidfd_send_signal"):
            signal.pidfd_send_signal(descriptor, number)
        else:
            os.kill(process.pid, number)
    except ProcessLookupError:
        return False
    finally:
        if descriptor >= 0:
            os.close(descriptor)
    return True


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
