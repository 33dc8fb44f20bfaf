"""Entry of the native binaries."""

from __future__ import annotations

from gonkagate_setup.cli import run

run()
