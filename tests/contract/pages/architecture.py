"""The map of the modules in ARCHITECTURE.md: read, and written again after modules moved.

`block(phrases)` gives the text between the fences: change the paths in `listed(page)` and print it.
"""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import Mapping

_LINE = re.compile(r"(?P<indent> *)(?P<name>\S+?)(?P<folder>/?)  +(?P<phrase>\S.*)")
# Not written here: the page says so on the line of its folder.
VENDORED = "_vendor"


def listed(page: str) -> list[tuple[str, str]]:
    """Each module of the page's first fenced block with its phrase; a folder means its `__init__.py`."""
    found: list[tuple[str, str]] = []
    folders: list[str] = []
    for line in page.split("```")[1].strip("\n").split("\n"):
        match = _LINE.fullmatch(line)
        if match is None:
            raise ValueError(f"this is neither a folder nor a module with a phrase: {line!r}")
        folders = folders[: len(match["indent"]) // 2]
        path = "/".join((*folders, match["name"]))
        if match["folder"]:
            folders.append(match["name"])
            path += "/__init__.py"
        found.append((path, match["phrase"]))
    return found


def block(phrases: Mapping[str, str]) -> str:
    """The block for these modules, each folder where its first module is."""
    lines: dict[str, tuple[str, str]] = {}
    grouped: dict[PurePosixPath, list[PurePosixPath]] = {}
    for name in phrases:
        path = PurePosixPath(name)
        place = path.parent if path.name == "__init__.py" else path
        while place.name and place not in grouped.setdefault(place.parent, []):
            grouped[place.parent].append(place)
            place = place.parent

    def add(place: PurePosixPath, depth: int) -> None:
        folder = place.suffix != ".py"
        name = f"{'  ' * depth}{place.name}{'/' if folder else ''}"
        lines[str(place)] = (name, phrases[f"{place}/__init__.py" if folder else str(place)])
        for inner in grouped.get(place, ()):
            add(inner, depth + 1)

    for top in grouped[PurePosixPath()]:
        add(top, 0)
    width = max(len(name) for name, _ in lines.values())
    return "\n".join(f"{name:{width}}  {phrase}" for name, phrase in lines.values())


def modules(root: Path, packages: tuple[str, ...]) -> set[str]:
    """Every module of the packages below `root`; of what is vendored, the folder alone."""
    found = {
        path.relative_to(root).as_posix() for name in packages for path in (root / name).rglob("*.py")
    }  # fmt: skip
    inner = {path for path in found if f"/{VENDORED}/" in path}
    return found - inner | {f"{path.partition(f'/{VENDORED}/')[0]}/{VENDORED}/__init__.py" for path in inner}


def mistakes(present: set[str], page: str) -> list[str]:
    """What the page's map has wrong about the modules that are there."""
    named = [path for path, _ in listed(page)]
    return [
        *(f"not on the map: {path}" for path in sorted(present - set(named))),
        *(f"on the map, and not there: {path}" for path in sorted(set(named) - present)),
        *(f"on the map more than once: {path}" for path in sorted({p for p in named if named.count(p) > 1})),
    ]
