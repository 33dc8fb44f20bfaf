"""Entry of `python -m overlord VERB`, the same as `mmi-cli overlord VERB`."""

from __future__ import annotations

from overlord.cli import run_overlord

run_overlord()
