"""Nothing in the package is there for tests alone: each name is used by the package, a script or a build."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Iterator, NamedTuple

import pytest

from tests.support.sources import MODULES, ROOT

# The server that uses the gateway's core is not written yet; with its command these names count, too.
SERVED = (ROOT / "marama_route" / "commands" / "serve").exists()
PACKAGE = [path for path in MODULES if SERVED or path.relative_to(ROOT).parts[0] != "marama_route"]
USERS = [*MODULES, *sorted((ROOT / "scripts").rglob("*.py")), *sorted((ROOT / "build").rglob("*.py"))]
# The catalogue can name the adapter that a model moves to; no model moves yet.
KEPT = {"migration"}
# aiohttp calls it.
KEPT |= {"handle_error"}
# What the gateway calls, which is not in this repository yet.
KEPT |= {"with_more"}
# A decision reports it with all that it knows of an attempt.
KEPT |= {"first_byte_ms"}


class Defined(NamedTuple):
    """A function, class, method, field or constant; `member`: it is reached by an attribute only."""

    place: str
    name: str
    member: bool


def defined(path: Path) -> Iterator[Defined]:
    def of(body: list[ast.stmt], *, member: bool) -> Iterator[Defined]:
        for node in body:
            place = f"{path.relative_to(ROOT)}:{node.lineno}"
            names: list[str] = []
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                names = [node.name]
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                names = [node.target.id]
            elif isinstance(node, ast.Assign) and not member:  # in a class these are members of an Enum
                names = [target.id for target in node.targets if isinstance(target, ast.Name)]
            yield from (Defined(place, name, member) for name in names if not name.startswith("__"))
            if isinstance(node, ast.ClassDef):
                yield from of(node.body, member=True)

    yield from of(ast.parse(path.read_text(encoding="utf-8")).body, member=False)


def used(paths: list[Path]) -> tuple[set[str], set[str]]:
    """What is used by its plain name, and what as an attribute, a keyword, or by its name as a text."""
    plain, attributes = set(), set()
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                plain.add(node.id)
            elif isinstance(node, ast.Attribute):
                attributes.add(node.attr)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                attributes.add(node.value)
    return plain, attributes


def unused(package: list[Path], users: list[Path]) -> list[str]:
    plain, attributes = used(users)
    return [
        f"{entry.place}: {entry.name}"
        for path in package
        for entry in defined(path)
        if entry.name not in attributes and (entry.member or entry.name not in plain)
    ]


def test_every_name_is_used() -> None:
    found = [entry for entry in unused(PACKAGE, USERS) if entry.rpartition(": ")[2] not in KEPT]
    assert found == []


def test_what_nobody_uses_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.contract.test_unused.ROOT", tmp_path)
    module, script = tmp_path / "module.py", tmp_path / "script.py"
    module.write_text(
        "LIMIT = 1\nCOLOUR = 2\ndef style(): return COLOUR\n"
        "class Terminal:\n    width: int\n    depth: int\n    def style(self): return self.width\n"
    )
    script.write_text("from module import Terminal, style\nstyle(Terminal(1, 2))\n")
    assert unused([module], [module, script]) == [
        "module.py:1: LIMIT",
        "module.py:6: depth",
        "module.py:7: style",
    ]
