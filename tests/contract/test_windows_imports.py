"""Every test module can be imported on Windows: pytest runs nothing at all if one of them cannot.

A mark that skips tests comes too late: what only POSIX has must come after a skip of the whole module.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Iterator

import pytest

from tests.support.machine import ROOT

# docs.python.org/3/library: "Availability: Unix".
MODULES = {"fcntl", "grp", "pty", "pwd", "resource", "syslog", "termios", "tty"}
SIGNALS = {"SIGALRM", "SIGCHLD", "SIGCONT", "SIGHUP", "SIGKILL", "SIGQUIT", "SIGSTOP", "SIGUSR1", "SIGUSR2"}
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def now(node: ast.AST) -> Iterator[ast.AST]:
    """The parts of a statement that run when the module is imported."""
    yield node
    for child in ast.iter_child_nodes(node):
        if not isinstance(node, FUNCTIONS) or child not in (
            node.body if isinstance(node.body, list) else [node.body]
        ):
            yield from now(child)


def posix_only(node: ast.AST) -> str | None:
    if isinstance(node, ast.Import):
        return next((one.name for one in node.names if one.name in MODULES), None)
    if isinstance(node, ast.ImportFrom):
        return node.module if node.module in MODULES else None
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "signal":
        return f"signal.{node.attr}" if node.attr in SIGNALS else None
    return None


def guards(statement: ast.stmt) -> bool:
    """Whether nothing below the statement is reached on Windows."""
    text = ast.unparse(statement)
    return isinstance(statement, ast.If) and "sys.platform" in text and "allow_module_level=True" in text


def problems(source: str) -> list[str]:
    found = []
    for statement in ast.parse(source).body:
        if guards(statement):
            break
        if isinstance(statement, (ast.If, ast.Try)):
            continue  # it is asked first
        found += [f"{name}, line {statement.lineno}" for name in map(posix_only, now(statement)) if name]
    return found


@pytest.mark.parametrize("path", sorted((ROOT / "tests").rglob("test_*.py")), ids=lambda path: path.stem)
def test_nothing_of_posix_is_needed_to_import_a_test_module(path: Path) -> None:
    assert problems(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("source", "number"),
    [
        ("import pwd", 1),
        ("from termios import TCSANOW", 1),
        ("ENDS = {signal.SIGKILL: 1}", 1),
        ("@mark(signal.SIGHUP)\ndef test(): pass", 1),
        ("def test(number=signal.SIGHUP): pass", 1),
        ("def test():\n    import pwd\n    return signal.SIGKILL", 0),
        ("ENDS = {signal.SIGTERM: 1}", 0),
        ('if sys.platform == "win32":\n    pytest.skip("x", allow_module_level=True)\nimport pwd', 0),
        ('pytestmark = pytest.mark.skipif(sys.platform == "win32")\nimport pwd', 1),
        ('if sys.platform != "win32":\n    import pwd', 0),
    ],
)
def test_what_is_found(source: str, number: int) -> None:
    assert len(problems(source)) == number
