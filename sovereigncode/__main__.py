"""Entry of `python -m sovereigncode` and of the .pyz."""

from __future__ import annotations

from sovereigncode.cli import run

run()
