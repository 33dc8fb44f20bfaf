"""A process that forwards one stream to nobody and says how much memory that took; it is given a base URL."""

from __future__ import annotations

import asyncio
import resource
import sys
from pathlib import Path

from marama_route.backends.client import Backends
from marama_route.forwarding.forward import forward
from tests.support.forwarding import Client, Gate, Ledger, backend, host, job


class Sink(Client):
    """Counts bytes and keeps the last ones."""

    size = 0
    last = b""

    async def write(self, data: bytes) -> None:
        self.size += len(data)
        self.last = data[-100:]


async def _forward(base_url: str) -> None:
    client, ledger = Sink(), Ledger()
    async with Backends({"one": backend("one", base_url)}, host()) as backends:
        await forward(job(), backends, Gate(), client, ledger)
    done = client.last.endswith(b"data: [DONE]\n\n")
    sys.stdout.write(f"{client.size} {_peak()} {ledger.outcome.state.value} {done}\n")


def _peak() -> int:
    """The largest resident size of this process, in bytes.

    On Linux `ru_maxrss` begins with that of the process that started this one (kernel, `begin_new_exec`).
    """
    status = Path("/proc/self/status")
    if status.exists():
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    asyncio.run(_forward(sys.argv[1]))
