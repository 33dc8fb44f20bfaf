"""The tables of layers and of finding codes in docs/json.md; scripts/write_docs.py writes them."""

from __future__ import annotations

from typing import Final, Mapping

from gonkagate_setup.judgement.findings import CODES
from gonkagate_setup.ui.render import LAYERS
from scripts.lib.cache import ROOT

PAGE: Final = ROOT / "docs" / "json.md"


def page(text: str) -> str:
    """The page with both tables as the program has them."""
    return _table(_table(text, "| `layer` | the source |", LAYERS), "| `code` | what was found |", CODES)


def _table(page: str, heading: str, rows: Mapping[str, str]) -> str:
    """`page` with these rows in the table under `heading`."""
    before, after = page.split(f"{heading}\n", 1)
    lines = ["| --- | --- |", *(f"| `{name}` | {words} |" for name, words in rows.items())]
    return "\n".join([before + heading, *lines, "", after.split("\n\n", 1)[1]])
