"""Rows under a heading, in columns as wide as what is in them."""

from __future__ import annotations

from typing import Sequence

from foundation.terminal.text import columns, style, visible

_GAP = "  "


def table(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The rows; no line is broken, so that each can be searched for a name."""
    shown = [[visible(cell) for cell in row] for row in rows]
    widths = [max(columns(row[column]) for row in [heading, *shown]) for column in range(len(heading))]
    return "\n".join([style(_line(heading, widths), "heading"), *(_line(row, widths) for row in shown)])


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = [cell + " " * (width - columns(cell)) for cell, width in zip(cells, widths, strict=True)]
    return _GAP.join(padded).rstrip()
