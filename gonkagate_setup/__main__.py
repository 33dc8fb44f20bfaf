"""Entry of `python -m gonkagate_setup`."""

from __future__ import annotations

from gonkagate_setup.cli import run

run()
