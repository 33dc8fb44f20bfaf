"""A stream of any length takes little memory, measured from outside as the peak of a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Callable

import pytest

from tests.stand_in.model_backend import ModelBackend, Repeat, chunk, event, finish, framed, stream

ROOT = Path(__file__).parents[3]
MOST = 80 * 1024 * 1024

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no getrusage")


def peak(megabytes: int) -> int:
    """The peak in bytes of a process that forwards so much."""
    # As a fast backend sends it: many events in one piece of the transfer.
    piece = framed(event(chunk("x" * 800)) * 60)
    with ModelBackend([stream(Repeat(piece, megabytes * 1024 * 1024 // len(piece)), finish())]) as one:
        done = subprocess.run(
            [sys.executable, "-m", "tests.support.forwarding_memory", one.base_url],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
            timeout=1200,
        )
    size, most, state, ended = done.stdout.split()
    assert int(size) > megabytes * 1024 * 1024 * 0.98
    assert (state, ended) == ("completed", "True")
    return int(most)


def test_a_hundred_megabytes_take_little_memory(figure: Callable[..., None]) -> None:
    most = peak(100)
    figure("peak while 100 MB are forwarded", most / 1024 / 1024, "MiB")
    assert most <= MOST


@pytest.mark.deep
def test_a_gigabyte_takes_no_more(figure: Callable[..., None]) -> None:
    most = peak(1000)
    figure("peak while 1 GB is forwarded", most / 1024 / 1024, "MiB")
    assert most <= MOST
