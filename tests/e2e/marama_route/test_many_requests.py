"""Thousands of requests, a fifth of them given up by the client: nothing grows, nothing stays open."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.conftest import Record
from tests.e2e.marama_route.sites import HEADER, Site

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has /proc to look into")
CLIENTS, FIRST, MORE, DEEP_MORE = 8, 2_000, 2_000, 100_000
GROWTH_MB = 5


def _send(site: Site, number: int, connection: http.client.HTTPConnection) -> None:
    """One request of a client: whole, streamed, decided only, refused or given up."""
    kind = number % 5
    payload = site.chat(stream=kind in (1, 4), max_tokens=100_000_000 if kind == 3 else 5)
    path = "/v1/route" if kind == 2 else "/v1/chat/completions"
    headers = {"Authorization": f"Bearer {site.gateway.key}", HEADER: "shop"}
    connection.request("POST", path, json.dumps(payload).encode(), headers)
    if kind == 4:
        connection.close()
        return
    answer = connection.getresponse()
    answer.read()
    assert answer.status == (422 if kind == 3 else 200)


def _client(site: Site, numbers: range) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", site.gateway.port, timeout=60)
    with contextlib.closing(connection):
        for number in numbers:
            _send(site, number, connection)


def _load(site: Site, requests: int) -> None:
    each = requests // CLIENTS
    with ThreadPoolExecutor(CLIENTS) as pool:
        jobs = [pool.submit(_client, site, range(at * each, (at + 1) * each)) for at in range(CLIENTS)]
        for job in jobs:
            job.result()
    for backend in site.backends:
        backend.requests.clear()


def _memory_mb(process: int) -> float:
    """The memory that only this process has."""
    text = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="ascii")
    kilobytes = [int(line.split()[1]) for line in text.splitlines() if line.startswith("Private_")]
    return sum(kilobytes) / 1024


def _open(process: int) -> int:
    return len([*Path(f"/proc/{process}/fd").iterdir()])


def _settled(site: Site, process: int, wanted: int) -> int:
    """How many files and sockets are open, once no more than that are, or after a while."""
    end = time.monotonic() + 40
    while (found := _open(process)) > wanted and time.monotonic() < end:
        time.sleep(0.2)
    return found


def test_nothing_grows_and_nothing_stays_open(site: Site, deep: bool, figure: Record) -> None:
    process = site.gateway.process
    _load(site, FIRST)
    files = _settled(site, process, 0 if deep else _open(process))
    before = _memory_mb(process)
    began = time.monotonic()
    count = DEEP_MORE if deep else MORE
    _load(site, count)
    figure("requests", count / (time.monotonic() - began), "per second, with the client on the same cores")
    grown = _memory_mb(process) - before
    figure("memory of the gateway", before, "MB")
    figure("growth", grown, "MB")
    assert grown <= GROWTH_MB
    # Connections to the backend may stay for the next request.
    assert _settled(site, process, files + CLIENTS) <= files + CLIENTS
    with contextlib.closing(socket.create_connection(("127.0.0.1", site.gateway.port), 5)):
        assert site.gateway.ask("GET", "/readyz").status == 200
