"""How a demo shows things, and how it stops."""

from __future__ import annotations

import argparse
import contextlib
import shutil
import tempfile
import textwrap
from pathlib import Path
from typing import Iterator

from scripts.lib import cache, opencode_versions


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


def options(name: str, description: str | None) -> argparse.ArgumentParser:
    """The options that every demo has."""
    parser = argparse.ArgumentParser(
        prog=f"demo.py {name}",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--keep", action="store_true", help="keep the throw-away folder")
    return parser


def add_opencode(parser: argparse.ArgumentParser) -> None:
    """The option of a demo that runs opencode."""
    parser.add_argument(
        "--opencode", default=opencode_versions.NEWEST, metavar="VERSION", help="default: %(default)s"
    )


@contextlib.contextmanager
def throw_away(name: str, *, keep: bool) -> Iterator[Path]:
    """A folder of the demo's own, removed afterwards if it is not to be kept."""
    root = Path(tempfile.mkdtemp(prefix=f"{name}-demo-"))
    try:
        yield root
    finally:
        if keep:
            print(f"\nThe folder is kept: {root}")
        else:
            shutil.rmtree(root, ignore_errors=True)
