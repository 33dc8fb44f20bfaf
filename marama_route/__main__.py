"""Entry of `python -m marama_route` and of the .pyz."""

from __future__ import annotations

from marama_route.cli import run

run()
