"""Elapsed time on a terminal, as text that is only appended: `reading ... 1 s 2 s 5 s`."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import Callable, Iterator

_MARKS_SECONDS = (1, 2, 5, 10, 20, 30)
_EVERY_SECONDS = 30


@contextmanager
def running(text: str, append: Callable[[str], object]) -> Iterator[Callable[[str], None]]:
    """Announce `text`, append the elapsed seconds while the block runs, and end the line.

    Yields a function that starts a new line for the next step; any thread may call it.
    """
    writing, ended = threading.Lock(), threading.Event()
    started = time.monotonic()

    def step(following: str) -> None:
        with writing:
            append(f"\n{following} ...")

    def tick() -> None:
        for mark in _marks():
            if ended.wait(max(0.0, started + mark - time.monotonic())):
                return
            with writing:
                append(f" {mark} s")

    append(f"{text} ...")
    ticking = threading.Thread(target=tick, daemon=True)
    ticking.start()
    try:
        yield step
    finally:
        ended.set()
        ticking.join()
        append("\n")


def _marks() -> Iterator[int]:
    yield from _MARKS_SECONDS
    mark = _MARKS_SECONDS[-1]
    while True:
        mark += _EVERY_SECONDS
        yield mark
