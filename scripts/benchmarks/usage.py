"""What one command used, as the kernel counts it, with every process that it started and waited for."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Final, Sequence

from scripts.benchmarks.subjects import succeeded
from scripts.lib import cache
from tests.support.machine import Machine

# A process starts with the peak of the one that forked it, so this one is a bare interpreter, which is
# smaller than everything that it measures. ru_maxrss is in KiB on Linux.
_REPORT: Final = """
import os, sys
null = os.open(os.devnull, os.O_WRONLY)
child = os.fork()
if child == 0:
    os.dup2(null, 1)
    os.execv(sys.argv[1], sys.argv[1:])
_, status, usage = os.wait4(child, 0)
print(usage.ru_maxrss, usage.ru_utime + usage.ru_stime)
sys.exit(os.waitstatus_to_exitcode(status))
"""


@dataclass(frozen=True)
class Usage:
    """Peak memory of the largest process in millions of bytes, CPU time of all in seconds."""

    peak: float
    cpu: float


def usage(on: Machine, command: Sequence[str]) -> Usage:
    """Run `command` (an absolute path first) on the machine; BenchmarkError when it fails."""
    environ = {**on.environment, "PYTHONPATH": str(cache.ROOT)}
    report = [sys.executable, "-I", "-S", "-c", _REPORT, *command]
    peak, cpu = succeeded(on.run(report, cwd=on.project, environ=environ)).stdout.split()
    return Usage(int(peak) * 1024 / 1_000_000, float(cpu))
