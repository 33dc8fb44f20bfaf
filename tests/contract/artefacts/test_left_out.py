"""A module that an artefact does not carry is imported by nothing that it carries."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from scripts.building import stage
from tests.support.machine import ROOT


def imported(path: Path) -> set[str]:
    """Every name that an import of this file may be a module of."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


@pytest.mark.parametrize("program", [stage.SETUP, stage.OVERLORD], ids=lambda program: program.name)
def test_nothing_imports_what_is_left_out(program: stage.Program) -> None:
    left_out = {(ROOT / name) for name in program.without}
    assert left_out
    assert all(path.is_file() for path in left_out)
    names = {name.removesuffix(".py").replace("/", ".") for name in program.without}
    carried = [path for package in program.packages for path in (ROOT / package).rglob("*.py")]
    wrong = [path for path in carried if path not in left_out and imported(path) & names]
    assert wrong == []
