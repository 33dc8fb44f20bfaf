"""The models as text, from the entries of `commands/models.py`: each value with its source."""

from __future__ import annotations

from typing import Any, Mapping, Sequence

from foundation.terminal.text import style, visible, wrap


def lines(entries: Sequence[Mapping[str, Any]], width: int) -> list[str]:
    """One paragraph per model, in catalogue order."""
    found: list[str] = []
    for entry in entries:
        found += ["", style(_title(entry), "heading"), *_facts(entry, width)]
    return found


def _title(entry: Mapping[str, Any]) -> str:
    marks = [word for word in ("selected", "recommended") if entry[word]]
    if entry["status"] != "validated":
        marks.append("not offered: not validated")
    return visible(entry["displayName"]) + (f" ({', '.join(marks)})" if marks else "")


def _facts(entry: Mapping[str, Any], width: int) -> list[str]:
    limit = entry["limit"]
    limits = "none written" if limit is None else f"context {limit['context']}, output {limit['output']}"
    facts = [
        f"choose it with: --model {entry['key']}",
        f"in opencode: {entry['reference']}",
        f"sent as: {entry['upstreamId']}, with {entry['adapter']} ({entry['transport']})",
        f"limits: {limits}",
        *(f"source: {source} ({', '.join(names)})" for source, names in _by_source(entry["sources"]).items()),
    ]
    if entry["proof"]:
        facts.append(f"validated by: {entry['proof']}")
    if entry["wiringProofs"]:
        facts.append(
            f"setup and config proved with opencode {', '.join(entry['wiringProofs'])} (not the live model)"
        )
    if entry["note"]:
        facts.append(f"note: {entry['note']}")
    return [wrap(visible(fact), width, first="  ", rest="    ") for fact in facts]


def _by_source(sources: Mapping[str, str]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for name, source in sources.items():
        grouped.setdefault(source, []).append(name)
    return grouped
