"""How a demo shows things, and how it stops."""

from __future__ import annotations

import textwrap
from pathlib import Path

from scripts.lib import cache


class DemoError(Exception):
    """Something that the demo shows did not happen; the text says what."""


def step(text: str) -> None:
    """What comes next."""
    print(f"\n== {text}", flush=True)


def say(text: str) -> None:
    """What a program printed."""
    print(textwrap.indent(text.strip(), "   | ", lambda _: True), flush=True)


def short(path: Path) -> str:
    """The path, below the checkout if it is there."""
    return str(path.relative_to(cache.ROOT)) if cache.ROOT in path.parents else str(path)
