"""The table of proofs in docs/validation.md, made from `validation/`; scripts/write_docs.py writes it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Final, Mapping

from scripts.lib.cache import ROOT
from scripts.lib.layers_table import between
from scripts.validating.names import WORKFLOW_NAMES

PAGE: Final = ROOT / "docs" / "validation.md"
BEGIN: Final = "<!-- proofs: scripts/write_docs.py -->"
END: Final = "<!-- end of proofs -->"
_HEAD: Final = (
    "| model | opencode | kind | workflows held | streamed in | tools called | date | proof |",
    "| --- | --- | --- | --- | --- | --- | --- | --- |",
)


def table(folder: Path = ROOT / "validation") -> str:
    """A row for each proof file, by model, opencode version and kind."""
    found = {path: json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*/*/*.json")}
    rows = sorted(found.items(), key=lambda item: _order(item[1]))
    return "\n".join([*_HEAD, *(_row(path, proof) for path, proof in rows)])


def page(text: str) -> str:
    """The page with a fresh table."""
    return between(text, BEGIN, END, table())


def _order(proof: Mapping[str, Any]) -> tuple[str, tuple[int, ...], str]:
    numbers = tuple(map(int, proof["opencodeVersion"].split(".")))
    return proof["modelKey"], numbers, proof["mode"]


def _row(path: Path, proof: Mapping[str, Any]) -> str:
    held = proof["workflows"]
    cells = (
        f"`{proof['modelKey']}`",
        proof["opencodeVersion"],
        proof["mode"],
        f"{sum(name in held for name in WORKFLOW_NAMES)} of {len(WORKFLOW_NAMES)}",
        f"{held['streaming']['pieces']} pieces",
        ", ".join(held["tools"]["toolCalls"]),
        proof["date"],
        f"[file]({Path(os.path.relpath(path, PAGE.parent)).as_posix()})",
    )
    return f"| {' | '.join(cells)} |"
