"""The table of layers in docs/layers.md, made from opencode's places; scripts/write_docs.py writes it."""

from __future__ import annotations

from pathlib import PurePath, PurePosixPath
from typing import Final

from opencode_config.places import Environment, Kind, Place, Surroundings, places
from scripts.lib.cache import ROOT

PAGE: Final = ROOT / "docs" / "layers.md"
BEGIN: Final = "<!-- layers: scripts/write_docs.py -->"
END: Final = "<!-- end of layers -->"
# Absolute, as real ones are: places.py joins the others to the working folder. The page omits the slash.
_HOME: Final = PurePosixPath("/~")
_TREE: Final = PurePosixPath("/<work tree>")
_WORDS: Final = {
    "well_known": "a server named in opencode's `auth.json` (`<url>/.well-known/opencode`)",
    "organisation_account": "the organisation that opencode is signed in to",
    "plugin": "`config` hooks of plugins; not with `--pure`",
    "OPENCODE_CONFIG_CONTENT": "the text of the variable OPENCODE_CONFIG_CONTENT",
}
_VARIABLES: Final = {
    "OPENCODE_CONFIG": "$OPENCODE_CONFIG",
    "OPENCODE_CONFIG_DIR": "$OPENCODE_CONFIG_DIR",
    "OPENCODE_CONFIG_CONTENT": "{}",
}


def table() -> str:
    """Every place, low to high, for a folder `<work tree>/nested` with every variable set."""
    around = Surroundings({**_VARIABLES, "USER": "<user>"}, _HOME, _TREE / "nested", _TREE, "darwin")
    lines = ["| | layer | where | read in |", "| --- | --- | --- | --- |"]
    by_environment = {environment: _named(around, environment) for environment in Environment}
    for number, row in enumerate(by_environment[Environment.SESSION], start=1):
        read = [name.value for name, rows in by_environment.items() if row in rows]
        lines.append(f"| {number} | `{row[0]}` | {row[1]} | {', '.join(read)} |")
    return "\n".join(lines)


def _named(around: Surroundings, environment: Environment) -> list[tuple[str, str]]:
    return [(place.layer, _where(place, around.cwd)) for place in places(around, environment)]


def _where(place: Place, cwd: PurePath) -> str:
    if place.path is None:
        return _WORDS[place.layer]
    text = str(place.path)
    for variable in _VARIABLES.values():
        text = text.replace(str(cwd / variable), variable)
    for root in (_HOME, _TREE):
        text = text.replace(str(root), root.name)
    if place.kind is Kind.AGENTS:
        return f"`{text}/{{agent,agents,command,commands}}/**/*.md`, `{text}/{{mode,modes}}/*.md`"
    return f"`{text}`"


def between(text: str, begin: str, end: str, made: str) -> str:
    """The text with `made` on the lines between the two marks."""
    before, _, rest = text.partition(begin)
    _, _, after = rest.partition(end)
    return f"{before}{begin}\n{made}\n{end}{after}"


def page(text: str) -> str:
    """The page with a fresh table."""
    return between(text, BEGIN, END, table())
